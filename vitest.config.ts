// How the tests run: in processes, since descriptors belong to them, each of which runs one file after the other.

import { availableParallelism } from 'node:os';
import type { ViteUserConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Parts of the paths of files that take longest: one that began last would run alone in the end. */
const LONGEST = ['/models/', '/fuzz/', '/offload', '/self', '/canaries', '/bench/', '/compare/', '/reloading'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.some((part) => moduleId.includes(part));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

const config: ViteUserConfig = {
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/leaks.ts'],
    pool: 'forks',
    // A new process and the modules anew for each file would be a fifth of the suite's processor time. So a file gives
    // back what it changes of its process: test/support/leaks.ts checks descriptors, fetch classes and variables.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // Most tests wait, for a system or a child, and leave the processor to others.
    maxWorkers: availableParallelism() * 3,
    // Bounds for what hangs, not expectations: nothing here depends on how fast the machine is.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
};

export default config;
