// How the tests run: files share processes, since a process of its own costs a file more processor time than most of its
// tests. test/support/leaks.ts checks that each file leaves its process as it was.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import type { Plugin, ViteUserConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Tests of programs that measure or check the server: `npm run check` runs them, `npm test` does not. */
const OF_TOOLS = ['bench', 'fuzz', 'tools/canaries', 'tools/compare', 'tools/conform'];
/** Folders whose files replace modules (`vi.mock`) or count turns: each of these has a process of its own. */
const ALONE = ['idle', 'transport'];
const SHARED = readdirSync('test')
  .flatMap((name) => (name === 'tools' ? readdirSync('test/tools').map((part) => `tools/${part}`) : [name]))
  .filter((name) => ![...OF_TOOLS, ...ALONE].includes(name) && !name.endsWith('.ts'));

/** Folders whose files take the longest. */
const SLOW = ['models', 'workers', 'python', 'app', 'browser', 'tools', ...ALONE];

/** What takes too long for each push: .ci/checks.js sets the variable at night. */
const ENDINGS = process.env['NIGHT_TESTS'] === undefined ? ['test'] : ['test', 'night'];

function filesIn(folders: readonly string[]): string[] {
  return folders.flatMap((folder) => ENDINGS.map((ending) => `test/${folder}/**/*.${ending}.ts`));
}

const SOURCES = join(import.meta.dirname, 'src', '/');
const BUILT = join(import.meta.dirname, 'build', 'modules');

/**
 * Tests import what `npm run build` made of `src/`, which Node.js loads itself: the runner transforms no module of the server
 * then, in none of its processes. `npm test` and continuous integration ask for it, after a build; without it, tests see each
 * change of `src/` at once. Files that replace modules need the runner's own loader.
 */
const ofBuild: Plugin = {
  name: 'modules of the build',
  enforce: 'pre',
  resolveId(source, importer) {
    if (importer === undefined || !/^\..*\.ts$/.test(source)) return null;
    const path = join(dirname(importer), source);
    return path.startsWith(SOURCES) ? join(BUILT, relative(SOURCES, path).replace(/ts$/, 'js')) : null;
  },
};
const IS_OF_BUILD = process.env['TEST_BUILD'] === '1';
const ofServer = { plugins: IS_OF_BUILD ? [ofBuild] : [] };
/** Node.js loads these, not the runner. */
const deps = IS_OF_BUILD ? { server: { deps: { external: [/\/build\/modules\//] } } } : {};

/** A shim of pyenv runs many programs at each start of Python. PATH begins with the folder of the Python that it starts. */
function pathWithPython(): string {
  const { PATH = '' } = process.env;
  // Null if there is no Python: tests that need it say so.
  const { stdout } = spawnSync('python3', ['-c', 'import os, sys; print(os.path.dirname(sys.executable), end="")'], {
    encoding: 'utf8',
  });
  return !stdout || PATH.split(delimiter).includes(stdout) ? PATH : `${stdout}${delimiter}${PATH}`;
}

/** Slow files begin first: one that begins last would run alone in the end. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification): boolean =>
      SLOW.some((folder) => moduleId.includes(`/test/${folder}/`));
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

const config: ViteUserConfig = {
  test: {
    setupFiles: ['test/support/leaks.ts'],
    pool: 'forks',
    sequence: { sequencer: SlowFirst },
    // Most tests wait for a system or a child, not for the processor.
    maxWorkers: Math.ceil(availableParallelism() * 3),
    // Bounds for what hangs, not expectations: nothing here depends on how fast the machine is.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    env: { PATH: pathWithPython() },
    // They differ in what they include, since the flag --exclude has no effect beside an `exclude` of a project.
    projects: [
      { extends: true, test: { name: 'alone', include: filesIn(ALONE) } },
      {
        extends: true,
        ...ofServer,
        test: { name: 'shared', include: ['test/*.test.ts', ...filesIn(SHARED)], isolate: false, ...deps },
      },
      { extends: true, ...ofServer, test: { name: 'tools', include: filesIn(OF_TOOLS), ...deps } },
    ],
  },
};

export default config;
