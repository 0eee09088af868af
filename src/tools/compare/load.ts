// The load generator: wrk, or autocannon where wrk is not installed. The requests of a run can be counted while it goes
// on. So a window within the run is measured, without the beginning in which clients connect.

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { EpollServerError } from '../../errors.ts';
import { programPath } from '../../package.ts';
import { cpuSecondsOf, writtenBytesOf } from './processes.ts';
import { outputOf, Program } from './program.ts';

/** What a run does. */
export interface LoadSettings {
  readonly url: string;
  readonly clients: number;
  /** A client sends its requests over one connection; otherwise each request has its own. */
  readonly keepAlive: boolean;
}

/** The figures of a whole run, its beginning included. Times are in microseconds. */
export interface Totals {
  readonly requests: number;
  readonly bytes: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  /** Responses with a status other than 2xx. */
  readonly badResponses: number;
  /** Connections that failed, broke, or got no response for two seconds. */
  readonly failures: number;
}

export interface LoadRun {
  /** Requests sent up to now, approximately: see {@link LoadReport.perSent}. */
  sent(): Promise<number>;
  /** Processor seconds of the generator. */
  cpuSeconds(): number;
  /** Ends the run and resolves to its figures. */
  stop(): Promise<LoadReport>;
}

export interface LoadReport {
  readonly totals: Totals;
  /** The factor between {@link LoadRun.sent} and the exact count of the generator. */
  readonly perSent: number;
}

export interface Load {
  readonly name: string;
  readonly version: string;
  start(options: LoadSettings): LoadRun;
}

/** wrk passes errors and percentiles to its script's `done` since 4.0.0 (2015). */
const MIN_WRK = 4;

/** In seconds, longer than any run: a signal ends each run. */
const MAX_RUN_SECONDS = 600;

/** How long a generator may take to report. */
const REPORT_MS = 15_000;

/** wrk calls `done` once at the end, so it costs no time per request. */
const DONE_SCRIPT = `done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %.0f %.0f %.0f %.0f %.0f %.0f %.0f\\n", summary.requests, summary.bytes,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), e.status,
    e.connect + e.read + e.write + e.timeout))
end
`;

/**
 * Finds the generator; `say` gets the reason when it is not wrk. `folder` is for its script.
 * @throws EpollServerError `ERR_COMPARISON` when there is none.
 */
export async function findLoad(folder: string, say: (text: string) => void): Promise<Load> {
  const output = await outputOf('wrk', ['-v']);
  const version = output === null ? null : versionIn(output.stdout + output.stderr);
  if (version !== null && Number.parseInt(version, 10) >= MIN_WRK) return wrk(version, folder);
  const why =
    version === null
      ? 'wrk is not installed (Debian: apt install wrk)'
      : `wrk ${version} is too old: ${MIN_WRK}.0.0 or later is needed for percentiles`;
  const path = findAutocannon();
  if (path === null) {
    throw new EpollServerError(
      'ERR_COMPARISON',
      `${why}, and autocannon is not installed either (npm install autocannon)`,
    );
  }
  say(`${why}: using autocannon instead, which is slower than most of the servers`);
  return autocannon(path);
}

/** Searches the working folder, then the folder of this package. */
function findAutocannon(): string | null {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return createRequire(from).resolve('autocannon');
    } catch {
      // Try the next folder.
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
      // wrk writes to its sockets only, and all its requests have one length.
      const sent = (): number => writtenBytesOf(program.pid) / head.length;
      return {
        sent: async () => sent(),
        cpuSeconds: () => cpuSecondsOf(program.pid),
        stop: async () => {
          const written = sent();
          const totals = await report(program);
          // Every client has one request in progress.
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
      const script = programPath('tools/compare/autocannon.js');
      const args = [script, path, url, `${clients}`, `${keepAlive}`, `${MAX_RUN_SECONDS}`];
      const program = new Program('autocannon', process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
      let counted = (_: number): void => {};
      program.child.on('message', (message) => counted(Number(message)));
      return {
        sent: () =>
          new Promise((resolve) => {
            counted = resolve;
            // A generator that has ended cannot reply.
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
function versionIn(output: string): string {
  const [, behind = ''] = output.split('wrk ', 2);
  return /\d[\d.]*/.exec(behind)?.[0] ?? '0';
}

/** Interrupts a generator, which then prints its figures. */
async function report(program: Program): Promise<Totals> {
  if (program.outcome === '') program.signal('SIGINT');
  const found = await program.waitForOutput(/^RESULT ([\d ]+)$/m, REPORT_MS);
  await program.end();
  if (found === null) throw new Error(`${program.name} did not report: ${program.lastLine || program.outcome}`);
  const numbers = (found[1] ?? '').split(' ').map(Number);
  const [requests = 0, bytes = 0, p50Us = 0, p99Us = 0, p999Us = 0, badResponses = 0, failures = 0] = numbers;
  return { requests, bytes, p50Us, p99Us, p999Us, badResponses, failures };
}
