// Tests that the reader returns the same responses for any split of their bytes, and finds every violated rule.

import { expect, test } from 'vitest';
import { type ResponseRule, StrictResponseReader } from '../../../src/tools/conformance/response-reader.ts';
import { expectLinear } from '../../support/growth.ts';

const DATE = 'Date: Sat, 21 Nov 2026 00:00:00 GMT\r\n';

function read(
  text: string,
  size: number,
  methods: readonly string[] = [],
  http10: readonly number[] = [],
): StrictResponseReader {
  const reader = new StrictResponseReader({ methods, http10 });
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += size) reader.receive(bytes.subarray(at, at + size));
  return reader;
}

const SEVERAL = [
  'HTTP/1.1 100 Continue\r\n\r\n',
  `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 5\r\n\r\nhello`,
  `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: v\r\n\r\n`,
  `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 99\r\n\r\n`,
  `HTTP/1.1 204 No Content\r\n${DATE}\r\n`,
  `HTTP/1.1 404 Not Found\r\n${DATE}\r\nto the end`,
].join('');

test.each([1, 2, 3, 7, 10_000])('several responses, %i bytes at a time', (size) => {
  const reader = read(SEVERAL, size, ['GET', 'GET', 'HEAD', 'GET', 'GET']);
  expect(reader.responses.map(({ status, content }) => `${status} ${content}`)).toEqual([
    '200 hello',
    '200 abcde',
    '200 ',
    '204 ',
  ]);
  expect(reader.interim).toEqual([[100, 0]]);
  reader.end();
  expect(reader.responses.at(-1)?.content.toString()).toBe('to the end');
  expect([...reader.broken]).toEqual([]);
  expect(reader.problem).toBe('');
});

test.each<readonly [ResponseRule, string]>([
  ['statusLine', `HTTP/1.1 200\r\n${DATE}Content-Length: 0\r\n\r\n`],
  ['fieldLine', `HTTP/1.1 200 OK\r\n${DATE}X : y\r\nContent-Length: 0\r\n\r\n`],
  ['twoFramings', `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['twoLengths', `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 0\r\nContent-Length: 0\r\n\r\n`],
  ['framedInterim', `HTTP/1.1 204 No Content\r\n${DATE}Content-Length: 0\r\n\r\n`],
  ['date', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['dateForm', 'HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 0\r\n\r\n'],
])('a response that breaks the rule %s', (rule, text) => {
  expect([...read(text, 1_000).broken]).toEqual([rule]);
});

test('chunks to HTTP/1.0', () => {
  const text = `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`;
  expect([...read(text, 1_000, ['GET'], [0]).broken]).toEqual(['oldChunks']);
});

test.each([
  ['SSH-2.0\r\n', 'not HTTP'],
  ['HTTP/1.1 abc\r\n\r\n', 'invalid status line'],
  [`HTTP/1.1 200 OK\r\n${DATE}Content-Length: 5\r\n\r\nhel`, 'truncated'],
  [`HTTP/1.1 200 OK\r\n${DATE}Content-Length: -5\r\n\r\n`, 'invalid Content-Length'],
  [`HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\nz\r\n`, 'invalid chunk size'],
  [`HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n1\r\nabc`, 'chunk without CRLF'],
])('%j is not a response', (text, problem) => {
  const reader = read(text, 4);
  reader.end();
  expect(reader.problem).toContain(problem);
});

test.each([
  ['chunk size', `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n5${' '.repeat(70_000)}`],
  ['trailers', `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n0\r\na: ${'b'.repeat(70_000)}`],
])('an endless %s is a problem, and is not kept', (what, text) => {
  expect(read(text, 1_000).problem).toMatch(`${what} too long`);
});

test('values are trimmed of spaces and tabs only', () => {
  const text = `HTTP/1.1 200 OK\r\n${DATE}A: \t x y \t\r\nB:\r\nC:\xa0z\xa0 \r\nContent-Length: 0\r\n\r\n`;
  expect(read(text, 1_000).responses[0]?.fields.slice(1, 4)).toEqual([
    ['A', 'x y'],
    ['B', ''],
    ['C', '\xa0z\xa0'],
  ]);
});

/** Responses with which a server could keep the examination busy. */
const COSTLY: readonly (readonly [string, (size: number) => string])[] = [
  ['blanks in a value', (size) => `X: a${' '.repeat(size)}b\r\nContent-Length: 0\r\n\r\n`],
  ['blanks and a control byte', (size) => `X:${' '.repeat(size)}\x01\r\nContent-Length: 0\r\n\r\n`],
  ['many fields', (size) => `${'X: y\r\n'.repeat(size / 8)}Content-Length: 0\r\n\r\n`],
  [
    'a long chunk',
    (size) => `Transfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n${'x'.repeat(size)}\r\n0\r\n\r\n`,
  ],
  ['a long chunk size', (size) => `Transfer-Encoding: chunked\r\n\r\n5;${' '.repeat(size)}\r\nabcde\r\n0\r\n\r\n`],
  ['trailers', (size) => `Transfer-Encoding: chunked\r\n\r\n0\r\n${'X: y\r\n'.repeat(size / 8)}\r\n`],
];

test.each(COSTLY.flatMap(([what, rest]) => [1, 100_000].map((size) => [what, size, rest] as const)))(
  '%s, %i bytes at a time, is read in linear time',
  async (_what, step, rest) => {
    await expectLinear((size) => {
      const text = `HTTP/1.1 200 OK\r\n${DATE}${rest(size)}`;
      return () => expect(read(text, step).responses).toHaveLength(1);
    }, 4_096);
  },
);
