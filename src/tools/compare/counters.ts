// Counts system calls and instructions of running processes for a short time. perf hardly disturbs the processes;
// strace slows them down but counts right. A count is null where it is not available.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf, Program, within } from './program.ts';

/** Counts of one measurement. */
export interface Counts {
  readonly systemCalls: number | null;
  readonly instructions: number | null;
}

export interface Counters {
  /** The program that counts the system calls: `perf`, `strace`, or empty. */
  readonly name: string;
  readonly countsInstructions: boolean;
  /** Counts from when this resolves until `stop`. */
  start(pids: readonly number[]): Promise<{ stop(): Promise<Counts> }>;
}

const SYSTEM_CALLS = 'raw_syscalls:sys_enter';
const INSTRUCTIONS = 'instructions';

/** How long a counter may take to attach to a thousand threads. */
const ATTACH_MS = 10_000;

/** Finds the counters of this machine. `folder` is for the output of strace. */
export async function findCounters(folder: string): Promise<Counters> {
  const perf = await outputOf('perf', ['stat', '-x,', '-e', `${SYSTEM_CALLS},${INSTRUCTIONS}`, '--', 'true']);
  const counts = perf === null ? none : countsOfPerf(perf.stderr);
  if (counts.systemCalls !== null) return perfCounters(counts.instructions !== null);
  const file = join(folder, 'counts.txt');
  const strace = await outputOf('strace', ['-c', '-f', '-o', file, 'true']);
  if (strace?.outcome === 'exit code 0') return straceCounters(file);
  return { name: '', countsInstructions: false, start: async () => ({ stop: async () => none }) };
}

const none: Counts = { systemCalls: null, instructions: null };

/** Lines such as `1234,,instructions,...`; an event that is not supported has no number. */
function countsOfPerf(text: string): Counts {
  const lines = text.split('\n');
  const countOf = (event: string): number | null => {
    const count = Number.parseInt(lines.find((line) => line.includes(`,${event}`)) ?? '', 10);
    return Number.isNaN(count) ? null : count;
  };
  return { systemCalls: countOf(SYSTEM_CALLS), instructions: countOf(INSTRUCTIONS) };
}

function perfCounters(countsInstructions: boolean): Counters {
  const events = countsInstructions ? `${SYSTEM_CALLS},${INSTRUCTIONS}` : SYSTEM_CALLS;
  return {
    name: 'perf',
    countsInstructions,
    start: async (pids) => {
      // perf attaches but does not count (-D -1) until `enable` arrives on descriptor 3; it acknowledges on 4.
      const args = ['stat', '-x,', '-e', events, '-p', pids.join(','), '--control', 'fd:3,4', '-D', '-1'];
      const program = new Program('perf', 'perf', args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] });
      const [, , , control, acknowledgements] = program.child.stdio;
      const tell = async (word: string): Promise<void> => {
        const enabled = new Promise((resolve) => acknowledgements?.once('data', resolve));
        if (control !== undefined && control !== null && 'write' in control) control.write(`${word}\n`);
        await within(Promise.race([enabled, program.ended]), ATTACH_MS);
      };
      control?.on('error', () => {});
      await tell('enable');
      return {
        stop: async () => {
          await tell('disable');
          program.signal('SIGINT');
          await within(program.ended, ATTACH_MS);
          await program.end();
          return countsOfPerf(program.stderr);
        },
      };
    },
  };
}

function straceCounters(file: string): Counters {
  return {
    name: 'strace',
    countsInstructions: false,
    start: async (pids) => {
      const program = new Program('strace', 'strace', ['-c', '-f', '-o', file, ...pids.map((pid) => `-p${pid}`)]);
      await program.waitForOutput(/attached/, ATTACH_MS);
      return {
        stop: async () => {
          program.signal('SIGINT');
          await within(program.ended, ATTACH_MS);
          await program.end();
          return { systemCalls: callsOfStrace(readFileSync(file, 'utf8')), instructions: null };
        },
      };
    },
  };
}

/** Reads the sum of `% time, seconds, usecs/call, calls, errors, syscall`. */
function callsOfStrace(table: string): number | null {
  const rows = table.split('\n').map((line) => line.trim().split(/ +/));
  const [percent, , ...counts] = rows.find((row) => row.at(-1) === 'total')?.slice(0, -1) ?? [];
  // A single number is the number of calls; if there are more, the first is the time.
  const total = counts.length === 1 ? counts[0] : counts[1];
  return percent !== '100.00' || total === undefined ? null : Number(total);
}
