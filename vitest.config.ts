// How the tests run: each file in a process of its own, since descriptors belong to processes. Files that open none in
// their process share processes and modules, which saves a third of their processor time.

import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { ViteUserConfig } from 'vitest/config';

/** Folders with tests of functions, and of programs that they start. */
const SHARED = ['cli', 'config', 'docs', 'fetch', 'http', 'options', 'tidy'];
const ALONE = readdirSync('test').filter((name) => !SHARED.includes(name) && !name.endsWith('.ts'));

/** What takes too long for each push: .ci/checks.js sets the variable at night. */
const ENDINGS = process.env['NIGHT_TESTS'] === undefined ? ['test'] : ['test', 'night'];

function filesIn(folders: readonly string[]): string[] {
  return ENDINGS.map((ending) => `test/{${folders.join(',')}}/**/*.${ending}.ts`);
}

const config: ViteUserConfig = {
  test: {
    setupFiles: ['test/support/leaks.ts'],
    pool: 'forks',
    // Most tests wait for a system or a child, not for the processor.
    maxWorkers: Math.ceil(availableParallelism() * 2),
    // Bounds for what hangs, not expectations: nothing here depends on how fast the machine is.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // The two differ in what they include, since the flag --exclude has no effect beside an `exclude` of a project.
    projects: [
      { extends: true, test: { name: 'alone', include: ['test/*.test.ts', ...filesIn(ALONE)] } },
      { extends: true, test: { name: 'shared', include: filesIn(SHARED), isolate: false } },
    ],
  },
};

export default config;
