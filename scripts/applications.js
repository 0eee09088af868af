// Runs the same small applications of many packages over node:http and over this server, and compares what clients and
// applications see: bytes, the order of events, error codes. The packages are those of .ci/tools/frameworks.
//   npm run check:applications
//   npm run check:applications -- --only express      only the scenarios with this word in their name
//   npm run check:applications -- --over MODULE       another server in this one's place
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DIFFERENCES } from './applications/differences.js';
import { readOptions } from './arguments.js';
import { runToEnd } from './programs.js';
import { installTools } from './tools.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const SCRATCH = join(root, 'build', 'applications');
const SWAP = new URL('frameworks/swap.js', import.meta.url).href;
const MAX_SHOWN = 12;

const { only = '', over } = readOptions(import.meta.url, {
  only: { type: 'string' },
  over: { type: 'string', default: 'epoll-server/node' },
});

/** The records of all scenarios, by name. */
function run(tools, name, environment) {
  const counts = join(SCRATCH, `${name}-counts`);
  const file = join(SCRATCH, `${name}.jsonl`);
  rmSync(file, { force: true });
  mkdirSync(counts, { recursive: true });
  const program = join(root, 'scripts', 'applications', 'run.js');
  const { exit, stdout, stderr } = runToEnd(process.execPath, ['--import', SWAP, program, tools, file, only], {
    env: { ...process.env, NODE_ENV: 'test', FRAMEWORKS_COUNTS: counts, ...environment },
  });
  if (exit !== 0) throw new Error(`the scenarios over ${name} ended with ${exit}\n${stdout}${stderr}`);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return new Map(lines.map((line) => JSON.parse(line)).map(({ name: scenario, record }) => [scenario, record]));
}

/** Where two records first differ, and what follows. */
function difference(native, ours) {
  const first = native.findIndex((line, index) => line !== ours[index]);
  const from = first === -1 ? native.length : first;
  const show = (record) =>
    record
      .slice(Math.max(0, from - 2), from + MAX_SHOWN)
      .map((line) => `    ${line}\n`)
      .join('');
  return `  node:http:\n${show(native)}  here:\n${show(ours)}`;
}

const isEqual = (native, ours) => native.length === ours.length && native.every((line, index) => line === ours[index]);

mkdirSync(SCRATCH, { recursive: true });
const tools = installTools(root, 'frameworks');
const native = run(tools, 'node', {});
const ours = run(tools, 'ours', { FRAMEWORKS_OVER: over });
let failed = 0;
for (const [name, record] of native) {
  if (record.some((line) => line.startsWith('the scenario '))) {
    process.stdout.write(`FAILED ${name}: over node:http: ${record.at(-1)}\n`);
    failed++;
    continue;
  }
  if (isEqual(record, ours.get(name))) continue;
  const reason = DIFFERENCES[name];
  failed += reason === undefined ? 1 : 0;
  process.stdout.write(
    `${reason === undefined ? 'FAILED' : 'differs'} ${name}${reason === undefined ? '' : `: ${reason}`}\n`,
  );
  if (reason === undefined) process.stdout.write(difference(record, ours.get(name)));
}
process.stdout.write(`${native.size - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
