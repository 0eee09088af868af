// Measures how processor time grows with the input, which distinguishes linear from quadratic work on any machine: an input
// 8 times as large takes 8 times as long, or 64 times.

import { expect } from 'vitest';

/** The ratio of the input sizes. */
const STEP = 8;

/** Between the ratios of linear and quadratic work (8 and 64), with a margin for noise of the machine. */
const MAX_RATIO = 16;

/** The small input is repeated until it takes this long, which is far above the resolution of the clock. */
const MIN_MICROSECONDS = 1_000;

/** The fastest of several runs counts, because the others shared the processor. */
const RUNS = 4;

/** The first run does not count alone: its small input ran before its code was compiled. */
const MIN_RUNS = 2;

/** Attempts: linear work may fail on a busy machine, quadratic work always fails. */
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

/** The fewest runs that take {@link MIN_MICROSECONDS} twice: a single tick of the clock may be that of other work. */
async function enough(run: () => unknown): Promise<number> {
  for (let times = 1; ; times *= 2) {
    const isLong = (await cpuMicroseconds(run, times)) >= MIN_MICROSECONDS;
    if (isLong && (await cpuMicroseconds(run, times)) >= MIN_MICROSECONDS) return times;
  }
}

async function ratioOf(small: () => unknown, large: () => unknown): Promise<number> {
  const times = await enough(small);
  let [fastestSmall, fastestLarge] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  // Systems that count whole ticks of their clock may count none. Then the ratio is unknown.
  const ratio = (): number => (fastestSmall === 0 ? Number.POSITIVE_INFINITY : fastestLarge / fastestSmall);
  for (let run = 0; run < RUNS && (run < MIN_RUNS || ratio() >= MAX_RATIO); run++) {
    fastestSmall = Math.min(fastestSmall, await cpuMicroseconds(small, times));
    fastestLarge = Math.min(fastestLarge, await cpuMicroseconds(large, times));
  }
  return ratio();
}

/**
 * Expects that an input of `8 * size` takes less than 16 times as long as one of `size`. `work` returns the function to
 * measure for an input of the given size; that function may return a promise.
 */
export async function expectLinear(work: (size: number) => () => unknown, size: number): Promise<void> {
  const [small, large] = [work(size), work(size * STEP)];
  let ratio = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS && ratio >= MAX_RATIO; attempt++) ratio = await ratioOf(small, large);
  expect(ratio, `${STEP} times the input takes ${ratio.toFixed(1)} times as long`).toBeLessThan(MAX_RATIO);
}
