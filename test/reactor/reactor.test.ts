// Tests the order of work in one turn, and that stale events and exceptions do not disturb it.

import { beforeEach, expect, test } from 'vitest';
import { DUE_AT_MS, EVENT_WORDS, READABLE, UNFINISHED, WRITABLE } from '../../src/kernel/kernel.ts';
import { Deadline } from '../../src/reactor/deadline.ts';
import { TICK_MS } from '../../src/reactor/deadlines.ts';
import { Reactor } from '../../src/reactor/reactor.ts';
import { Source } from '../../src/reactor/source.ts';
import { FakeKernel } from '../support/fake-kernel.ts';

let kernel: FakeKernel;
let reactor: Reactor;
let log: string[];

class Logged extends Source {
  readonly deadline: Deadline = new Deadline(this);
  onServe: () => void = () => {};
  onExpire: () => void = () => {};

  serve(): void {
    log.push(`${this.fd}.${this.generation} serve ${this.readiness}`);
    this.readiness = 0;
    this.onServe();
  }

  expire(): void {
    log.push(`${this.fd}.${this.generation} expire`);
    this.onExpire();
  }
}

function source(fd: number, generation = 1): Logged {
  const made = new Logged(fd, generation);
  reactor.add(made);
  return made;
}

function event(fd: number, readiness: number = READABLE, generation = 1): void {
  kernel.pending.push({ fd, generation, readiness });
}

beforeEach(() => {
  kernel = new FakeKernel();
  reactor = new Reactor(kernel);
  log = [];
});

test('an event serves its source once, with what was reported', () => {
  source(5);
  source(6);
  event(6, WRITABLE);
  event(5, READABLE);
  event(5, WRITABLE);
  reactor.turn();
  expect(log).toEqual(['6.1 serve 2', '5.1 serve 3']);
  reactor.turn();
  expect(log).toHaveLength(2);
  expect(reactor.counters).toMatchObject({ turns: 2, events: 3, staleEvents: 0 });
});

test('an event of an earlier generation of the descriptor, or of an unknown one, is dropped', () => {
  source(5, 8);
  event(5, READABLE, 7);
  event(5, READABLE, 9);
  event(77, READABLE, 1);
  reactor.turn();
  expect(log).toEqual([]);
  expect(reactor.counters.staleEvents).toBe(3);
  event(5, READABLE, 8);
  reactor.turn();
  expect(log).toEqual(['5.8 serve 1']);
});

test('a descriptor has one source', () => {
  source(5);
  expect(() => source(5)).toThrow('a descriptor has one source');
});

test('a woken source is served in the next turn, whose wait does not block', () => {
  const busy = source(5);
  source(6);
  busy.onServe = () => {
    if (log.length === 1) reactor.wake(busy);
  };
  event(5);
  reactor.turn();
  expect(log).toEqual(['5.1 serve 1']);
  expect(kernel.control[UNFINISHED]).toBe(1);
  event(6);
  reactor.turn();
  expect(log.slice(1)).toEqual(['5.1 serve 0', '6.1 serve 1']);
  expect(kernel.control[UNFINISHED]).toBe(0);
});

test('a source that is woken twice, or woken and ready, is served once', () => {
  const woken = source(5);
  reactor.wake(woken);
  reactor.wake(woken);
  event(5);
  reactor.turn();
  expect(log).toEqual(['5.1 serve 1']);
});

test('a disposed source is closed at the end of the turn, without further events', () => {
  const [first, second] = [source(5), source(6)];
  first.onServe = () => {
    reactor.closeLater(second);
    reactor.closeLater(second);
    expect(kernel.closed, 'not before the batch has ended').toEqual([]);
  };
  event(5);
  event(6);
  reactor.turn();
  expect(log).toEqual(['5.1 serve 1']);
  expect(kernel.closed).toEqual([6]);
  event(6);
  reactor.turn();
  expect(log).toHaveLength(1);
  source(6, 2);
  event(6, READABLE, 2);
  reactor.turn();
  expect(log.at(-1)).toBe('6.2 serve 1');
});

test('a disposed source neither wakes nor expires', () => {
  const gone = source(5);
  reactor.setDeadline(gone.deadline, reactor.tickAfter(100));
  reactor.dropDeadline(gone.deadline);
  reactor.closeLater(gone);
  reactor.wake(gone);
  kernel.timeMs += 1_000;
  reactor.turn();
  reactor.turn();
  expect(log).toEqual([]);
  expect(kernel.control[UNFINISHED]).toBe(0);
});

test('a failed close is counted, and the turn continues', () => {
  kernel.closeResult = -5;
  reactor.closeLater(source(5));
  reactor.closeLater(source(6));
  reactor.turn();
  expect(reactor.counters.failedCloses).toBe(2);
  expect(kernel.closed).toEqual([5, 6]);
});

test('a deadline is published to the kernel, and its source expires when it has passed', () => {
  const timed = source(5);
  expect(kernel.control[DUE_AT_MS]).toBe(Infinity);
  timed.onServe = () => reactor.setDeadline(timed.deadline, reactor.tickAfter(1_000));
  event(5);
  reactor.turn();
  const dueMs = kernel.control[DUE_AT_MS] ?? 0;
  expect(dueMs - kernel.timeMs).toBeGreaterThanOrEqual(1_000);
  expect(dueMs - kernel.timeMs).toBeLessThanOrEqual(1_000 + TICK_MS);
  kernel.timeMs = dueMs - 1;
  reactor.turn();
  expect(log).toHaveLength(1);
  kernel.timeMs = dueMs;
  reactor.turn();
  expect(log.at(-1)).toBe('5.1 expire');
  expect(kernel.control[DUE_AT_MS]).toBe(Infinity);
});

