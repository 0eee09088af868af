// Runs the unit tests of the Python worker: one process for all of them.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { REPOSITORY } from '../support/program.ts';

test('the unit tests of the Python worker pass', async () => {
  const file = join(REPOSITORY, 'test/python/test_epoll_server_worker.py');
  // -B: the source folders get no __pycache__.
  const { stderr } = await promisify(execFile)('python3', ['-B', file]);
  expect(stderr).toMatch(/^Ran \d+ tests in [\s\S]*\nOK\n/m);
});
