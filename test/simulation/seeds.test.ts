// Tests a fixed set of simulated runs, and those that failed in the past. To replay a failure: `npm run simulate -- --seed N
// --runs 1 --trace 100`.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FAULT_NAMES } from '../../src/testing/fault-source.ts';
import { BEHAVIOUR_NAMES } from '../../src/testing/scenario/behaviours.ts';
import { TRANSITIONS } from '../../src/testing/scenario/machine.ts';
import { play } from '../../src/testing/scenario/play.ts';
import { drawRun, type RunSettings } from '../../src/testing/scenario/settings.ts';

const RUNS = 100;
const BLOCK = 25;

/** A run that failed in the past, reduced, and the bug that it found. */
interface Fixture {
  readonly bug: string;
  readonly settings: RunSettings;
}

const fixtures: readonly Fixture[] = JSON.parse(readFileSync(new URL('fixtures.json', import.meta.url), 'utf8'));

const transitions = new Set<string>();
const faults = new Set<string>();
const behaviours = new Set<string>();

test.each(Array.from({ length: RUNS / BLOCK }, (_, i) => [1 + i * BLOCK, (i + 1) * BLOCK]))(
  'seeds %i to %i keep every rule',
  async (first, last) => {
    for (let seed = first; seed <= last; seed++) {
      const settings = drawRun(seed);
      const report = await play(settings);
      expect(report.failure, `seed ${seed}`).toBeNull();
      for (const name of report.transitions.keys()) transitions.add(name);
      for (const name of report.faults.keys()) faults.add(name);
      for (const { behaviour } of settings.guests) behaviours.add(behaviour);
    }
  },
);

test('the runs cover every transition of the connection machine, every fault and every kind of client', () => {
  expect([...transitions].sort()).toEqual([...TRANSITIONS].sort());
  // Faults that apply to a whole run are not counted.
  const perCall = FAULT_NAMES.filter((name) => name !== 'separateBits' && name !== 'mergedArrivals');
  expect([...faults].sort()).toEqual([...perCall].sort());
  expect([...behaviours].sort()).toEqual([...BEHAVIOUR_NAMES].sort());
});

test('the same seed makes the same calls, another seed different ones', async () => {
  const [first, again, other] = [await play(drawRun(7)), await play(drawRun(7)), await play(drawRun(8))];
  expect(again.fingerprint).toBe(first.fingerprint);
  expect(again).toEqual(first);
  expect(other.fingerprint).not.toBe(first.fingerprint);
});

test.each(fixtures.map(({ bug, settings }) => [bug, settings] as const))(
  'found in the past: %s',
  async (_, settings) => {
    expect((await play(settings)).failure).toBeNull();
  },
);

test('a thousand clients and more share one process', async () => {
  const settings = drawRun(1, { maxClients: 1 });
  const guests = Array.from(
    { length: 1_500 },
    (_, index) => ({ index, behaviour: 'steady', atMs: index / 10 }) as const,
  );
  const limits = { ...settings.limits, maxConnections: 65_536 };
  const report = await play({ ...settings, limits, faults: {}, maxRequests: 2, guests });
  expect(report.failure).toBeNull();
  expect(report.requests).toBeGreaterThanOrEqual(1_500);
});
