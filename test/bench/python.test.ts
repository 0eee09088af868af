// Tests that the benchmark of Python applications runs and prints figures; their size is not checked. What it needs beside
// Python itself is not there everywhere: the check `python` runs what it measures.

import { expect, test } from 'vitest';
import { startProgram } from '../support/program.ts';

function bench(...args: readonly string[]) {
  return startProgram(process.execPath, ['bench/python.js', ...args]);
}

test.each([
  [['--only', 'rails'], 'bench:python: there is no case rails: hello, start, slow, hang\n'],
  [['--rounds', 'x'], 'bench:python: rounds, seconds and clients are numbers above 0\n'],
  [
    ['--only', 'start', '--python', '/bin/false'],
    'bench:python: /bin/false has no Flask (Debian: apt install python3-flask)\n',
  ],
])('%j is refused in one line', async (args, message) => {
  const program = bench(...args);
  expect(await program.ended()).toBe(1);
  expect(program.stderr).toBe(message);
});
