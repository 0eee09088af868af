// The status of a server as a page for people and as JSON for programs.

import { BUCKETS_MS, type DurationCounts } from '../exchange/duration-histogram.ts';
import { STATUS_CLASSES } from '../exchange/request-metrics.ts';
import { escapeHtml, makePage } from '../http/page.ts';
import { SERVED_BY_NAMES } from '../http/served-by.ts';
import { packageVersion } from '../package.ts';
import { type Snapshot, STARTED_AT_SECONDS } from './snapshot.ts';

export interface Status {
  /** Why it is not ready; empty: it is. */
  readonly unready: string;
  readonly places: readonly string[];
  readonly snapshot: Snapshot | null;
}

const STYLE = `
h1{display:flex;flex-wrap:wrap;gap:.25rem .75rem;align-items:baseline;margin:0;font-size:1.5rem;line-height:1.3;font-weight:600}
h2{margin:0 0 .5rem;font-size:1.0625rem;font-weight:600}
.state{padding:.1rem .6rem;border-radius:1rem;border:1px solid currentcolor;font-size:.9375rem;font-weight:400}
.good{color:#1c7a46}.bad{color:var(--ready)}
@media(prefers-color-scheme:dark){.good{color:#6cc894}}
.soft{color:var(--soft)}
.lead{margin:.25rem 0 2rem}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr));gap:2rem 3rem}
.wide{grid-column:1/-1}
dl{margin:0;display:grid;grid-template-columns:1fr auto}
dt,dd,th,td{padding:.3rem 0;border-bottom:1px solid var(--rule)}
dt{color:var(--soft)}
dd,td,th{margin:0;text-align:right;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}
table{width:100%;border-collapse:collapse}
th{color:var(--soft);font-weight:400;font-size:.9375rem}
th:first-child,td:first-child{text-align:left}
td,th{padding-left:1rem;white-space:nowrap}
td:first-child,th:first-child{padding-left:0}
@media(max-width:36rem){td,th{padding-left:.5rem;font-size:.8125rem}th{white-space:normal;vertical-align:bottom}}
`.trim();

export function statusJson({ unready, places, snapshot }: Status): string {
  const status = {
    version: packageVersion(),
    node: process.versions.node,
    pid: process.pid,
    ready: unready === '',
    ...(unready === '' ? {} : { reason: unready }),
    startedAt: new Date(STARTED_AT_SECONDS * 1_000).toISOString(),
    listeners: places,
    ...snapshot,
  };
  return `${JSON.stringify(status)}\n`;
}

export function statusPage({ unready, places, snapshot }: Status): string {
  const state =
    unready === ''
      ? '<span class="state good">ready</span>'
      : `<span class="state bad">not ready: ${escapeHtml(unready)}</span>`;
  const about = `version ${packageVersion()}, Node.js ${process.versions.node}, pid ${process.pid}, up ${timeText(process.uptime())}`;
  const body = `<h1>epoll-server ${state}</h1>
<p class="soft lead">${escapeHtml(places.join(', '))}<br>${escapeHtml(about)}</p>
${snapshot === null ? '<p>Nothing serves yet.</p>' : sections(snapshot)}`;
  return makePage({ title: 'Status of epoll-server', style: STYLE, body });
}

function sections({ counters, gauges }: Snapshot): string {
  const { connections, process: ofProcess, files, serving } = gauges;
  const { requests, refused, timeouts, bytes, loop, turns } = counters;
  const ended = Object.values(timeouts).reduce((sum, each) => sum + each, 0);
  return `<div class="grid">
${responseTable(counters.measured)}
${facts('Connections', [
  ['with a request', count(connections.active)],
  ['idle', count(connections.idle)],
  ['lingering', count(connections.lingering)],
  ['accepted', count(counters.connections.accepted)],
  ['refused', count(refused.connections)],
])}
${facts('Requests', [
  ['handled', count(requests.handled)],
  ['rejected', count(refused.requests)],
  ['failed', count(requests.failed)],
  ['aborted', count(requests.aborted)],
  ['ended by time-outs', count(ended)],
])}
${facts('Loop', [
  ['turns', count(loop.turns)],
  ['events', count(loop.events)],
  ['99 % of turns within', quantileText(turns, 0.99)],
  ['received', bytesText(bytes.received)],
  ['sent', bytesText(bytes.sent)],
])}
${facts('Processes', [
  ['serving', count(serving)],
  ['processor time', timeText(counters.process.cpuSeconds)],
  ['resident memory', bytesText(ofProcess.residentBytes)],
  ['files in memory', `${count(files.cacheEntries)} (${bytesText(files.cacheBytes)})`],
  ['files kept open', count(files.open)],
])}
</div>`;
}

function responseTable({ responses, durations }: Snapshot['counters']['measured']): string {
  const rows = responses.flatMap((classes, at) => {
    if (classes.every((each) => each === 0)) return [];
    const counts = durations[at];
    const times = counts === undefined ? [] : [quantileText(counts, 0.5), quantileText(counts, 0.99)];
    const cells = [...classes.slice(2).map(count), count(classes[0] ?? 0), ...times];
    return [`<tr><td>${SERVED_BY_NAMES[at]}</td>${cells.map((each) => `<td>${each}</td>`).join('')}</tr>`];
  });
  const names = ['handled by', ...STATUS_CLASSES.slice(2), 'cut off', '50 % within', '99 % within'];
  const table =
    rows.length === 0
      ? '<p class="soft">No request yet.</p>'
      : `<div class="scroll"><table>
<thead><tr>${names.map((name) => `<th scope="col">${name}</th>`).join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>`;
  return `<section class="wide"><h2>Responses</h2>\n${table}</section>`;
}

function facts(title: string, rows: readonly (readonly [string, string])[]): string {
  return `<section><h2>${title}</h2><dl>${rows.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join('')}</dl></section>`;
}

function count(value: number): string {
  return value.toLocaleString('en');
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

function bytesText(bytes: number): string {
  const unit = bytes < 1_024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  const value = bytes / 1_024 ** unit;
  return `${unit === 0 ? count(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

function timeText(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}

/** The upper bound of the bucket in which the quantile lies. */
function quantileText({ buckets }: DurationCounts, quantile: number): string {
  const total = buckets.reduce((sum, each) => sum + each, 0);
  if (total === 0) return '-';
  let seen = 0;
  const at = buckets.findIndex((each) => {
    seen += each;
    return seen >= total * quantile;
  });
  const bound = BUCKETS_MS[at];
  if (bound === undefined) return `more than ${(BUCKETS_MS.at(-1) ?? 0) / 1_000} s`;
  return bound < 1_000 ? `${bound} ms` : `${bound / 1_000} s`;
}
