// Plants canaries in turn and plays the run that has to find each. Prints one line for each: its name and the checker that
// found it. Exits with 1 when a canary was not found by its stored checker. Of those that are not played, it checks that
// their line is still there.
//   node scripts/canaries.js          the first canary of each checker, and of the drains: a few seconds
//   node scripts/canaries.js --all    every canary, as each night
import { parseArgs } from 'node:util';
import { brokenText, kindOf, plantCanary, readCanaries } from './canary.js';

const { all } = parseArgs({ options: { all: { type: 'boolean', default: false } } }).values;
const kinds = new Set();
let isMissed = false;
for (const canary of readCanaries()) {
  const isPlayed = all || !kinds.has(kindOf(canary));
  kinds.add(kindOf(canary));
  if (!isPlayed) {
    brokenText(canary);
    continue;
  }
  const modules = plantCanary(canary);
  const { drawRun, play, playDrain } = await import(new URL('testing/index.js', modules));
  const { failure } = canary.scenario === 'drain' ? await playDrain(canary.seed) : await play(drawRun(canary.seed));
  const found = failure?.checker ?? 'not found';
  isMissed ||= found !== canary.checker;
  process.stdout.write(`${canary.name}: ${found}\n`);
}
process.exit(isMissed ? 1 : 0);
