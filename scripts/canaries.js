// Plants every canary in turn and plays the run that must find it. One line each: its name, and the checker that
// found it, or what happened instead. Ends with 1 when one was not found by the checker that is stored for it.
import { plantCanary, readCanaries } from './canary.js';

let isMissed = false;
for (const canary of readCanaries()) {
  const dist = plantCanary(canary);
  const { drawRun, play } = await import(new URL('testing/index.js', dist));
  const { failure } = await play(drawRun(canary.seed));
  const found = failure?.checker ?? 'nobody';
  isMissed ||= found !== canary.checker;
  process.stdout.write(`${canary.name}: ${found}\n`);
}
process.exit(isMissed ? 1 : 0);
