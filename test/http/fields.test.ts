// Tests that no field of an application can end a line, begin another, or contradict the framing.

import { describe, expect, test } from 'vitest';
import { type FieldInput, NO_FIELDS, precompileFields } from '../../src/http/fields.ts';

test('a record, pairs and precompiled fields give the same lines', () => {
  const record = precompileFields({ 'X-A': 'b', 'X-N': 7, 'Set-Cookie': ['a=1', 'b=2'] });
  const pairs = precompileFields([
    ['X-A', 'b'],
    ['X-N', 7],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
  ]);
  expect(record.lines).toBe('X-A: b\r\nX-N: 7\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n');
  expect(pairs.lines).toBe(record.lines);
  expect(precompileFields(record)).toBe(record);
});

test('no fields give no lines', () => {
  expect(NO_FIELDS).toMatchObject({ lines: '', contentLength: -1, close: false, hasDate: false, hasServer: false });
  expect(precompileFields({}).lines).toBe('');
});

test('blanks around a value are removed, blanks within it stay', () => {
  expect(precompileFields({ A: ' \tb  c\t ', B: '   ' }).lines).toBe('A: b  c\r\nB: \r\n');
});

describe('a value with a line-ending character is rejected', () => {
  const values = ['a\r\nX-Evil: 1', 'a\nb', 'a\rb', 'a\0b', '\x7f', '\x1b[31m', 'a\x0bb', 'ä → b', '\u010d\u010a'];
  test.each(values)('%j', (value) => {
    const inputs: FieldInput[] = [{ 'X-A': value }, [['X-A', value]], { 'X-A': ['fine', value] }, { Server: value }];
    for (const input of inputs) expect(() => precompileFields(input)).toThrow(TypeError);
    expect(() => precompileFields({ 'X-A': value })).toThrow(/"X-A"/);
  });
});

describe('a name that is not a token is rejected', () => {
  test.each(['', ' ', 'A B', 'A:', 'A\r\nB', 'A\0', 'Ä', 'A(', 'A/B', '"A"'])('%j', (name) => {
    expect(() => precompileFields({ [name]: 'x' })).toThrow(TypeError);
    expect(() => precompileFields([[name, 'x']])).toThrow(TypeError);
  });
});

test('a name may contain every tchar, a value every byte of obs-text', () => {
  expect(precompileFields({ "!#$%&'*+-.^_`|~09azAZ": '\x80\xff' }).lines).toBe("!#$%&'*+-.^_`|~09azAZ: \x80\xff\r\n");
});

test('Content-Length is kept apart from the lines and must be one number', () => {
  expect(precompileFields({ 'content-LENGTH': '12', A: 'b' })).toMatchObject({ contentLength: 12, lines: 'A: b\r\n' });
  expect(precompileFields({ 'Content-Length': 0 }).contentLength).toBe(0);
  expect(
    precompileFields([
      ['Content-Length', '5'],
      ['Content-Length', 5],
    ]).contentLength,
  ).toBe(5);
  expect(() =>
    precompileFields([
      ['Content-Length', 5],
      ['Content-Length', 6],
    ]),
  ).toThrow(/Content-Length/);
  for (const wrong of [
    '',
    '-1',
    '+1',
    '1.5',
    '0x1',
    '1e3',
    'NaN',
    '5, 5',
    '1234567890123456',
    Number.NaN,
    -1,
    1.5,
    Infinity,
  ]) {
    expect(() => precompileFields({ 'Content-Length': wrong }), String(wrong)).toThrow(/Content-Length/);
  }
});

test('Transfer-Encoding is rejected: only the server sets it', () => {
  expect(() => precompileFields({ 'transfer-encoding': 'chunked' })).toThrow(/Transfer-Encoding/);
});

test('Connection: close is recognised, in a list and in any case, and other options are dropped', () => {
  for (const value of ['close', 'CLOSE', 'upgrade, close', 'close, x']) {
    expect(precompileFields({ Connection: value }), value).toMatchObject({ close: true, lines: '' });
  }
  for (const value of ['keep-alive', 'closed', 'xclose', 'not close']) {
    expect(precompileFields({ Connection: value }), value).toMatchObject({ close: false, lines: '' });
  }
});

test('Keep-Alive and Proxy-Connection are dropped', () => {
  expect(precompileFields({ 'Keep-Alive': 'timeout=600', 'proxy-connection': 'keep-alive', A: 'b' }).lines).toBe(
    'A: b\r\n',
  );
});

test('Date and Server of the application are recognised in any case', () => {
  expect(precompileFields({ dAte: 'x', sErver: 'y' })).toMatchObject({ hasDate: true, hasServer: true });
});

test('fields that are neither a record nor pairs are rejected with a clear message', () => {
  const call =
    (input: unknown): (() => unknown) =>
    () =>
      Reflect.apply(precompileFields, undefined, [input]);
  expect(call(null)).toThrow('fields must be a record or pairs');
  expect(call('X: y')).toThrow('fields must be a record or pairs');
  expect(call([['A']])).toThrow('a field must be a pair [name, value]');
  expect(call(['A: b'])).toThrow('a field must be a pair [name, value]');
  expect(call([[1, 'b']])).toThrow('a field name must be a string, not number');
  expect(call([['A', null]])).toThrow('"A"');
  expect(call({ A: null })).toThrow('"A"');
  expect(call({ A: undefined })).toThrow('"A"');
  expect(call({ A: { toString: () => 'x\r\n' } })).toThrow('"A"');
  expect(call({ A: ['x', 3n] })).toThrow('"A"');
});
