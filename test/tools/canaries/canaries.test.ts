// Tests that the simulation finds bugs. Each canary is a deliberate bug in a copy of the built server, and a checker
// (not a crash) must find it within the stated number of runs. All of them are played each night.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CHECKERS } from '../../../src/testing/scenario/failure.ts';

/** The number of runs in which each canary must be found; the first finds most of them. */
const WITHIN_RUNS = 200;

/** All of them together take half a minute of an idle machine. */
const LIMIT_MS = 900_000;

interface Canary {
  readonly name: string;
  readonly bug: string;
  /** Absent: a run of all kinds of clients. */
  readonly scenario?: 'drain';
  /** The checker that found it, and the seed of that run. */
  readonly checker: string;
  readonly seed: number;
}

const canaries: readonly Canary[] = JSON.parse(
  readFileSync(new URL('../../simulation/canaries.json', import.meta.url), 'utf8'),
);

test('there are enough canaries, and many checkers find them early', () => {
  expect(canaries.length).toBeGreaterThanOrEqual(20);
  expect(new Set(canaries.map(({ checker }) => checker)).size).toBeGreaterThanOrEqual(8);
  for (const { name, checker, seed } of canaries) {
    expect(Object.keys(CHECKERS), name).toContain(checker);
    expect(checker, `${name} is found by a checker`).not.toBe('crash');
    expect(seed, name).toBeLessThanOrEqual(WITHIN_RUNS);
  }
});

function kindOf({ scenario, checker }: Canary): string {
  return scenario ?? checker;
}

test('the first of each checker, and of the drains, is found in its run, and all others have their lines', {
  timeout: LIMIT_MS,
}, () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['scripts/canaries.js'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  const firsts = canaries.filter(
    (canary, index) => canaries.findIndex((each) => kindOf(each) === kindOf(canary)) === index,
  );
  expect(stdout.trim().split('\n')).toEqual(firsts.map(({ name, checker }) => `${name}: ${checker}`));
});
