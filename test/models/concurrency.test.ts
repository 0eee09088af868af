// Tests that the environ says whether other processes or threads run the same application.

import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ask, get } from '../support/client.ts';
import { portOf, startCommand } from '../support/program.ts';

const MODULE = fileURLToPath(new URL('../app/applications/offloaded.mjs', import.meta.url));

/** Flags, and the expected values of `wsgi.multiprocess` and `wsgi.multithread`. */
const RUNS: readonly (readonly [readonly string[], string])[] = [
  [[], 'false false'],
  [['--workers', '2'], 'true false'],
  [['--workers', '2', '--offload', '1'], 'true true'],
  [['--offload', '2'], 'false true'],
  [['--model', 'iterative'], 'false false'],
  [['--model', 'multiprocess'], 'true false'],
  [['--model', 'multithread'], 'false true'],
];

test.each(RUNS)('%j: %s', async (flags, expected) => {
  const program = startCommand(['0', `${MODULE}:application`, '--no-access-log', ...flags]);
  expect((await ask(await portOf(program), get('/x', 'Connection: close'))).text).toBe(`/x ${expected}`);
});
