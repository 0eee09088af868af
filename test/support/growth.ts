// How the processor time of some work grows with its input, which tells linear work from quadratic whatever the
// machine: inputs 8 times apart take 8 times as long, or 64 times.

import { expect } from 'vitest';

/** Inputs are so many times apart. */
const STEP = 8;

/** Halfway, on a scale of ratios, between linear and quadratic with room for what a machine adds. */
const MAX_RATIO = 16;

/** Work is repeated until the small input takes so long, which is far above the clock's resolution. */
const MIN_MICROSECONDS = 1_000;

/** Of several runs the fastest counts: the others shared the processor. */
const RUNS = 4;

/** What quadratic work never passes, linear work on a busy machine may need once more. */
const ATTEMPTS = 4;

async function cpuMicroseconds(run: () => unknown, times: number): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) {
    const result = run();
    if (result instanceof Promise) await result;
  }
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** The fewest runs that take {@link MIN_MICROSECONDS}. */
async function enough(run: () => unknown): Promise<number> {
  for (let times = 1; ; times *= 2) if ((await cpuMicroseconds(run, times)) >= MIN_MICROSECONDS) return times;
}

async function ratioOf(small: () => unknown, large: () => unknown): Promise<number> {
  const times = await enough(small);
  let [fastestSmall, fastestLarge] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let i = 0; i < RUNS; i++) {
    fastestSmall = Math.min(fastestSmall, await cpuMicroseconds(small, times));
    fastestLarge = Math.min(fastestLarge, await cpuMicroseconds(large, times));
  }
  return fastestLarge / fastestSmall;
}

/**
 * Expects that an input of `8 * size` takes less than 16 times as long as one of `size`. `work` makes what is measured,
 * for an input of the size that it is given; it may return a promise.
 */
export async function expectLinear(work: (size: number) => () => unknown, size: number): Promise<void> {
  const [small, large] = [work(size), work(size * STEP)];
  let ratio = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS && ratio >= MAX_RATIO; attempt++) ratio = await ratioOf(small, large);
  expect(ratio, `${STEP} times the input takes ${ratio.toFixed(1)} times as long`).toBeLessThan(MAX_RATIO);
}
