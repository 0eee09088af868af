// Where this package lies, for its addon, its default site and its programs. Modules are bundled into a few files, so
// none of them can count the folders above itself.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

export const PACKAGE_ROOT: string = findRoot();

/** The path of one of the built programs: `tools/compare/autocannon.js`. */
export function programPath(name: string): string {
  return join(PACKAGE_ROOT, 'dist', name);
}

/** The version in package.json. */
export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}
