// Tests that the benchmark of rules prints figures; their size is not checked.

import { expect, test } from 'vitest';
import { startProgram } from '../support/program.ts';

const SCRIPT = 'bench/rules.js';

test('the time in the rules is printed for each case', async () => {
  const program = startProgram(process.execPath, [SCRIPT, '--quick']);
  expect(await program.ended(), program.stderr).toBe(0);
  expect(program.stdout).toMatch(/^(?:.* -?\d+ ns(?: {2}at most 150: (?:yes|NO))?\n){5}$/);
});

test('without a counter it names the package to install', async () => {
  const program = startProgram(process.execPath, [SCRIPT], { env: { PATH: '/nonexistent' } });
  expect(await program.ended()).toBe(1);
  expect(program.stderr).toMatch(/^bench:rules: cannot count instructions: .*apt install valgrind\)\n$/);
});
