// Tests that an interned text always equals its bytes, after any earlier look-up.

import { expect, test } from 'vitest';
import { StringInterner } from '../../src/http/string-interner.ts';

function textOf(memory: StringInterner, text: string, at = 3): string {
  const bytes = Buffer.alloc(at + text.length + 5, '#');
  bytes.write(text, at, 'latin1');
  return memory.text(bytes, at, at + text.length);
}

test('texts of every length are returned unchanged, the first time and again, at any offset', () => {
  const memory = new StringInterner();
  for (let round = 0; round < 3; round++) {
    for (let length = 0; length <= 70; length++) {
      const text = `/${'é\u0000ÿa%'.repeat(20)}`.slice(0, length);
      expect(textOf(memory, text, round * 7)).toBe(text);
    }
  }
});

test('texts with the same slot, prefix or suffix are distinguished', () => {
  const memory = new StringInterner();
  const texts = Array.from({ length: 5_000 }, (_, i) => `/${i}/${(i * 7_919) % 65_536}`);
  for (const text of [...texts, ...texts.toReversed(), '/0', '/', '/00', '/0/'])
    expect(textOf(memory, text)).toBe(text);
});

test('a text does not change when its bytes are overwritten', () => {
  const memory = new StringInterner();
  const bytes = Buffer.from('/a/b');
  const first = memory.text(bytes, 0, 4);
  bytes.write('/c/d');
  expect([first, memory.text(bytes, 0, 4), textOf(memory, '/a/b')]).toEqual(['/a/b', '/c/d', '/a/b']);
});
