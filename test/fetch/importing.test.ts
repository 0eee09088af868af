// Tests that importing the package does not load Node's fetch classes before they are used.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('programs/importing.mjs', import.meta.url));

test('Node’s fetch classes are loaded and linked when the first light object is made', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM]);
  expect(JSON.parse(stdout)).toEqual({
    afterImport: false,
    afterServing: false,
    status: '200',
    isGlobal: true,
    isOurs: true,
    isNodes: true,
    isKept: true,
  });
});

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));

/** The modules that a file of the package loads: itself, and its imports, before any call. */
function loadedWith(file: string, loaded: Set<string> = new Set()): ReadonlySet<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  const text = readFileSync(join(DIST, file), 'utf8');
  for (const [, name = ''] of text.matchAll(/^(?:import|export) (?:[^"]*? from )?"(\.[^"]+)";$/gm)) {
    loadedWith(join(file, '..', name), loaded);
  }
  return loaded;
}

test('importing the package loads no server, adapter, file or module loader', () => {
  expect([...loadedWith('index.js')].sort()).toEqual(['index.js', 'parts/base.js']);
});

test.each([
  ['fetch.js', ['core.js', 'fetch.js']],
  ['wsgi.js', ['core.js', 'wsgi.js']],
  ['static.js', ['core.js', 'files.js']],
])('%s shares its modules with the others', (file, parts) => {
  const loaded = loadedWith(file);
  for (const part of ['base.js', ...parts]) expect([...loaded]).toContain(`parts/${part}`);
  expect([...loaded]).not.toContain('parts/command.js');
});
