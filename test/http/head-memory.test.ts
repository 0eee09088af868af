// Proves that repeated lines are known again, and nothing else is.

import { expect, test } from 'vitest';
import { HeadMemory } from '../../src/http/head-memory.ts';

const LINES = 'HTTP/1.1\r\nHost: a\r\n\r\n';

/** A memory that was shown `lines` at offset 3 of `arena`, this many times. */
function shown(times: number, arena: Buffer, lines: string = LINES): HeadMemory {
  const memory = new HeadMemory();
  const end = 3 + arena.write(lines, 3, 'latin1');
  for (let i = 0; i < times; i++) memory.learn(arena, 3, end);
  return memory;
}

test('lines are known from their second time on, at any offset', () => {
  const arena = Buffer.alloc(256);
  expect(shown(1, arena).matches(arena, 3, 256)).toBe(false);
  const memory = shown(2, arena);
  expect(memory.length).toBe(LINES.length);
  for (const at of [3, 0, 100]) {
    arena.write(LINES, at, 'latin1');
    expect(memory.matches(arena, at, at + LINES.length), `at ${at}`).toBe(true);
    expect(memory.matches(arena, at, at + LINES.length - 1), `cut at ${at}`).toBe(false);
  }
});

test('every length from 8 to 2,048 bytes is compared to its last byte', () => {
  for (const length of [8, 9, 15, 16, 17, 100, 2_047, 2_048]) {
    const arena = Buffer.alloc(4_096);
    const memory = shown(2, arena, 'x'.repeat(length));
    expect(memory.matches(arena, 3, 3 + length), `${length} bytes`).toBe(true);
    for (const at of [0, 1, 7, length - 8, length - 1]) {
      arena[3 + at] = 0x79;
      expect(memory.matches(arena, 3, 3 + length), `${length} bytes, other at ${at}`).toBe(false);
      arena[3 + at] = 0x78;
    }
  }
});

test('longer and very short lines are not kept', () => {
  const arena = Buffer.alloc(4_096);
  expect(shown(2, arena, 'x'.repeat(2_049)).length).toBe(0);
  expect(shown(2, arena, 'x'.repeat(7)).length).toBe(0);
});

test('bytes elsewhere, or after forget, are not known', () => {
  const arena = Buffer.alloc(256);
  const memory = shown(2, arena);
  expect(memory.matches(Buffer.from(arena), 3, 256)).toBe(false);
  memory.forget();
  expect(memory.matches(arena, 3, 256)).toBe(false);
});

test('a word that is no number is not known, which costs time and nothing else', () => {
  const arena = Buffer.alloc(256);
  expect(shown(2, arena, '\xff\xff\xff\xff\xff\xff\xff\xff').matches(arena, 3, 256)).toBe(false);
});
