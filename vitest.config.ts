// How the tests run: each file in a process of its own, since descriptors belong to processes.

import { availableParallelism } from 'node:os';
import type { ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = {
  test: {
    // What takes too long for each push: .ci/checks.js sets the variable at night.
    include: ['test/**/*.test.ts', ...(process.env['NIGHT_TESTS'] === undefined ? [] : ['test/**/*.night.ts'])],
    setupFiles: ['test/support/leaks.ts'],
    pool: 'forks',
    // Most tests wait for a system or a child, not for the processor.
    maxWorkers: Math.ceil(availableParallelism() * 2),
    // Bounds for what hangs, not expectations: nothing here depends on how fast the machine is.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
};

export default config;
