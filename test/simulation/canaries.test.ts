// Proves that the simulation finds bugs: each canary is a deliberate one, planted into a copy of the built
// server, and a checker (no crash) must find it within the stated number of seeds.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CHECKERS } from '../../src/testing/scenario/failure.ts';

/** Runs in which each canary must be found; most are found in the first. */
const WITHIN_RUNS = 200;

interface Canary {
  readonly name: string;
  readonly bug: string;
  /** Who found it, and in the run of which seed. */
  readonly checker: string;
  readonly seed: number;
}

const canaries: readonly Canary[] = JSON.parse(readFileSync(new URL('canaries.json', import.meta.url), 'utf8'));

test('there are enough of them, found by many checkers, early', () => {
  expect(canaries.length).toBeGreaterThanOrEqual(20);
  expect(new Set(canaries.map(({ checker }) => checker)).size).toBeGreaterThanOrEqual(8);
  for (const { name, checker, seed } of canaries) {
    expect(Object.keys(CHECKERS), name).toContain(checker);
    expect(checker, `${name} is found by a checker`).not.toBe('crash');
    expect(seed, name).toBeLessThanOrEqual(WITHIN_RUNS);
  }
});

test('each is found in its run, by its checker', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['scripts/canaries.js'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout.trim().split('\n')).toEqual(canaries.map(({ name, checker }) => `${name}: ${checker}`));
});
