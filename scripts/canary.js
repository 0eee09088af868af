// Plants one deliberate bug into a copy of the built server, to test that the simulation finds it.
// test/simulation/canaries.json lists the bugs: which line of which file is replaced by which other line.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const copies = [];
process.on('exit', () => {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
});

/** Reads all canaries: { name, bug, file, from, to, scenario, checker, seed }. `scenario`: `drain`, or absent. */
export function readCanaries() {
  return JSON.parse(readFileSync(join(ROOT, 'test', 'simulation', 'canaries.json'), 'utf8'));
}

/** Of each kind `npm test` plays one. */
export function kindOf({ scenario, checker }) {
  return scenario ?? checker;
}

/** The text of the canary's file with the bug in it. */
export function brokenText({ name, file, from, to }) {
  const text = readFileSync(join(ROOT, 'build', 'modules', file), 'utf8');
  if (text.split(from).length !== 2) {
    throw new Error(`canary ${name}: ${file} must contain this text exactly once: ${from}`);
  }
  return text.replace(from, () => to);
}

/** The URL of a copy of build/modules with the bug in it; the copy is removed at exit. */
export function plantCanary(canary) {
  const text = brokenText(canary);
  // Inside the repository, so that node_modules is found from there.
  const copy = mkdtempSync(join(ROOT, 'build', `canary-${canary.name}-`));
  copies.push(copy);
  cpSync(join(ROOT, 'build', 'modules'), copy, { recursive: true });
  writeFileSync(join(copy, canary.file), text);
  return pathToFileURL(`${copy}/`);
}
