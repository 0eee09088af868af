// Fails when a request of one of the eight workloads takes over 5 % more user instructions than the baseline.
//   npm run bench:guard                 compares with bench/baseline.json
//   npm run bench:guard -- --update     writes the counts of this machine into it
// Instructions depend on the code, the version of Node.js and the counter, not on the load of the machine.

import { readOptions } from '../scripts/arguments.js';
import { baselineKey, compareCounts, readBaselines, writeBaseline } from './baseline.js';
import { countReplays, findCounter } from './instructions.js';
import { GUARDED } from './workloads.js';

const MISSING = 'bench:guard: cannot count instructions: install valgrind (Debian: apt install valgrind)\n';

function print(key, counts, baseline = {}) {
  const width = Math.max(...counts.map(({ name }) => name.length));
  const lines = counts.map(({ name, instructions }) => {
    const before = baseline[name] === undefined ? '' : `  (baseline ${baseline[name].toLocaleString('en-US')})`;
    return `  ${name.padEnd(width)}  ${instructions.toLocaleString('en-US').padStart(8)}${before}\n`;
  });
  process.stdout.write(`user instructions per request, ${key}\n${lines.join('')}`);
}

/** Prints the counts beside those of the baseline and returns the exit code. */
function judge(key, counts, baseline) {
  print(key, counts, baseline);
  const { rises, falls, remark } = compareCounts(counts, baseline, key);
  for (const line of rises) process.stdout.write(`ROSE  ${line}\n`);
  for (const line of falls) process.stdout.write(`fell  ${line}: npm run bench:guard -- --update keeps the gain\n`);
  if (remark !== null) process.stdout.write(`${remark}\n`);
  return rises.length === 0 ? 0 : 1;
}

async function main(isUpdate) {
  const counter = await findCounter();
  if (counter === null) {
    process.stderr.write(MISSING);
    return 1;
  }
  const key = baselineKey(counter.kind);
  // An unreadable file is reported before minutes of counting.
  const baseline = readBaselines()[key];
  process.stderr.write(`bench:guard: ${GUARDED.length} workloads with ${counter.kind}\n`);
  const counts = await countReplays(counter, GUARDED);
  if (!isUpdate) return judge(key, counts, baseline);
  print(key, counts);
  writeBaseline(key, counts);
  return 0;
}

const { update } = readOptions(import.meta.url, { update: { type: 'boolean', default: false } });
process.exitCode = await main(update).catch((error) => {
  process.stderr.write(`bench:guard: ${error.message}\n`);
  return 1;
});
