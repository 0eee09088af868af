// Counts user-mode instructions: of a running server with perf, or of a replay (bench/replay.js) with perf or valgrind.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../scripts/bundle.js';
import { find, run, start } from './children.js';

const EVENT = 'instructions:u';
const PERF_STAT = ['stat', '-x,', '-e', EVENT];
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LIMIT_MS = 900_000;

/**
 * The lengths of the two runs whose difference belongs to the requests. The hot path is compiled well before the end of
 * the shorter one.
 */
const SHORT_RUN = 150_000;
const LONG_RUN = 300_000;

/**
 * Compilation in the same thread, garbage collection by what was allocated and not by time, and fixed hashes: otherwise counts
 * depend on time and chance.
 */
export const REPEATABLE = ['--single-threaded', '--predictable-gc-schedule', '--hash-seed=0', '--random-seed=1'];

/** Without its simulation of caches, cachegrind is the fastest counting tool of valgrind. */
const CACHEGRIND = ['--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null', '--smc-check=all'];

/** The path of a perf that works on this machine, or null. */
export async function findPerf() {
  const perf = find('perf');
  if (perf === null) return null;
  const { code, stderr } = await run(perf, [...PERF_STAT, '--', process.execPath, '--version'], { limitMs: 10_000 });
  return code === 0 && readCount(stderr) > 0 ? perf : null;
}

/** Parses `1234,,instructions:u,...`; `<not supported>` gives NaN. */
function readCount(text) {
  const line = text.split('\n').find((each) => each.includes(EVENT)) ?? '';
  return Number.parseInt(line, 10);
}

/** Counts a process until `stop`, which returns the count or null. */
export function countInstructions(perf, pid) {
  const folder = mkdtempSync(join(tmpdir(), 'epoll-perf-'));
  const file = join(folder, 'count');
  const child = start(perf, [...PERF_STAT, '-o', file, '-p', `${pid}`], { stdio: 'ignore' });
  return {
    stop: async () => {
      child.kill('SIGINT');
      await child.ended;
      const count = readCount(readFileSync(file, 'utf8'));
      rmSync(folder, { recursive: true });
      return count > 0 ? count : null;
    },
  };
}

/** The counter for the instructions of a whole program: perf if it works, otherwise valgrind; null without both. */
export async function findCounter() {
  const perf = await findPerf();
  if (perf !== null) return { kind: 'perf', command: perf, args: [...PERF_STAT, '--'], read: readCount };
  const valgrind = find('valgrind');
  if (valgrind === null) return null;
  const read = (text) => Number(/I +refs: +([\d,]+)/.exec(text)?.[1].replaceAll(',', ''));
  return { kind: 'valgrind', command: valgrind, args: CACHEGRIND, read };
}

/** Bundles the program bench/replay.js as the server is bundled. */
async function bundleReplay() {
  const folder = join('build', 'replay');
  await bundle(ROOT, { replay: join('bench', 'replay.js') }, folder);
  return join(ROOT, folder, 'replay.js');
}

/** Calls `work` for each of the values, for as many at once as there are processors. */
async function mapAtOnce(values, work) {
  const results = [];
  const waiting = [...values.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      results[next[0]] = await work(next[1]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}

async function countReplay(counter, program, { workload, heads, requests, variables = {} }) {
  const args = [...counter.args, process.execPath, ...REPEATABLE, program, `${requests}`, workload, heads];
  const env = { ...process.env, ...variables };
  const { code, stdout, stderr } = await run(counter.command, args, { limitMs: LIMIT_MS, env });
  const instructions = counter.read(stderr);
  const responses = Number(/^(\d+) responses$/m.exec(stdout)?.[1]);
  if (code !== 0 || !(instructions > 0) || !(responses > 0)) {
    throw new Error(`${counter.kind} failed on ${workload}, ${heads} (${code}): ${stderr.slice(-500)}`);
  }
  return { instructions, responses };
}

/**
 * Instructions per request of each workload, rounded. `cases` has the form of GUARDED in bench/workloads.js, and may have
 * `variables` of the environment. This is JavaScript's share: a replay does not use the addon.
 */
export async function countReplays(counter, cases) {
  const program = await bundleReplay();
  const runs = cases.flatMap((each) => [SHORT_RUN, LONG_RUN].map((requests) => ({ ...each, requests })));
  const counts = await mapAtOnce(runs, (each) => countReplay(counter, program, each));
  return cases.map(({ workload, heads }, index) => {
    const [short, long] = counts.slice(index * 2);
    const perRequest = (long.instructions - short.instructions) / (long.responses - short.responses);
    return { name: `${workload}, ${heads} heads`, instructions: Math.round(perRequest) };
  });
}
