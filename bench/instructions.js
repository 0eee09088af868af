// User-mode instructions: of the running server with perf, or of JavaScript's share alone with valgrind.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../scripts/bundle.js';
import { find, run, start } from './children.js';

const EVENT = 'instructions:u';
const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Both large enough for the code to be compiled long before the end. */
const FEW = 200_000;
const MANY = 500_000;
const LIMIT_MS = 300_000;

/** The path of a perf that can count here, or null. */
export async function findPerf() {
  const perf = find('perf');
  if (perf === null) return null;
  const { code, stderr } = await run(perf, ['stat', '-x,', '-e', EVENT, '--', process.execPath, '--version'], {
    limitMs: 10_000,
  });
  return code === 0 && readCount(stderr) > 0 ? perf : null;
}

/** `1234,,instructions:u,...`; `<not supported>` is NaN. */
function readCount(text) {
  const line = text.split('\n').find((each) => each.includes(EVENT)) ?? '';
  return Number.parseInt(line, 10);
}

/** Counts a process until `stop`, which returns the count or null. */
export function countInstructions(perf, pid) {
  const folder = mkdtempSync(join(tmpdir(), 'epoll-perf-'));
  const file = join(folder, 'count');
  const child = start(perf, ['stat', '-x,', '-e', EVENT, '-o', file, '-p', `${pid}`], { stdio: 'ignore' });
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

/** The program bench/replay.js, bundled as the server is. */
export async function bundleReplay() {
  const folder = join('build', 'replay');
  await bundle(ROOT, { replay: join('bench', 'replay.js') }, folder);
  return join(ROOT, folder, 'replay.js');
}

/** JavaScript's share per request on a replayed kernel, or null without valgrind. */
export async function replayInstructions() {
  const valgrind = find('valgrind');
  if (valgrind === null) return null;
  const program = await bundleReplay();
  // Counts do not depend on time: both at once.
  const [few, many] = await Promise.all([FEW, MANY].map((requests) => replay(valgrind, program, requests)));
  return (many.instructions - few.instructions) / (many.answers - few.answers);
}

async function replay(valgrind, program, requests) {
  const options = ['--tool=callgrind', '--callgrind-out-file=/dev/null', '--smc-check=all'];
  const args = [...options, process.execPath, '--single-threaded', program, `${requests}`];
  const { code, stdout, stderr } = await run(valgrind, args, { limitMs: LIMIT_MS });
  const instructions = Number(/Collected : (\d+)/.exec(stderr)?.[1]);
  const answers = Number(/^(\d+) answers$/m.exec(stdout)?.[1]);
  if (code !== 0 || !(instructions > 0) || !(answers > 0)) throw new Error(`valgrind failed: ${stderr.slice(-500)}`);
  return { instructions, answers };
}
