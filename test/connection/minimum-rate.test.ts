// Tests the arithmetic of a minimum rate: time uses up the time-out, bytes give it back.

import { expect, test } from 'vitest';
import { MinimumRate } from '../../src/connection/minimum-rate.ts';

test('time uses up the time-out, to 0 and not below', () => {
  const rate = new MinimumRate(1_000, 100, 5_000);
  expect(rate.update(5_400, 0)).toBe(600);
  expect(rate.update(6_000, 0)).toBe(0);
  expect(rate.update(9_000, 0)).toBe(0);
});

test('bytes give time back at the rate, up to the whole time-out', () => {
  const rate = new MinimumRate(1_000, 100, 0);
  expect(rate.update(500, 10)).toBe(600);
  expect(rate.update(500, 1_000)).toBe(1_000);
});

test('a peer at the rate keeps its time, a slower one loses the difference', () => {
  const atRate = new MinimumRate(1_000, 100, 0);
  for (let now = 100; now <= 10_000; now += 100) expect(atRate.update(now, 10)).toBe(1_000);
  const below = new MinimumRate(1_000, 100, 0);
  const left = Array.from({ length: 21 }, (_, i) => below.update((i + 1) * 100, 5));
  expect(left.slice(0, 2)).toEqual([950, 900]);
  expect(left.indexOf(0)).toBe(19);
});

test('without a rate one byte gives the whole time back', () => {
  const rate = new MinimumRate(1_000, 0, 0);
  expect(rate.update(999, 1)).toBe(1_000);
  expect(rate.update(1_999, 0)).toBe(0);
});

test('time in which the peer is not waited for is not used up', () => {
  const rate = new MinimumRate(1_000, 100, 0);
  expect(rate.update(300, 0)).toBe(700);
  expect(rate.resume(90_000)).toBe(700);
  expect(rate.update(90_100, 0)).toBe(600);
});
