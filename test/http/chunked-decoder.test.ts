// Tests that the decoder gives the same result for any split of a body, and keeps its limits.

import { describe, expect, test } from 'vitest';
import { ChunkedDecoder, type ChunkedLimits } from '../../src/http/chunked-decoder.ts';

const LIMITS: ChunkedLimits = { maxBodyBytes: 1_000_000, maxHeaderBytes: 1_000, maxFields: 10 };

interface Decoded {
  readonly data: string;
  readonly trailers: readonly (readonly [string, string])[];
  readonly consumed: number;
  readonly ended: boolean;
  readonly status: number;
}

/** Decodes `text` cut at `cuts`, each piece at another place in memory. */
function decodeCut(text: string, cuts: readonly number[], limits: ChunkedLimits): Decoded {
  const decoder = new ChunkedDecoder(limits);
  let data = '';
  let consumed = 0;
  const edges = [0, ...cuts, text.length];
  for (let i = 1; i < edges.length && !decoder.ended && decoder.status === 0; i++) {
    const piece = text.slice(edges[i - 1], edges[i]);
    const base = i % 5;
    const bytes = Buffer.from(`${'\n'.repeat(base)}${piece}0\r\n\r\n`, 'latin1');
    const stop = decoder.decode(bytes, base, base + piece.length, (start, end) => {
      data += bytes.toString('latin1', start, end);
    });
    consumed += stop - base;
  }
  expect(decoder.received).toBe(data.length);
  const { status, ended, trailers } = decoder;
  return { data, trailers: ended ? trailers : [], consumed: status === 0 ? consumed : 0, ended, status };
}

/** The result for the whole text, after a check that every split and single bytes give the same. */
function decodeEveryWay(text: string, limits: ChunkedLimits = LIMITS): Decoded {
  const whole = decodeCut(text, [], limits);
  for (let cut = 1; cut < text.length; cut++) expect(decodeCut(text, [cut], limits), `cut at ${cut}`).toEqual(whole);
  const everyByte = Array.from({ length: text.length - 1 }, (_, i) => i + 1);
  expect(decodeCut(text, everyByte, limits), 'byte by byte').toEqual(whole);
  return whole;
}

const GOOD: readonly (readonly [string, string, string])[] = [
  ['nothing', '0\r\n\r\n', ''],
  ['one chunk', '5\r\nhello\r\n0\r\n\r\n', 'hello'],
  ['several chunks', '1\r\na\r\n2\r\nbc\r\n0\r\n\r\n', 'abc'],
  [
    'sizes in either case, with zeros in front',
    'A\r\n0123456789\r\n00a\r\n0123456789\r\n000\r\n\r\n',
    '01234567890123456789',
  ],
  ['data that looks like framing', '7\r\n0\r\n\r\n5\r\r\n0\r\n\r\n', '0\r\n\r\n5\r'],
  ['extensions with bad whitespace, which is read over', '1 ; a\t= b;c\r\nx\r\n0 ;d="\\"" ;e\r\n\r\n', 'x'],
  ['extensions, which mean nothing', '1;a\r\nx\r\n1;a=b;c="d e"\r\ny\r\n0;z\r\n\r\n', 'xy'],
];

test.each(GOOD)('%s', (_what, text, data) => {
  expect(decodeEveryWay(text)).toEqual({ data, trailers: [], consumed: text.length, ended: true, status: 0 });
});

test('bytes after the body are left unread', () => {
  expect(decodeEveryWay('1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n')).toMatchObject({
    data: 'a',
    consumed: 11,
    ended: true,
  });
});

test('trailers are kept in order, names as sent, values trimmed', () => {
  expect(decodeEveryWay('0\r\nX-Sum:  12 \t\r\nEmpty:\r\nX-Sum: 13\r\n\r\n').trailers).toEqual([
    ['X-Sum', '12'],
    ['Empty', ''],
    ['X-Sum', '13'],
  ]);
});

test('exactly maxFields trailers are accepted, one more gets 431', () => {
  const trailers = (count: number): string => `0\r\n${'a:\r\n'.repeat(count)}\r\n`;
  expect(decodeEveryWay(trailers(10)).trailers).toHaveLength(10);
  expect(decodeEveryWay(trailers(11))).toMatchObject({ status: 431, ended: false });
  expect(decodeEveryWay('0\r\n\r\n', { ...LIMITS, maxFields: 0 })).toMatchObject({ status: 0, ended: true });
});

