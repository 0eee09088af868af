// Tests that Vary is one line that names each field once, and that repeated fields are extended once.

import { expect, test } from 'vitest';
import { precompileFields } from '../../src/http/fields.ts';
import { addVary } from '../../src/http/vary.ts';

test.each([
  [{}, 'Vary: Accept, Cookie\r\n'],
  [{ vary: 'Accept-Encoding' }, 'Vary: Accept-Encoding, Accept, Cookie\r\n'],
  [{ Vary: ['cookie', 'A ,, b'], X: '1' }, 'X: 1\r\nVary: Cookie, A, b, Accept\r\n'],
  [{ Vary: 'x, *' }, 'Vary: x, *\r\n'],
] as const)('%j', (fields, lines) => {
  expect(addVary(fields, 'Accept, Cookie').lines).toBe(lines);
});

test('precompiled fields are extended once, and keep Content-Length and Connection: close', () => {
  const prepared = precompileFields({ 'Content-Length': 3, Connection: 'close', Date: 'today', Server: 'mine' });
  const varied = addVary(prepared, 'Accept');
  expect(addVary(prepared, 'Accept')).toBe(varied);
  expect(addVary(prepared, 'Cookie')).not.toBe(varied);
  expect(varied).toMatchObject({ contentLength: 3, close: true, hasDate: true, hasServer: true });
});

test('fields that no response may have are rejected', () => {
  expect(() => addVary({ 'a b': 'c' }, 'Accept')).toThrow(TypeError);
});
