// Tests small runs with a fault at every possible point, so that bugs of one fault are always found. `npm run simulate --
// --exhaustive 2` tries all pairs in runs with few points; each night does.

import { expect, test } from 'vitest';
import { BEHAVIOUR_NAMES, type BehaviourName } from '../../src/testing/scenario/behaviours.ts';
import { everyFault } from '../../src/testing/scenario/exhaust.ts';
import { smallRun } from '../../src/testing/scenario/settings.ts';

/** Behaviours whose runs are long. */
const LONG: ReadonlySet<BehaviourName> = new Set(['tireless', 'trickling', 'neverReading', 'sipping']);

async function playAll(behaviour: BehaviourName, transport: boolean | 'encrypted' = false): Promise<number> {
  let runs = 0;
  const run = smallRun(behaviour);
  const settings = { ...run, machine: { ...run.machine, transport } };
  for await (const { faultsAt, report } of everyFault(settings, 1)) {
    expect(report.failure, `faults at ${faultsAt.join(', ')}: ${[...report.faults.keys()].join(', ')}`).toBeNull();
    runs++;
  }
  return runs;
}

test.each(BEHAVIOUR_NAMES.filter((name) => !LONG.has(name)))('a %s client, with one fault anywhere', async (name) => {
  expect(await playAll(name)).toBeGreaterThan(20);
});

test.each(['steady', 'slowReading'] as const)('a %s client over a transport, with one fault anywhere', async (name) => {
  expect(await playAll(name, true)).toBeGreaterThan(20);
});

test.each(['steady', 'slowReading', 'silent'] as const)(
  'a %s client over a transport that encrypts, with one fault anywhere',
  async (name) => {
    expect(await playAll(name, 'encrypted')).toBeGreaterThan(3);
  },
);

test('faults happen only where they were planned', async () => {
  for await (const { faultsAt, report } of everyFault(smallRun('steady'), 1)) {
    const injected = [...report.faults.values()].reduce((sum, count) => sum + count, 0);
    expect(injected).toBe(faultsAt.length);
  }
});
