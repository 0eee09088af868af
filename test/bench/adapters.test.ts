// Tests that the benchmark programs for adapters run and print figures. Only figures of memory are checked for their
// size.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ask, get } from '../support/client.ts';
import { REPOSITORY, startProgram } from '../support/program.ts';

const run = promisify(execFile);

async function bench(file: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join('bench', file), ...args], { cwd: REPOSITORY });
  return stdout;
}

const ADAPTERS = [
  'raw',
  'isolated',
  'wsgi',
  'wsgi validator',
  'fetch',
  'fetch async url',
  'fetch Node Response',
  'hono',
  'node: fetch',
  'node: fetch async url',
  'node: fetch Node Response',
  'node: hono',
];

test.each(ADAPTERS)('the server of "%s" responds', async (adapter) => {
  const program = startProgram(process.execPath, ['bench/servers/adapters.js', adapter]);
  const port = Number(await program.announced(/PORT (\d+)/));
  expect((await ask(port, get('/'))).status).toBe(200);
  expect(program.stderr).toBe('');
});

describe('a body', () => {
  // At 1 GiB all adapters stay within 32 MiB. The garbage that the collector leaves varies; a body kept in memory does
  // not.
  test.each(['raw', 'wsgi', 'fetch'])('of 96 MiB is not held, up or down, by %s', async (adapter) => {
    const stdout = await bench('memory.js', '--mib', '96', '--adapter', adapter);
    const more = [...stdout.matchAll(/at most (-?[\d.]+) MiB more/g)].map(([, mib]) => Number(mib));
    expect(more).toHaveLength(2);
    for (const mib of more) expect(mib, stdout).toBeLessThan(64);
  });
});

test('a body in tiny chunks is measured', async () => {
  const args = ['bench/tiny-chunks.js', '--chunks', '20000', '--adapter', 'raw', '--reader', 'pieces'];
  // The limits are not met on every machine: they determine the exit code, which is not checked here.
  const { stdout } = await run(process.execPath, args, { cwd: REPOSITORY }).catch((error: { stdout: string }) => error);
  expect(stdout).toMatch(/^(?:met {3}|missed) raw pieces: -?[\d.]+ MiB, p99 \d+ ms, slowest \d+ ms, [\d.]+ s$/m);
  expect(stdout).toMatch(/^(?:met {3}|missed) raw pieces in a thread: /m);
});

test('aborted requests are counted', async () => {
  expect(await bench('aborted.js', '--count', '200')).toMatch(/^fetch: 200 aborted requests .* kept per request\n$/);
});

test('an application that computes can run in a pool', async () => {
  const stdout = await bench('offload.js', '--seconds', '1');
  expect(stdout).toMatch(/files alone: p50 [\d.]+ ms.*\n.*in the loop: .*\n.*in a pool of 2: p50/);
});

test('docs/benchmarks.md has a price for each adapter', () => {
  const page = readFileSync(join(REPOSITORY, 'docs', 'benchmarks.md'), 'utf8');
  const list = page.slice(page.indexOf('<!-- price list'), page.indexOf('<!-- price list ends -->'));
  expect([...list.matchAll(/^\| [^|]+ \| +[\d.]+ +\|/gm)].length).toBeGreaterThanOrEqual(6);
});
