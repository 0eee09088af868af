// The load: wrk, or autocannon where there is none. One run of it, whose requests can be counted while it goes on, so
// that a window within the run is measured and its beginning, when clients connect, is not.

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { EpollServerError } from '../../errors.ts';
import { programPath } from '../../package.ts';
import { cpuSecondsOf, writtenBytesOf } from './processes.ts';
import { outputOf, Program } from './program.ts';

/** What a run is to do. */
export interface Wanted {
  readonly url: string;
  readonly clients: number;
  /** Requests of a client go over one connection; otherwise each has its own. */
  readonly keepAlive: boolean;
}

/** What a whole run came to, its beginning included. Microseconds. */
export interface Totals {
  readonly requests: number;
  readonly bytes: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  /** Answers that were not 2xx. */
  readonly badAnswers: number;
  /** Connections that failed, broke, or answered nothing for two seconds. */
  readonly failures: number;
}

export interface LoadRun {
  /** Requests sent up to now, more or less: see {@link Stopped.perSent}. */
  sent(): Promise<number>;
  /** Processor seconds of the generator. */
  cpuSeconds(): number;
  /** Ends the run. */
  stop(): Promise<Stopped>;
}

export interface Stopped {
  readonly totals: Totals;
  /** What {@link LoadRun.sent} has to be multiplied by, now that the generator has told its own count. */
  readonly perSent: number;
}

export interface Load {
  readonly name: string;
  readonly version: string;
  start(wanted: Wanted): LoadRun;
}

/** Its script `done` is told errors and percentiles: so since 4.0.0 (2015). */
const MIN_WRK = 4;

/** Longer than any run lasts, in seconds: runs are ended by a signal. */
const MAX_RUN_SECONDS = 600;

/** How long a generator may take to report. */
const REPORT_MS = 15_000;

/** Asked for once, at the end: it costs no request anything. */
const DONE_SCRIPT = `done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %.0f %.0f %.0f %.0f %.0f %.0f %.0f\\n", summary.requests, summary.bytes,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), e.status,
    e.connect + e.read + e.write + e.timeout))
end
`;

/**
 * The generator that there is; `say` hears why it is not wrk. `folder` is for its script.
 * @throws EpollServerError `ERR_COMPARISON` when there is none.
 */
export async function findLoad(folder: string, say: (text: string) => void): Promise<Load> {
  const said = await outputOf('wrk', ['-v']);
  const version = said === null ? null : versionIn(said.stdout + said.stderr);
  if (version !== null && Number.parseInt(version, 10) >= MIN_WRK) return wrk(version, folder);
  const why =
    version === null
      ? 'wrk is not installed (Debian: apt install wrk)'
      : `wrk ${version} is too old: ${MIN_WRK}.0.0 or later tells percentiles`;
  const path = findAutocannon();
  if (path === null) {
    throw new EpollServerError('ERR_COMPARISON', `${why}, and neither is autocannon here (npm install autocannon)`);
  }
  say(`${why}: autocannon takes its place, which is slower than most of the servers`);
  return autocannon(path);
}

/** In the working folder, or beside this package. */
function findAutocannon(): string | null {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return createRequire(from).resolve('autocannon');
    } catch {
      // The next place, then.
    }
  }
  return null;
}

function wrk(version: string, folder: string): Load {
  const script = join(folder, 'done.lua');
  writeFileSync(script, DONE_SCRIPT);
  return {
    name: 'wrk',
    version,
    start: ({ url, clients, keepAlive }) => {
      const close = keepAlive ? [] : ['-H', 'Connection: close'];
      const args = ['-t1', `-c${clients}`, `-d${MAX_RUN_SECONDS}s`, '-s', script, ...close, url];
      const program = new Program('wrk', 'wrk', args);
      const { host, pathname, search } = new URL(url);
      const head = `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${keepAlive ? '' : 'Connection: close\r\n'}\r\n`;
      // It writes to its sockets alone, and all its requests are of one length.
      const sent = (): number => writtenBytesOf(program.pid) / head.length;
      return {
        sent: async () => sent(),
        cpuSeconds: () => cpuSecondsOf(program.pid),
        stop: async () => {
          const written = sent();
          const totals = await report(program);
          // Every client has one request under way.
          return { totals, perSent: (totals.requests + clients) / Math.max(written, 1) };
        },
      };
    },
  };
}

function autocannon(path: string): Load {
  const { version = '' }: { version?: string } = createRequire(path)('./package.json');
  return {
    name: 'autocannon',
    version,
    start: ({ url, clients, keepAlive }) => {
      const cannon = programPath('tools/compare/cannon.js');
      const args = [cannon, path, url, `${clients}`, `${keepAlive}`, `${MAX_RUN_SECONDS}`];
      const program = new Program('autocannon', process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
      let counted = (_: number): void => {};
      program.child.on('message', (message) => counted(Number(message)));
      return {
        sent: () =>
          new Promise((resolve) => {
            counted = resolve;
            // Who has ended counts no more.
            void program.ended.then(() => resolve(0));
            if (program.child.connected) program.child.send('count', () => {});
          }),
        cpuSeconds: () => cpuSecondsOf(program.pid),
        stop: async () => ({ totals: await report(program), perSent: 1 }),
      };
    },
  };
}

/** `wrk 4.2.0 [epoll] ...`, `wrk debian/4.1.0-3 ...`. */
function versionIn(said: string): string {
  const [, behind = ''] = said.split('wrk ', 2);
  return /\d[\d.]*/.exec(behind)?.[0] ?? '0';
}

/** Interrupts a generator, which then tells what it counted. */
async function report(program: Program): Promise<Totals> {
  if (program.how === '') program.signal('SIGINT');
  const found = await program.said(/^RESULT ([\d ]+)$/m, REPORT_MS);
  await program.end();
  if (found === null) throw new Error(`${program.name} did not report: ${program.lastLine || program.how}`);
  const numbers = (found[1] ?? '').split(' ').map(Number);
  const [requests = 0, bytes = 0, p50Us = 0, p99Us = 0, p999Us = 0, badAnswers = 0, failures = 0] = numbers;
  return { requests, bytes, p50Us, p99Us, p999Us, badAnswers, failures };
}
