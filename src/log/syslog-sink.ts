// A destination of log lines: the system log, one datagram a line to a Unix domain socket (RFC 5424 section 6, in the
// older form of RFC 3164 that local daemons read). A line that is refused is lost, counted and reported.

import { countText } from '../count-text.ts';
import { loadAddon } from '../kernel/addon.ts';
import { NativeError } from '../kernel/native-error.ts';
import type { Sink } from '../options/option-types.ts';

/** Where the daemons of Linux listen: rsyslog, syslog-ng, systemd-journald. */
const SYSTEM_LOG = '/dev/log';

/** Facility daemon (3). */
const FACILITY = 3 * 8;
/** RFC 5424 section 6.2.1. */
export const SEVERITY = { ERROR: 3, INFORMATION: 6 } as const;

/** Daemons cut longer lines; the kernel refuses datagrams above a few hundred KiB. */
const MAX_LINE_BYTES = 8_192;

/** Losses are reported at most so often. */
const REPORT_MS = 1_000;

/** `report`: writes a line about lost lines, not into the system log. */
export function syslogSink(severity: number, report: (text: string) => void, path: string = SYSTEM_LOG): Sink {
  const start = `<${FACILITY + severity}>epoll-server[${process.pid}]: `;
  let lost = 0;
  let reportedMs = Number.NEGATIVE_INFINITY;
  return (text) => {
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const bytes = Buffer.from(start + line).subarray(0, MAX_LINE_BYTES);
      const result = loadAddon().sendDatagram(path, bytes);
      if (result < 0) lost++;
      const nowMs = performance.now();
      if (lost === 0 || nowMs - reportedMs < REPORT_MS) continue;
      reportedMs = nowMs;
      const why = result < 0 ? `: ${new NativeError('sendto', result).message}` : '';
      report(`${countText(lost, 'line')} for the system log (${path}) lost${why}`);
      lost = 0;
    }
  };
}
