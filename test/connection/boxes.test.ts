// Tests that inbox and outbox keep bytes complete and in order for any split.

import { expect, test } from 'vitest';
import { Inbox } from '../../src/connection/inbox.ts';
import { GATHER_BYTES, Outbox } from '../../src/connection/outbox.ts';

/** `length` bytes whose values show their positions. */
function numbered(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 7 + seed) & 0xff;
  return bytes;
}

/** Sends everything like a connection, `take(n)` bytes of each n offered; returns the bytes sent. */
function sendAll(outbox: Outbox, arena: Buffer, take: (offered: number) => number): Buffer {
  const sent: Buffer[] = [];
  for (let guard = 0; outbox.bytes > 0; guard++) {
    if (guard > 1_000_000) throw new Error('the outbox does not empty');
    const { large } = outbox;
    const offered =
      large === null ? arena.subarray(0, outbox.gather(arena)) : Buffer.from(large.subarray(outbox.offset));
    expect(offered.length, 'something is offered').toBeGreaterThan(0);
    const count = take(offered.length);
    sent.push(Buffer.from(offered.subarray(0, count)));
    outbox.drop(count);
  }
  return Buffer.concat(sent);
}

const G = GATHER_BYTES;
const SHAPES: readonly (readonly number[])[] = [
  [1],
  [10, 20, 30],
  [G],
  [G + 1],
  [G, G, G],
  [G + 1, 1, G + 1],
  [5, G + 1, 5],
  [3, 2 * G, 4, 5, 3 * G + 7, 6],
  [G - 1, 2, G, 1, G + 1],
  Array.from({ length: 500 }, (_, i) => (i % 7) + 1),
];

test.each(SHAPES.map((shape) => [shape.slice(0, 8).join(' + '), shape] as const))(
  'chunks of %s leave whole, at every pace',
  (_name, shape) => {
    const chunks = shape.map(numbered);
    const whole = Buffer.concat(chunks);
    for (const arenaBytes of [64, 1_000, G, 4 * G]) {
      for (const most of [1_000_003, G + 1, G, G - 1, 977]) {
        const outbox = new Outbox();
        for (const chunk of chunks) outbox.push(chunk);
        expect(outbox.bytes).toBe(whole.length);
        const sent = sendAll(outbox, Buffer.alloc(arenaBytes), (offered) => Math.min(offered, most));
        expect(sent.equals(whole), `arena ${arenaBytes}, at most ${most}`).toBe(true);
      }
    }
  },
);

test('small chunks are sent unchanged after every first split', () => {
  const chunks = [numbered(7, 1), numbered(5, 2), numbered(9, 3)];
  const whole = Buffer.concat(chunks);
  for (let first = 1; first < whole.length; first++) {
    for (let second = 1; second <= whole.length; second++) {
      const outbox = new Outbox();
      for (const chunk of chunks) outbox.push(chunk);
      const paces = [first, second];
      const sent = sendAll(outbox, Buffer.alloc(64), (offered) => Math.min(offered, paces.shift() ?? offered));
      expect(sent.equals(whole), `${first}, then ${second}`).toBe(true);
    }
  }
});

test('a large chunk is sent from its own memory until its rest is small', () => {
  const outbox = new Outbox();
  const large = numbered(G + 10, 1);
  outbox.push(large);
  outbox.push(numbered(3, 2));
  expect(outbox.large).toBe(large);
  outbox.drop(9);
  expect([outbox.large, outbox.offset]).toEqual([large, 9]);
  outbox.drop(1);
  expect(outbox.large).toBeNull();
  const arena = Buffer.alloc(2 * G);
  expect(outbox.gather(arena)).toBe(G + 3);
  expect(arena.subarray(0, G).equals(large.subarray(10))).toBe(true);
});

test('a large chunk behind small ones is not copied with them', () => {
  const outbox = new Outbox();
  for (const [i, size] of [5, 7, G + 1, 3].entries()) outbox.push(numbered(size, i));
  expect(outbox.large).toBeNull();
  expect(outbox.gather(Buffer.alloc(4 * G))).toBe(12);
});

test('a chunk that is pushed while another is partly sent follows it', () => {
  const outbox = new Outbox();
  outbox.push(Buffer.from('abcdef'));
  outbox.drop(4);
  outbox.push(Buffer.from('ghi'));
  outbox.push(Buffer.alloc(0));
  expect(outbox.bytes).toBe(5);
  expect(sendAll(outbox, Buffer.alloc(64), (offered) => offered).toString()).toBe('efghi');
});

test('an inbox keeps a copy: the shared buffer may change', () => {
  const shared = Buffer.from('xxabcxx');
  const inbox = new Inbox(shared, 2, 5);
  shared.fill('z');
  expect(inbox.buffer.toString('latin1', inbox.start, inbox.end)).toBe('abc');
  expect(inbox.length).toBe(3);
});

test('an inbox holds the bytes that were appended and not consumed', () => {
  for (const step of [1, 13, 1_000, 1_024, 5_000]) {
    const whole = numbered(20_000, step);
    const inbox = new Inbox(whole, 0, step);
    const consumed: Buffer[] = [];
    for (let at = step; at < whole.length; at += step) {
      inbox.append(whole, at, Math.min(at + step, whole.length));
      // A third of the bytes is used each time, so that start and end move at different speeds.
      const used = Math.floor(inbox.length / 3);
      consumed.push(Buffer.from(inbox.buffer.subarray(inbox.start, inbox.start + used)));
      inbox.start += used;
    }
    consumed.push(Buffer.from(inbox.buffer.subarray(inbox.start, inbox.end)));
    expect(Buffer.concat(consumed).equals(whole), `steps of ${step}`).toBe(true);
  }
});

test('an inbox that is consumed as fast as it fills does not grow', () => {
  const inbox = new Inbox(Buffer.from('12345678'), 0, 8);
  for (let i = 0; i < 10_000; i++) {
    inbox.start += 7;
    inbox.append(Buffer.from('abcdefg'), 0, 7);
  }
  expect(inbox.length).toBe(8);
  expect(inbox.buffer.length).toBeLessThanOrEqual(4_096);
});