const BAD: readonly (readonly [string, string, number])[] = [
  ['no size', '\r\nx', 400],
  ['space behind a size', '5 \r\nhello\r\n', 400],
  ['a semicolon alone', '5;\r\nhello\r\n', 400],
  ['an extension without name', '5;=x\r\nhello\r\n', 400],
  ['an extension without value', '5;a=\r\nhello\r\n', 400],
  ['an extension whose quote does not end', '5;a="b\r\nhello\r\n', 400],
  ['an extension that is no token', '5;a@b\r\nhello\r\n', 400],
  ['space behind an extension', '5;a \r\nhello\r\n', 400],
  ['an extension without size', ';a\r\n', 400],
  ['a size that is not hexadecimal', '5g\r\nhello\r\n', 400],
  ['a size with 0x', '0x5\r\nhello\r\n', 400],
  ['a sign', '+5\r\nhello\r\n', 400],
  ['a negative size', '-5\r\nhello\r\n', 400],
  ['space in front of the size', ' 5\r\nhello\r\n', 400],
  ['space behind the size', '5 \r\nhello\r\n', 400],
  ['a size line that ends with LF alone', '5\nhello\r\n', 400],
  ['a bare CR behind the size', '5\rhello\r\n', 400],
  ['another byte than LF behind the CR of a size', '5\rXhello\r\n0\r\n\r\n', 400],
  ['another byte than LF behind the CR of an extension', '5;a\rXhello\r\n0\r\n\r\n', 400],
  ['another byte than CR behind the data', '5\r\nhelloX\n0\r\n\r\n', 400],
  ['another byte than LF behind the CR of the data', '5\r\nhello\rX0\r\n\r\n', 400],
  ['another byte than LF behind the CR of a trailer', '0\r\nA: b\rX\r\n', 400],
  ['LF alone behind the data', '5\r\nhello\n0\r\n\r\n', 400],
  ['CR alone behind the data', '5\r\nhello\r0\r\n\r\n', 400],
  ['a chunk longer than its size', '3\r\nhello\r\n0\r\n\r\n', 400],
  ['a bare LF in an extension', '5;a\nb\r\nhello\r\n', 400],
  ['NUL in an extension', '5;a\x00\r\nhello\r\n', 400],
  ['fourteen digits', '00000000000005\r\nhello\r\n', 400],
  ['a size beyond 2^53', 'fffffffffffffff\r\n', 400],
  ['a trailer without colon', '0\r\nX\r\n\r\n', 400],
  ['a trailer without name', '0\r\n: x\r\n\r\n', 400],
  ['space in front of a trailer', '0\r\n X: y\r\n\r\n', 400],
  ['a control byte in a trailer', '0\r\nX: \x01\r\n\r\n', 400],
  ['a trailer that ends with LF alone', '0\r\nX: y\n\r\n', 400],
  ['a last line that ends with LF alone', '0\r\n\n', 400],
  ['a last line that ends with CR alone', '0\r\n\rX', 400],
];

describe('malformed bodies are rejected', () => {
  test.each(BAD)('%s', (_what, text, status) => {
    expect(decodeEveryWay(text)).toMatchObject({ status, ended: false });
  });
});

test('a body of exactly maxBodyBytes is accepted, one byte more gets 413 before its data arrives', () => {
  const limits = { ...LIMITS, maxBodyBytes: 10 };
  expect(decodeEveryWay('4\r\nabcd\r\n6\r\nefghij\r\n0\r\n\r\n', limits)).toMatchObject({
    status: 0,
    data: 'abcdefghij',
  });
  expect(decodeEveryWay('4\r\nabcd\r\n7\r\n', limits)).toMatchObject({ status: 413, data: 'abcd' });
  expect(decodeEveryWay('1000000000000\r\n', limits)).toMatchObject({ status: 413 });
});

test('trailers of exactly maxHeaderBytes are accepted, one byte more gets 431', () => {
  const limits = { ...LIMITS, maxHeaderBytes: 40 };
  const body = (bytes: number): string => `0\r\nX: ${'y'.repeat(bytes - 7)}\r\n\r\n`;
  expect(decodeEveryWay(body(40), limits)).toMatchObject({ ended: true });
  expect(decodeEveryWay(body(41), limits)).toMatchObject({ status: 431 });
});

/** The framing bytes that are allowed without data. */
const ALLOWANCE = 16_384;

test('framing is bounded: 16 KiB are accepted, one byte more gets 400', () => {
  const body = (framing: number): string => `0;${'x'.repeat(framing - 6)}\r\n\r\n`;
  expect(decodeCut(body(ALLOWANCE), [], LIMITS)).toMatchObject({ ended: true });
  expect(decodeCut(body(ALLOWANCE + 1), [], LIMITS)).toMatchObject({ status: 400, ended: false });
  expect(decodeCut(body(ALLOWANCE + 1), [1, 2, 77, 9_000], LIMITS)).toMatchObject({ status: 400, ended: false });
});

test('one-byte chunks with long extensions exceed the framing budget', () => {
  const body = `1;${'e'.repeat(100)}\r\nx\r\n`.repeat(1_000);
  expect(decodeCut(body, [], LIMITS)).toMatchObject({ status: 400 });
});

test('any number of chunks without extensions is accepted', () => {
  const body = `${`10\r\n${'x'.repeat(16)}\r\n`.repeat(20_000)}0\r\n\r\n`;
  expect(decodeCut(body, [], LIMITS)).toMatchObject({ ended: true, status: 0 });
  const single = `${'1\r\nx\r\n'.repeat(20_000)}0\r\n\r\n`;
  expect(decodeCut(single, [], LIMITS)).toMatchObject({ ended: true, status: 0 });
});
