// Tests that a slab queue keeps bytes complete and in order, in memory proportional to the bytes.

import { expect, test } from 'vitest';
import { SlabQueue } from '../src/slab-queue.ts';

function numbered(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff);
}

test('bytes are read in order, for any sizes of the appended pieces', () => {
  const whole = numbered(200_000);
  for (const step of [1, 7, 1_000, 1_024, 65_536, 65_537, 200_000]) {
    for (const takesBetween of [false, true]) {
      const queue = new SlabQueue();
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < whole.length; at += step) {
        queue.append(whole, at, Math.min(at + step, whole.length));
        const piece = takesBetween && at % 3 === 0 ? queue.shift() : null;
        if (piece !== null) pieces.push(piece);
      }
      expect(queue.byteLength).toBe(whole.length - pieces.reduce((sum, { length }) => sum + length, 0));
      pieces.push(queue.takeAll());
      expect(Buffer.concat(pieces).equals(whole), `pieces of ${step} bytes`).toBe(true);
      expect(queue.byteLength).toBe(0);
      expect(queue.shift()).toBeNull();
    }
  }
});

test('a queue accepts more bytes after it was emptied', () => {
  const queue = new SlabQueue();
  for (const text of ['one', 'two']) {
    queue.append(Buffer.from(text));
    expect(Buffer.from(queue.shift() ?? []).toString()).toBe(text);
    queue.append(Buffer.from(text));
    expect(queue.takeAll().toString()).toBe(text);
    queue.append(Buffer.from(text));
    queue.clear();
    expect(queue.byteLength).toBe(0);
    expect(queue.takeAll().length).toBe(0);
  }
});

test('appended bytes are copied, and no piece exposes memory behind its bytes', () => {
  const queue = new SlabQueue();
  const shared = Buffer.from('abc');
  queue.append(shared);
  for (let i = 0; i < 10; i++) queue.append(shared, 1, 2);
  shared.fill('z');
  for (const expected of ['abc', 'b'.repeat(10)]) {
    const piece = queue.shift();
    expect(Buffer.from(piece ?? []).toString()).toBe(expected);
    expect(piece?.buffer.byteLength).toBe(expected.length);
  }
  for (const length of [1, 2_000, 100_000]) {
    queue.append(new Uint8Array(length), 0, length);
    queue.append(new Uint8Array(1), 0, 1);
    expect(queue.takeAll().buffer.byteLength).toBe(length + 1);
  }
});

test('adopted bytes that fill their buffer are not copied, and small pieces share slabs', () => {
  const queue = new SlabQueue();
  const large = new Uint8Array(5_000).fill(1);
  queue.adopt(large);
  expect(queue.shift()?.buffer).toBe(large.buffer);
  queue.adopt(large.subarray(1));
  expect(queue.shift()?.buffer.byteLength).toBe(4_999);
  for (let i = 0; i < 100; i++) {
    queue.append(Uint8Array.of(2));
    queue.adopt(new Uint8Array(2_000).fill(3));
  }
  expect(queue.byteLength).toBe(100 * 2_001);
  let slabs = 0;
  let sum = 0;
  for (let slab = queue.shift(); slab !== null; slab = queue.shift()) {
    slabs++;
    for (const byte of slab) sum += byte;
  }
  expect(sum).toBe(100 * (2 + 3 * 2_000));
  expect(slabs).toBeLessThan(32);
});

test('65,536 pieces of one byte are a few slabs', () => {
  const queue = new SlabQueue();
  for (let i = 0; i < 65_536; i++) queue.append(Uint8Array.of(i & 0xff));
  let slabs = 0;
  while (queue.shift() !== null) slabs++;
  expect(slabs).toBeLessThan(16);
});

test('text is decoded as UTF-8, even if slabs split characters', () => {
  const texts = [
    '',
    'a',
    '\ufeff',
    '\ufeff\ufeffa',
    'plain '.repeat(50_000),
    '\ufeffgr\u00fc\u00dfe \u20ac \u{1f600} '.repeat(30_000),
  ];
  const samples = [
    ...texts.map((text) => Buffer.from(text)),
    Buffer.from('\xe2\x82a\xff\xf0\x9f'.repeat(30_000), 'latin1'),
  ];
  const cases = samples.flatMap((sample) => [1, 1_000, 65_536].map((step) => ({ sample, step })));
  for (const { sample, step } of cases) {
    for (const mark of ['kept', 'removed'] as const) {
      const queue = new SlabQueue();
      for (let at = 0; at < sample.length; at += step) queue.append(sample, at, Math.min(at + step, sample.length));
      const whole = sample.toString('utf8');
      const wanted = mark === 'removed' ? whole.replace(/^\ufeff/, '') : whole;
      expect(queue.takeText(mark) === wanted, `${sample.length} bytes in pieces of ${step}, mark ${mark}`).toBe(true);
      expect(queue.byteLength).toBe(0);
    }
  }
});

test('a small piece behind a large one takes 16 KiB at most', () => {
  const large = new Uint8Array(65_536);
  const before = process.memoryUsage().arrayBuffers;
  const queues = Array.from({ length: 200 }, () => new SlabQueue());
  for (const queue of queues) {
    queue.append(large);
    queue.append(Uint8Array.of(1));
  }
  const eachBytes = (process.memoryUsage().arrayBuffers - before) / queues.length;
  expect(eachBytes).toBeLessThan(100_000);
});

test('pieces are taken without a copy', () => {
  const queue = new SlabQueue();
  const large = new Uint8Array(2_000).fill(1);
  queue.adopt(large);
  queue.append(Uint8Array.of(2, 3));
  const [first, second, ...others] = queue.takePieces();
  expect(first?.buffer).toBe(large.buffer);
  expect(second).toEqual(Uint8Array.of(2, 3));
  expect([others.length, queue.byteLength, queue.shift()]).toEqual([0, 0, null]);
});
