// Packages that one check alone needs: each set has a lock file of its own in .ci/tools, so that `npm ci` does not install
// them for everything else.
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runNpm } from './programs.js';

const LOCK = 'package-lock.json';

/** Installs the packages of .ci/tools/`name` into build/tools unless they are there; returns the folder. */
export function installTools(root, name) {
  const source = join(root, '.ci', 'tools', name);
  const folder = join(root, 'build', 'tools', name);
  const isCurrent =
    existsSync(join(folder, 'node_modules')) &&
    readFileSync(join(folder, LOCK), 'utf8') === readFileSync(join(source, LOCK), 'utf8');
  if (!isCurrent) {
    mkdirSync(folder, { recursive: true });
    for (const file of ['package.json', LOCK]) cpSync(join(source, file), join(folder, file));
    runNpm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: folder });
  }
  return folder;
}
