// How the tests run: files share processes, since a process of its own costs a file more processor time than most of its
// tests. test/support/leaks.ts checks that each file leaves its process as it was.

import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { ViteUserConfig } from 'vitest/config';
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
    // They differ in what they include, since the flag --exclude has no effect beside an `exclude` of a project.
    projects: [
      { extends: true, test: { name: 'alone', include: filesIn(ALONE) } },
      { extends: true, test: { name: 'shared', include: ['test/*.test.ts', ...filesIn(SHARED)], isolate: false } },
      { extends: true, test: { name: 'tools', include: filesIn(OF_TOOLS) } },
    ],
  },
};

export default config;
