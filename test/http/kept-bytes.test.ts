// Bytes that are kept stay what they were, whatever is kept after them and happens to where they came from.

import { expect, test } from 'vitest';
import { KeptBytes } from '../../src/http/kept-bytes.ts';

test('bytes of every length stay what they were', () => {
  const kept = new KeptBytes();
  const arena = Buffer.alloc(40_000);
  const found = [0, 1, 100, 511, 512, 513, 8_191, 3, 8_192, 8_193, 30_000, 7, 8_185, 1].map((length, i) => {
    arena.fill(i + 1);
    const at = kept.keep(arena, 5, 5 + length);
    return { block: kept.block, at, length, byte: i + 1 };
  });
  arena.fill(0);
  for (const { block, at, length, byte } of found) {
    expect(block.subarray(at, at + length).equals(Buffer.alloc(length, byte)), `${length} bytes`).toBe(true);
  }
});

test('heads share a block, and large ones get their own', () => {
  const kept = new KeptBytes();
  const arena = Buffer.alloc(20_000);
  const { block } = kept;
  for (let i = 0; i < 80; i++) kept.keep(arena, 0, 100);
  expect(kept.block).toBe(block);
  kept.keep(arena, 0, 20_000);
  expect(kept.block.length).toBe(20_000);
});
