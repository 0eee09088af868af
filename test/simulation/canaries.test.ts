// Tests that the simulation finds bugs. Each canary is a deliberate bug in a copy of the built server, and a checker
// (not a crash) must find it within the stated number of runs. All of them are played each night.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CHECKERS } from '../../src/testing/scenario/failure.ts';

/** The number of runs in which each canary must be found; the first finds most of them. */
const WITHIN_RUNS = 200;

/** All of them together take half a minute of an idle machine. */
const LIMIT_MS = 900_000;

interface Canary {
  readonly name: string;
  readonly bug: string;
  /** The checker that found it, and the seed of that run. */
  readonly checker: string;
  readonly seed: number;
}

const canaries: readonly Canary[] = JSON.parse(readFileSync(new URL('canaries.json', import.meta.url), 'utf8'));

test('there are enough canaries, and many checkers find them early', () => {
  expect(canaries.length).toBeGreaterThanOrEqual(20);
  expect(new Set(canaries.map(({ checker }) => checker)).size).toBeGreaterThanOrEqual(8);
  for (const { name, checker, seed } of canaries) {
    expect(Object.keys(CHECKERS), name).toContain(checker);
    expect(checker, `${name} is found by a checker`).not.toBe('crash');
    expect(seed, name).toBeLessThanOrEqual(WITHIN_RUNS);
  }
});

test('the first of each checker is found by it in its run, and all others have their lines', {
  timeout: LIMIT_MS,
}, () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['scripts/canaries.js'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  const firsts = canaries.filter(
    ({ checker }, index) => canaries.findIndex((each) => each.checker === checker) === index,
  );
  expect(stdout.trim().split('\n')).toEqual(firsts.map(({ name, checker }) => `${name}: ${checker}`));
});
