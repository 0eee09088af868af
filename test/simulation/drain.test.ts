// Tests that no request is lost when a server ends or is replaced at any time, behind a proxy that sends its header in any
// pieces, and that strangers get nothing. `npm run simulate` plays other seeds.

import { expect, test } from 'vitest';
import { playDrain } from '../../src/testing/scenario/drain.ts';

const RUNS = 150;

test('no drain loses a request', async () => {
  const sum = { served: 0, rejected: 0, late: 0 };
  for (let seed = 1; seed <= RUNS; seed++) {
    const { failure, served, rejected, late } = await playDrain(seed);
    expect(failure, `seed ${seed}`).toBeNull();
    sum.served += served;
    sum.rejected += rejected;
    sum.late += late;
  }
  expect(sum.served).toBeGreaterThan(500);
  expect(sum.rejected).toBeGreaterThan(30);
  expect(sum.late).toBeGreaterThan(30);
});

test('the same seed makes the same calls', async () => {
  expect(await playDrain(3)).toEqual(await playDrain(3));
});
