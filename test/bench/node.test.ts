// Tests that the benchmark of applications for node:http runs and prints figures; their size is not checked.

import { expect, test } from 'vitest';
import { startProgram } from '../support/program.ts';

function bench(...args: readonly string[]) {
  return startProgram(process.execPath, ['bench/node.js', ...args]);
}

test('a bare application is measured over both servers, and its idle connections', async () => {
  const program = bench('--only', 'bare,idle', '--rounds', '1', '--seconds', '0.1', '--idle', '100');
  expect(await program.ended(), program.stderr).toBe(0);
  expect(program.stdout).toMatch(
    /^ {2}(?:met {3}|missed) {2}bare hello +node:http +[\d.]+ us, here +[\d.]+ us, ratio \S+/m,
  );
  expect(program.stdout).toMatch(
    /^ {2}(?:met {3}|missed) {2}an idle connection +node:http +-?\d+ bytes, here +-?\d+ bytes/m,
  );
});

test.each([
  [['--only', 'rails'], 'bench:node: there is no case rails: bare, express, koa, fastify, json, idle\n'],
  [['--heads', 'odd'], 'bench:node: there are no heads odd: identical, mixed\n'],
  [['--rounds', 'x'], 'bench:node: rounds and seconds are numbers above 0\n'],
])('%j is refused in one line', async (args, message) => {
  const program = bench(...args);
  expect(await program.ended()).toBe(1);
  expect(program.stderr).toBe(message);
});
