// Plants every canary in turn and plays the run that has to find it. Prints one line for each: its name and the checker
// that found it. Exits with 1 when a canary was not found by its stored checker.
import { plantCanary, readCanaries } from './canary.js';

let isMissed = false;
for (const canary of readCanaries()) {
  const dist = plantCanary(canary);
  const { drawRun, play } = await import(new URL('testing/index.js', dist));
  const { failure } = await play(drawRun(canary.seed));
  const found = failure?.checker ?? 'not found';
  isMissed ||= found !== canary.checker;
  process.stdout.write(`${canary.name}: ${found}\n`);
}
process.exit(isMissed ? 1 : 0);
