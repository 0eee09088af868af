// Proves the arithmetic of waiting for a peer: what uses patience up and what gives it back.

import { expect, test } from 'vitest';
import { Patience } from '../../src/connection/patience.ts';

test('time uses it up, to nothing and not below', () => {
  const patience = new Patience(1_000, 100, 5_000);
  expect(patience.spend(5_400, 0)).toBe(600);
  expect(patience.spend(6_000, 0)).toBe(0);
  expect(patience.spend(9_000, 0)).toBe(0);
});

test('bytes give back what they are worth, up to the whole', () => {
  const patience = new Patience(1_000, 100, 0);
  expect(patience.spend(500, 10)).toBe(600);
  expect(patience.spend(500, 1_000)).toBe(1_000);
});

test('a peer at the rate keeps what it has, one below it loses the difference', () => {
  const atRate = new Patience(1_000, 100, 0);
  for (let now = 100; now <= 10_000; now += 100) expect(atRate.spend(now, 10)).toBe(1_000);
  const below = new Patience(1_000, 100, 0);
  const left = Array.from({ length: 21 }, (_, i) => below.spend((i + 1) * 100, 5));
  expect(left.slice(0, 2)).toEqual([950, 900]);
  expect(left.indexOf(0)).toBe(19);
});

test('without a rate one byte gives all of it back', () => {
  const patience = new Patience(1_000, 0, 0);
  expect(patience.spend(999, 1)).toBe(1_000);
  expect(patience.spend(1_999, 0)).toBe(0);
});

test('while nobody waits nothing is used up', () => {
  const patience = new Patience(1_000, 100, 0);
  expect(patience.spend(300, 0)).toBe(700);
  expect(patience.resume(90_000)).toBe(700);
  expect(patience.spend(90_100, 0)).toBe(600);
});
