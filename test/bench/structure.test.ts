// The script that counts the structure says what it promises, and counts the same twice.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { REPOSITORY } from '../support/program.ts';

test('it counts sources and the calls of requests, of another checkout too', async () => {
  const args = [join(REPOSITORY, 'scripts', 'structure.js'), REPOSITORY];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const rows = stdout.trimEnd().split('\n').slice(1);
  const counts = rows.map((row) => /^(.+?) {2,}(\d+) +(\d+)$/.exec(row)?.slice(1) ?? [row]);
  expect(counts.map(([name]) => name)).toEqual([
    'files in src/',
    'functions over 40 lines',
    'exported names that stand twice',
    'plaintext request: files',
    'plaintext request: calls',
    'cold file: files',
    'cold file: calls',
  ]);
  for (const [, here, there] of counts) expect(there).toBe(here);
  const [plaintextFiles = 0, plaintextCalls = 0, coldFiles = 0, coldCalls = 0] = counts
    .slice(3)
    .map(([, n]) => Number(n));
  expect(plaintextCalls).toBeGreaterThan(plaintextFiles);
  expect(plaintextFiles).toBeGreaterThan(5);
  expect(coldFiles).toBeGreaterThan(plaintextFiles);
  expect(coldCalls).toBeGreaterThan(plaintextCalls);
});
