// A snapshot in the text format of OpenMetrics 1.0, which Prometheus and others read.

import { BUCKETS_MS, type DurationCounts } from '../exchange/duration-histogram.ts';
import { STATUS_CLASSES } from '../exchange/request-metrics.ts';
import { SERVED_BY_NAMES } from '../http/served-by.ts';
import { packageVersion } from '../package.ts';
import { type Snapshot, STARTED_AT_SECONDS } from './snapshot.ts';

export const METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

type Labels = Readonly<Record<string, string>>;
type Samples = readonly (readonly [labels: Labels, value: number])[];

const NONE: Labels = {};

/** Text of a snapshot; null: no server runs, and only the process is described. */
export function metricsText(snapshot: Snapshot | null, isReady: boolean): string {
  const lines = [
    gauge('epoll_server_ready', 'Whether /readyz says 200.', [[NONE, isReady ? 1 : 0]]),
    family('epoll_server_build', 'info', 'The version.', [
      `epoll_server_build_info${braced({ version: packageVersion(), node: process.versions.node })} 1`,
    ]),
    family('process_start_time_seconds', 'gauge', 'When the process started, since 1970.', [
      `process_start_time_seconds ${STARTED_AT_SECONDS}`,
    ]),
    ...(snapshot === null ? [] : [...requestLines(snapshot), ...connectionLines(snapshot), ...otherLines(snapshot)]),
  ];
  return `${lines.join('')}# EOF\n`;
}

function requestLines({ counters }: Snapshot): readonly string[] {
  const { measured, requests, refused } = counters;
  const responses = measured.responses.flatMap((classes, at) =>
    classes.map((count, index): Samples[number] => [
      { adapter: SERVED_BY_NAMES[at] ?? '', class: STATUS_CLASSES[index] ?? '' },
      count,
    ]),
  );
  const durations = measured.durations.map((counts, at) => [{ adapter: SERVED_BY_NAMES[at] ?? '' }, counts] as const);
  return [
    counter(
      'epoll_server_responses',
      'Responses, by what handled the request and by status class.',
      responses.filter(([{ class: name }, count]) => count > 0 || name === '2xx'),
    ),
    histogram(
      'epoll_server_request_duration_seconds',
      'From the end of the head of a request to the end of its response.',
      durations,
    ),
    counter('epoll_server_requests_handled', 'Requests for which a handler was called.', [[NONE, requests.handled]]),
    counter('epoll_server_requests_failed', 'Requests whose handler threw, rejected or broke the rules.', [
      [NONE, requests.failed],
    ]),
    counter('epoll_server_requests_aborted', 'Requests whose client left before the response ended.', [
      [NONE, requests.aborted],
    ]),
    counter('epoll_server_refused', 'Connections and requests that were rejected.', byKey(refused, 'kind')),
  ];
}

function connectionLines({ counters, gauges }: Snapshot): readonly string[] {
  const { connections, timeouts, tls, bytes } = counters;
  return [
    gauge('epoll_server_connections', 'Open connections.', byKey(gauges.connections, 'state')),
    counter('epoll_server_connections_accepted', 'Connections that were accepted.', [[NONE, connections.accepted]]),
    counter('epoll_server_connections_failed', 'Connections whose accept failed.', [[NONE, connections.failed]]),
    counter('epoll_server_accept_pauses', 'Pauses because descriptors or memory ran out.', [
      [NONE, connections.pauses],
    ]),
    counter('epoll_server_timeouts', 'Connections that were ended by a time-out.', byKey(timeouts, 'kind')),
    counter('epoll_server_tls_handshakes', 'Finished handshakes.', [
      [{ resumed: 'false' }, tls.handshakes - tls.resumptions],
      [{ resumed: 'true' }, tls.resumptions],
    ]),
    counter(
      'epoll_server_tls_failures',
      'Handshakes that failed.',
      byKey({ ...tls.failures, timeout: tls.timeouts }, 'reason'),
    ),
    counter('epoll_server_received_bytes', 'Bytes received.', [[NONE, bytes.received]], 'bytes'),
    counter('epoll_server_sent_bytes', 'Bytes sent.', [[NONE, bytes.sent]], 'bytes'),
  ];
}

