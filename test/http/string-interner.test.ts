// Proves that a text is what its bytes say, whatever was asked for before it.

import { expect, test } from 'vitest';
import { StringInterner } from '../../src/http/string-interner.ts';

function textOf(memory: StringInterner, text: string, at = 3): string {
  const bytes = Buffer.alloc(at + text.length + 5, '#');
  bytes.write(text, at, 'latin1');
  return memory.text(bytes, at, at + text.length);
}

test('texts of every length come as they are, the first time and again, wherever they lie', () => {
  const memory = new StringInterner();
  for (let round = 0; round < 3; round++) {
    for (let length = 0; length <= 70; length++) {
      const text = `/${'é\u0000ÿa%'.repeat(20)}`.slice(0, length);
      expect(textOf(memory, text, round * 7)).toBe(text);
    }
  }
});

test('texts that meet in a slot, and those that begin or end alike, are told apart', () => {
  const memory = new StringInterner();
  const texts = Array.from({ length: 5_000 }, (_, i) => `/${i}/${(i * 7_919) % 65_536}`);
  for (const text of [...texts, ...texts.toReversed(), '/0', '/', '/00', '/0/'])
    expect(textOf(memory, text)).toBe(text);
});

test('a text stays as it was when its bytes become others', () => {
  const memory = new StringInterner();
  const bytes = Buffer.from('/a/b');
  const first = memory.text(bytes, 0, 4);
  bytes.write('/c/d');
  expect([first, memory.text(bytes, 0, 4), textOf(memory, '/a/b')]).toEqual(['/a/b', '/c/d', '/a/b']);
});
