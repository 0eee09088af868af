// Tests the parser of response heads: the result does not depend on how the bytes were cut, and each byte costs the same.

import { expect, test } from 'vitest';
import { ResponseParser } from '../../src/http/response-parser.ts';
import { expectLinear } from '../support/growth.ts';

const LIMITS = { maxHeadBytes: 1_000_000, maxFields: 100 };

/** Parses `text` in pieces of `step` bytes, as a connection passes them: unused bytes come again. */
function parsed(text: string, step: number): ResponseParser {
  const bytes = Buffer.from(text, 'latin1');
  const parser = new ResponseParser(LIMITS);
  let start = 0;
  for (let end = step; start < bytes.length && !parser.isDone && parser.problem === ''; end += step)
    start = parser.parse(bytes, start, Math.min(end, bytes.length));
  return parser;
}

test.each([
  ['HTTP/1.1 200 OK\r\nA: b\r\nContent-Length:  12 \r\n\r\n', 200, 'length'],
  ['HTTP/1.1 404\r\nTransfer-Encoding: Chunked\r\n\r\n', 404, 'chunked'],
  ['HTTP/1.0 302 Found it\r\nSet-Cookie: a\r\nSet-Cookie: b=\xe9\r\n\r\n', 302, 'close'],
  ['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 304, 'none'],
] as const)('%j is parsed the same however it is cut', (text, status, framing) => {
  const whole = parsed(text, text.length);
  expect([whole.isDone, whole.problem, whole.status, whole.framing(false)]).toEqual([true, '', status, framing]);
  expect(whole.framing(true)).toBe('none');
  for (let step = 1; step < text.length; step++) {
    const cut = parsed(text, step);
    expect([cut.isDone, cut.status, cut.reason, cut.fields]).toEqual([true, status, whole.reason, whole.fields]);
  }
});

test('the bytes behind a head are unused', () => {
  const bytes = Buffer.from('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nrest');
  const parser = new ResponseParser(LIMITS);
  const first = parser.parse(bytes, 0, bytes.length);
  expect([parser.status, bytes.toString('latin1', first, first + 12)]).toEqual([100, 'HTTP/1.1 200']);
  parser.next();
  expect([bytes.toString('latin1', parser.parse(bytes, first, bytes.length)), parser.status]).toEqual(['rest', 200]);
});

test('a head that comes byte by byte takes linear time', async () => {
  await expectLinear((size) => {
    const text = `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(size)}\r\n\r\n`;
    return () => parsed(text, 1);
  }, 4_000);
});