function otherLines({ counters, gauges }: Snapshot): readonly string[] {
  const { loop, turns, systemCalls, files, process } = counters;
  const { sendfileBytes, ...fileCounts } = files;
  return [
    counter('epoll_server_loop_turns', 'Turns of the event loop.', [[NONE, loop.turns]]),
    counter('epoll_server_loop_entries', 'Calls from native code into JavaScript.', [[NONE, loop.entries]]),
    counter('epoll_server_loop_events', 'Events of sockets.', [[NONE, loop.events]]),
    histogram(
      'epoll_server_loop_lag_seconds',
      'How long turns took: a client that became ready meanwhile had to wait as long.',
      [[NONE, turns]],
    ),
    counter('epoll_server_system_calls', 'System calls.', byKey(systemCalls, 'call')),
    counter('epoll_server_files', 'How files were found and sent.', byKey(fileCounts, 'way')),
    counter('epoll_server_sendfile_bytes', 'Bytes sent by sendfile.', [[NONE, sendfileBytes]], 'bytes'),
    gauge('epoll_server_file_cache_bytes', 'Memory of cached files.', [[NONE, gauges.files.cacheBytes]], 'bytes'),
    gauge('epoll_server_file_cache_entries', 'Cached files.', [[NONE, gauges.files.cacheEntries]]),
    gauge('epoll_server_open_files', 'Files that are kept open.', [[NONE, gauges.files.open]]),
    gauge('epoll_server_serving', 'Servers that accept clients: workers, or the one process.', [
      [NONE, gauges.serving],
    ]),
    counter('process_cpu_seconds', 'Processor time.', [[NONE, process.cpuSeconds]], 'seconds'),
    gauge('process_resident_memory_bytes', 'Resident memory.', [[NONE, gauges.process.residentBytes]], 'bytes'),
    gauge('epoll_server_heap_bytes', 'The heaps of JavaScript.', [[NONE, gauges.process.heapBytes]], 'bytes'),
  ];
}

/** One sample for each key, which becomes the label `label`. */
function byKey(values: Readonly<Record<string, number>>, label: string): Samples {
  return Object.entries(values).map(([key, value]) => [{ [label]: snake(key) }, value]);
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function family(name: string, type: string, help: string, lines: readonly string[], unit = ''): string {
  const units = unit === '' ? [] : [`# UNIT ${name} ${unit}`];
  return [`# TYPE ${name} ${type}`, ...units, `# HELP ${name} ${help}`, ...lines, ''].join('\n');
}

function counter(name: string, help: string, samples: Samples, unit = ''): string {
  return family(
    name,
    'counter',
    help,
    samples.map(([labels, value]) => `${name}_total${braced(labels)} ${value}`),
    unit,
  );
}

function gauge(name: string, help: string, samples: Samples, unit = ''): string {
  return family(
    name,
    'gauge',
    help,
    samples.map(([labels, value]) => `${name}${braced(labels)} ${value}`),
    unit,
  );
}

/** Buckets are cumulative. */
function histogram(name: string, help: string, all: readonly (readonly [Labels, DurationCounts])[]): string {
  const lines = all.flatMap(([labels, { buckets, sumMs }]) => {
    let count = 0;
    const cumulative = buckets.map((each, at) => {
      count += each;
      const bound = BUCKETS_MS[at];
      const le = bound === undefined ? '+Inf' : String(bound / 1_000);
      return `${name}_bucket${braced({ ...labels, le })} ${count}`;
    });
    return [...cumulative, `${name}_count${braced(labels)} ${count}`, `${name}_sum${braced(labels)} ${sumMs / 1_000}`];
  });
  return family(name, 'histogram', help, lines, 'seconds');
}

function braced(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
