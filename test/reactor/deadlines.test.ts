// Tests that deadlines fire never early, at most a tick late, and only while they are set.

import { expect, test } from 'vitest';
import { Deadline } from '../../src/reactor/deadline.ts';
import { Deadlines, TICK_MS } from '../../src/reactor/deadlines.ts';

class Timed {
  readonly deadline: Deadline = new Deadline(this);
  readonly firedMs: number[] = [];
  onExpire: () => void = () => {};
  readonly #clock: { nowMs: number };

  constructor(clock: { nowMs: number }) {
    this.#clock = clock;
  }

  expire(): void {
    this.firedMs.push(this.#clock.nowMs);
    this.onExpire();
  }
}

/** A clock that the test moves, and deadlines that expire at their due times. */
class Clock {
  nowMs: number;
  readonly deadlines: Deadlines;

  constructor(startMs = 5_000_000) {
    this.nowMs = startMs;
    this.deadlines = new Deadlines(startMs);
  }

  /** A source whose deadline is `afterMs` from now, in the ticks of the reactor. */
  timed(afterMs: number): Timed {
    const source = new Timed(this);
    this.set(source, afterMs);
    return source;
  }

  set(source: Timed, afterMs: number): void {
    this.deadlines.set(source.deadline, Math.ceil((this.nowMs + afterMs) / TICK_MS));
  }

  /** Moves the clock to `untilMs`, and expires at each due time. Returns the number of these times. */
  runUntil(untilMs: number): number {
    let wakes = 0;
    while (this.deadlines.nextDueMs <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.deadlines.nextDueMs);
      this.deadlines.expire(this.nowMs);
      wakes++;
      if (wakes > 100_000) throw new Error('the deadlines spin');
    }
    this.nowMs = untilMs;
    return wakes;
  }
}

test('a deadline fires once, never early, and at most a tick late', () => {
  for (const afterMs of [1, 100, 127, 128, 129, 1_000, 30_000, 130_000, 131_072, 140_000, 1_000_000, 86_400_000]) {
    for (const startMs of [5_000_000, 5_000_001.5, 127.9, 0]) {
      const clock = new Clock(startMs);
      const source = clock.timed(afterMs);
      clock.runUntil(startMs + 2 * afterMs + 10_000);
      expect(source.firedMs, `${afterMs} ms from ${startMs}`).toHaveLength(1);
      const late = (source.firedMs[0] ?? 0) - (startMs + afterMs);
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThanOrEqual(TICK_MS);
    }
  }
});

test('thousands of deadlines at random times fire never early and at most a tick late', () => {
  const clock = new Clock();
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  const expected: { source: Timed; dueMs: number }[] = [];
  for (let i = 0; i < 3_000; i++) {
    const afterMs = 1 + random(i % 3 === 0 ? 400_000 : 5_000);
    expected.push({ source: clock.timed(afterMs), dueMs: clock.nowMs + afterMs });
    clock.runUntil(clock.nowMs + random(100));
  }
  clock.runUntil(clock.nowMs + 1_000_000);
  for (const { source, dueMs } of expected) {
    expect(source.firedMs).toHaveLength(1);
    const late = (source.firedMs[0] ?? 0) - dueMs;
    expect(late >= 0 && late <= TICK_MS, `${late} ms late`).toBe(true);
  }
  expect(clock.deadlines.filed).toBe(0);
  expect(clock.deadlines.nextDueMs).toBe(Infinity);
});

test('a postponed deadline stays in its bucket, and is filed again at its old time', () => {
  const clock = new Clock();
  const source = clock.timed(1_000);
  const dueMs = clock.deadlines.nextDueMs;
  clock.set(source, 5_000);
  expect(clock.deadlines.nextDueMs, 'postponing costs nothing').toBe(dueMs);
  expect(clock.runUntil(clock.nowMs + 4_900)).toBe(1);
  expect(source.firedMs).toEqual([]);
  clock.runUntil(clock.nowMs + 300);
  expect(source.firedMs).toHaveLength(1);
});

test('deadlines that are looked at late fire in the order of their times, also postponed ones', () => {
  const clock = new Clock();
  const postponed = clock.timed(500);
  const other = clock.timed(2_000);
  const order: string[] = [];
  postponed.onExpire = () => void order.push('postponed');
  other.onExpire = () => void order.push('other');
  clock.set(postponed, 3_000);
  clock.nowMs += 10_000;
  clock.deadlines.expire(clock.nowMs);
  expect(order).toEqual(['other', 'postponed']);
});

