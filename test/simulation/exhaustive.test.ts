// Tests small runs with a fault at every possible point, so that bugs of one or two faults are always found. `npm run
// simulate -- --exhaustive 2` tries all pairs in runs with few points.

import { expect, test } from 'vitest';
import { BEHAVIOUR_NAMES, type BehaviourName } from '../../src/testing/scenario/behaviours.ts';
import { everyFault } from '../../src/testing/scenario/exhaust.ts';
import { smallRun } from '../../src/testing/scenario/settings.ts';

/** Behaviours whose runs are long. */
const LONG: ReadonlySet<BehaviourName> = new Set(['tireless', 'trickling', 'neverReading', 'sipping']);

async function playAll(
  behaviour: BehaviourName,
  maxFaults: number,
  transport: boolean | 'encrypted' = false,
): Promise<number> {
  let runs = 0;
  const run = smallRun(behaviour);
  const settings = { ...run, machine: { ...run.machine, transport } };
  for await (const { faultsAt, report } of everyFault(settings, maxFaults)) {
    expect(report.failure, `faults at ${faultsAt.join(', ')}: ${[...report.faults.keys()].join(', ')}`).toBeNull();
    runs++;
  }
  return runs;
}

test.each(BEHAVIOUR_NAMES.filter((name) => !LONG.has(name)))('a %s client, with one fault anywhere', async (name) => {
  expect(await playAll(name, 1)).toBeGreaterThan(20);
});

test.each(['steady', 'slowReading'] as const)('a %s client over a transport, with one fault anywhere', async (name) => {
  expect(await playAll(name, 1, true)).toBeGreaterThan(20);
});

test.each(['steady', 'slowReading', 'silent'] as const)(
  'a %s client over a transport that encrypts, with one fault anywhere',
  async (name) => {
    expect(await playAll(name, 1, 'encrypted')).toBeGreaterThan(3);
  },
);

test('a slowly reading client, with two faults anywhere', async () => {
  expect(await playAll('slowReading', 2)).toBeGreaterThan(500);
});

test('faults happen only where they were planned', async () => {
  for await (const { faultsAt, report } of everyFault(smallRun('steady'), 1)) {
    const injected = [...report.faults.values()].reduce((sum, count) => sum + count, 0);
    expect(injected).toBe(faultsAt.length);
  }
});