test('a deadline that is set outside of a turn schedules one, so that it is published', () => {
  reactor.setDeadline(source(5).deadline, reactor.tickAfter(500));
  expect(kernel.control[UNFINISHED]).toBe(1);
  reactor.turn();
  expect(kernel.control[UNFINISHED]).toBe(0);
  expect(kernel.control[DUE_AT_MS]).toBeLessThan(Infinity);
});

test('events are served before deadlines, and both before the end of the turn', () => {
  const timed = source(5);
  reactor.onTurnEnd(() => log.push('end'));
  reactor.setDeadline(timed.deadline, reactor.tickAfter(100));
  kernel.timeMs += 1_000;
  event(5);
  reactor.turn();
  expect(log).toEqual(['5.1 serve 1', '5.1 expire', 'end']);
});

test('a turn that an exception interrupted continues where it broke, and serves no source twice', () => {
  const sources = [5, 6, 7].map((fd) => source(fd));
  const [, second] = sources;
  if (second !== undefined) {
    second.onServe = () => {
      throw new Error('defect');
    };
  }
  for (const { fd } of sources) event(fd);
  expect(() => reactor.turn()).toThrow('defect');
  expect(log).toEqual(['5.1 serve 1', '6.1 serve 1']);
  expect(kernel.control[UNFINISHED], 'another turn follows').toBe(1);
  event(5, WRITABLE);
  reactor.turn();
  expect(log.slice(2), 'before it waits again').toEqual(['7.1 serve 1']);
  expect(kernel.control[UNFINISHED], 'and another one').toBe(1);
  reactor.turn();
  expect(log.slice(3)).toEqual(['5.1 serve 2']);
  expect(kernel.control[UNFINISHED]).toBe(0);
});

test('a source that was disposed in an interrupted turn is closed by the next turn', () => {
  const [first, second] = [source(5), source(6)];
  first.onServe = () => reactor.closeLater(first);
  second.onServe = () => {
    throw new Error('defect');
  };
  event(5);
  event(6);
  expect(() => reactor.turn()).toThrow('defect');
  reactor.turn();
  expect(kernel.closed).toEqual([5]);
});

test('a source gets the index of its prefetched event, and otherwise readiness bits only', () => {
  const sources = [source(5), source(6), source(7)];
  const seen: (readonly [number, number])[] = [];
  for (const each of sources) each.onServe = () => seen.push([each.fd, each.prefetchIndex]);
  event(7);
  kernel.pending.push({ fd: 6, generation: 1, readiness: READABLE, prefetched: 0 });
  kernel.pending.push({ fd: 5, generation: 2, readiness: READABLE, prefetched: 9 });
  kernel.pending.push({ fd: 5, generation: 1, readiness: READABLE | WRITABLE, prefetched: 9 });
  reactor.turn();
  expect(seen).toEqual([
    [7, -1],
    [6, 1],
    [5, 3],
  ]);
  expect(log).toEqual(['7.1 serve 1', '6.1 serve 1', '5.1 serve 3']);
});

test('one failed wait loses no event', () => {
  source(5);
  kernel.waitError = -9;
  reactor.turn();
  kernel.waitError = 0;
  event(5);
  reactor.turn();
  expect(log).toEqual(['5.1 serve 1']);
});

test('many failed waits in a row throw an error with the name of the call', () => {
  kernel.waitError = -9;
  for (let i = 0; i < 16; i++) reactor.turn();
  expect(() => reactor.turn()).toThrow(/^wait failed: .*\(EBADF\)$/);
});

test('nowMs is the time of the turn within one, and the clock outside', () => {
  const seen: number[] = [];
  const busy = source(5);
  busy.onServe = () => {
    kernel.timeMs += 50;
    seen.push(reactor.nowMs());
  };
  const startMs = kernel.timeMs;
  event(5);
  reactor.turn();
  expect(seen).toEqual([startMs]);
  expect(reactor.nowMs()).toBe(startMs + 50);
});

test('when more sources are ready than one wait reports, deadlines wait until all were reported', () => {
  const capacity = kernel.events.length / EVENT_WORDS;
  for (let fd = 0; fd < 2 * capacity; fd++) source(fd);
  const late = source(2 * capacity);
  reactor.setDeadline(late.deadline, reactor.tickAfter(1_000));
  kernel.timeMs += 5_000;
  for (const expired of [false, false, true]) {
    for (let fd = 0; fd < capacity; fd++) event(fd);
    log = [];
    reactor.turn();
    expect(log.includes(`${late.fd}.1 expire`)).toBe(expired);
    expect(kernel.control[DUE_AT_MS] === Infinity, 'until then the loop does not block').toBe(expired);
  }
});

test('deadlines that become due while others wait have a wait of their own', () => {
  const sources = Array.from({ length: 100 }, (_, fd) => source(fd));
  const [first, second] = [source(100), source(101)];
  reactor.setDeadline(first.deadline, reactor.tickAfter(1_000));
  reactor.setDeadline(second.deadline, reactor.tickAfter(5_000));
  const fullTurn = (): void => {
    for (const { fd } of sources.slice(0, 64)) event(fd);
    reactor.turn();
  };
  const expired = (): string[] => log.filter((line) => line.endsWith('expire'));
  kernel.timeMs += 2_000;
  fullTurn();
  kernel.timeMs += 10_000;
  fullTurn();
  expect(expired()).toEqual(['100.1 expire']);
  fullTurn();
  expect(expired()).toEqual(['100.1 expire']);
  fullTurn();
  expect(expired()).toEqual(['100.1 expire', '101.1 expire']);
});
