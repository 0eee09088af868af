// Tests that the figures of a process group include children, ended children, threads and memory, and that the whole
// group ends.

import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BURN_VARIABLE } from '../../../src/tools/compare/contender.ts';
import { findCounters } from '../../../src/tools/compare/counters.ts';
import { burn, compute, countBurnSteps } from '../../../src/tools/compare/peers/work.ts';
import { pidsOf, residentBytesOf, threadsOf, usageOf } from '../../../src/tools/compare/processes.ts';
import { Program, pause, within } from '../../../src/tools/compare/program.ts';
import { folder } from '../../support/folder.ts';
import { until } from '../../support/until.ts';

/** A JavaScript program that ends with the test. */
function started(code: string): Program {
  const program = new Program('test', process.execPath, ['-e', code]);
  onTestFinished(() => program.end());
  return program;
}

const BURN = 'const end = process.cpuUsage().user + 300_000; while (process.cpuUsage().user < end);';

test('the time of an ended child counts for its parent', async () => {
  const program = started(
    `require('child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(BURN)}]); console.log('done'); setInterval(() => {}, 1e6);`,
  );
  expect(await program.waitForOutput(/done/, 20_000)).not.toBeNull();
  expect(pidsOf(program.pid)).toEqual([program.pid]);
  expect(usageOf(program.pid).userSeconds).toBeGreaterThan(0.25);
  expect(usageOf(program.pid).switches).toBeGreaterThan(0);
});

test('live children are counted, and end with the program', async () => {
  const child = "require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);";
  const program = started(`${child}${child} setInterval(() => {}, 1e6);`);
  await until(() => pidsOf(program.pid).length === 3, 'both children are running');
  const alone = residentBytesOf(program.pid);
  expect(threadsOf(program.pid)).toBeGreaterThan(3);
  expect(alone).toBeGreaterThan(10 * 2 ** 20);
  await program.end();
  await until(() => pidsOf(program.pid).length === 0, 'all processes have ended');
  expect(program.outcome).toBe('SIGKILL');
});

test('a program that cannot start reports the error, and its end ends waiting', async () => {
  const missing = new Program('missing', '/nonexistent/program', []);
  expect(await missing.ended).toMatch(/ENOENT/);
  const short = started("console.error('a reason'); process.exit(3)");
  expect(await short.waitForOutput(/never/, 20_000)).toBeNull();
  expect([short.outcome, short.lastLine]).toEqual(['exit code 3', 'a reason']);
});

test('a pause stops at an abort of its signal and at its limit', async () => {
  const over = new AbortController();
  const waiting = pause(60_000, over.signal);
  over.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(pause(1, over.signal)).rejects.toThrow('enough');
  expect(await within(new Promise(() => {}), 1)).toBeUndefined();
});

test('burn computes for about the configured time', () => {
  process.env[BURN_VARIABLE] = '1000';
  onTestFinished(() => void delete process.env[BURN_VARIABLE]);
  expect(burn()).not.toBe(burn());
  expect(compute(0)).toBe(compute(0));
  expect(countBurnSteps()).toBeGreaterThan(1_000);
});

/** Where `findCounters` searches: everywhere, only strace, or nowhere. */
const PLACES: readonly (readonly [string, RegExp, readonly string[] | null])[] = [
  ['the counters of this machine', /^(?:perf|strace)$/, null],
  ['strace alone', /^strace$/, ['strace', 'true']],
];

test.each(PLACES)('system calls are counted between start and stop, with %s', async (_, name, only) => {
  const { PATH } = process.env;
  onTestFinished(() => {
    process.env['PATH'] = PATH;
  });
  const place = await folder();
  for (const program of only ?? []) await symlink(`/usr/bin/${program}`, join(place, program));
  if (only !== null) process.env['PATH'] = place;
  const counters = await findCounters(await folder());
  expect(counters.name).toMatch(name);
  const program = started("console.log('up'); setInterval(() => require('fs').statSync('/'), 1);");
  await program.waitForOutput(/up/, 20_000);
  const counting = await counters.start([program.pid]);
  await pause(300);
  const { systemCalls } = await counting.stop();
  expect(systemCalls).toBeGreaterThan(10);
  expect(program.outcome, 'the program still runs').toBe('');
});

test('without perf and strace nothing is counted', async () => {
  const { PATH } = process.env;
  onTestFinished(() => {
    process.env['PATH'] = PATH;
  });
  const place = await folder();
  process.env['PATH'] = place;
  const counters = await findCounters(place);
  const counting = await counters.start([process.pid]);
  expect([counters.name, await counting.stop()]).toEqual(['', { systemCalls: null, instructions: null }]);
});