test('an advanced deadline fires at its new time', () => {
  const clock = new Clock();
  const source = clock.timed(60_000);
  clock.set(source, 500);
  clock.runUntil(clock.nowMs + 700);
  expect(source.firedMs).toHaveLength(1);
  clock.runUntil(clock.nowMs + 200_000);
  expect(source.firedMs).toHaveLength(1);
});

test('a deadline that was cleared or dropped does not fire', () => {
  const clock = new Clock();
  const [takenBack, dropped, other] = [clock.timed(500), clock.timed(500), clock.timed(500)];
  clock.deadlines.set(takenBack.deadline, 0);
  clock.deadlines.drop(dropped.deadline);
  expect(clock.deadlines.filed).toBe(2);
  clock.runUntil(clock.nowMs + 1_000);
  expect([takenBack, dropped, other].map(({ firedMs }) => firedMs.length)).toEqual([0, 0, 1]);
  expect(clock.deadlines.filed).toBe(0);
});

test('a cleared deadline can be set again while it is still filed', () => {
  const clock = new Clock();
  const source = clock.timed(500);
  clock.deadlines.set(source.deadline, 0);
  clock.set(source, 300);
  clock.runUntil(clock.nowMs + 10_000);
  expect(source.firedMs).toHaveLength(1);
});

test('an expiring owner may set a new deadline, or drop others and its own', () => {
  const clock = new Clock();
  const sources = Array.from({ length: 6 }, () => clock.timed(500));
  for (const [i, source] of sources.entries()) {
    source.onExpire = () => {
      for (const other of sources.slice(0, i)) clock.deadlines.drop(other.deadline);
      for (const other of sources.slice(i + 1)) clock.deadlines.drop(other.deadline);
      if (source.firedMs.length < 3) clock.set(source, 200);
    };
  }
  clock.runUntil(clock.nowMs + 5_000);
  const fired = sources.map(({ firedMs }) => firedMs.length).filter((count) => count > 0);
  expect(fired).toEqual([3]);
});

test('each of many that expire together fires, also when each closes its neighbour in the list', () => {
  const clock = new Clock();
  const sources = Array.from({ length: 9 }, () => clock.timed(500));
  let fired = 0;
  for (const [i, source] of sources.entries()) {
    source.onExpire = () => {
      fired++;
      for (const other of [sources[i - 1], sources[i + 1]])
        if (other !== undefined) clock.deadlines.drop(other.deadline);
    };
  }
  clock.runUntil(clock.nowMs + 5_000);
  expect(fired).toBe(sources.filter(({ firedMs }) => firedMs.length === 1).length);
  expect(fired).toBeGreaterThanOrEqual(3);
  expect(clock.deadlines.filed).toBe(0);
});

test('a clock that jumps further than all buckets reach fires every deadline once', () => {
  for (const jumpMs of [1_000, 131_072, 200_000, 100_000_000]) {
    const clock = new Clock();
    const sources = [10, 900, 60_000, 130_000, 150_000].map((afterMs) => ({ afterMs, source: clock.timed(afterMs) }));
    clock.nowMs += jumpMs;
    clock.deadlines.expire(clock.nowMs);
    for (const { afterMs, source } of sources) {
      if (afterMs > jumpMs) expect(source.firedMs, `${afterMs} in a jump of ${jumpMs}`).toEqual([]);
      if (afterMs + TICK_MS <= jumpMs) expect(source.firedMs, `${afterMs} in a jump of ${jumpMs}`).toHaveLength(1);
    }
    clock.runUntil(clock.nowMs + 200_000);
    expect(sources.every(({ source }) => source.firedMs.length === 1)).toBe(true);
  }
});

test('a clock that stands still or goes back fires nothing', () => {
  const clock = new Clock();
  const source = clock.timed(300);
  for (const backMs of [0, 1, 1_000, 1_000_000]) clock.deadlines.expire(clock.nowMs - backMs);
  expect(source.firedMs).toEqual([]);
  clock.runUntil(clock.nowMs + 1_000);
  expect(source.firedMs).toHaveLength(1);
});

test('postponing a deadline on every request causes one wake-up per period, not per request', () => {
  const clock = new Clock();
  const source = clock.timed(75_000);
  let wakes = 0;
  for (let i = 0; i < 10_000; i++) {
    wakes += clock.runUntil(clock.nowMs + 50);
    clock.set(source, 75_000);
  }
  expect(source.firedMs).toEqual([]);
  expect(wakes).toBeLessThanOrEqual(10);
});
