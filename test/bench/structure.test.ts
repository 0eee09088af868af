// Tests the script that counts the structure of this checkout.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { REPOSITORY } from '../support/program.ts';

test('it counts sources and the calls of requests', async () => {
  const args = [join(REPOSITORY, 'scripts', 'structure.js')];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const rows = stdout.trimEnd().split('\n').slice(1);
  const counts = rows.map((row) => /^(.+?) {2,}(\d+)$/.exec(row)?.slice(1) ?? [row]);
  expect(counts.map(([name]) => name)).toEqual([
    'files in src/',
    'functions over 40 lines',
    'duplicate exported names',
    'plaintext request: files',
    'plaintext request: calls',
    'cold file: files',
    'cold file: calls',
  ]);
  const [plaintextFiles = 0, plaintextCalls = 0, coldFiles = 0, coldCalls = 0] = counts
    .slice(3)
    .map(([, n]) => Number(n));
  expect(plaintextCalls).toBeGreaterThan(plaintextFiles);
  expect(plaintextFiles).toBeGreaterThan(5);
  expect(coldFiles).toBeGreaterThan(plaintextFiles);
  expect(coldCalls).toBeGreaterThan(plaintextCalls);
});
