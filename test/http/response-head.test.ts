// Tests the bytes of a response head: status line, Server, Date, fields and framing.

import { expect, test } from 'vitest';
import { NO_FIELDS, type PrecompiledFields, precompileFields } from '../../src/http/fields.ts';
import { HttpClock } from '../../src/http/http-clock.ts';
import {
  CHUNKED,
  CLOSE_DELIMITED,
  type Framing,
  HeadWriter,
  LENGTH,
  NO_LINE,
  writeDecimal,
} from '../../src/http/response-head.ts';

/** Sun, 06 Nov 1994 08:49:37.250 GMT. */
const WALL_MS = Date.UTC(1994, 10, 6, 8, 49, 37, 250);
const DATE = 'Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n';

function writer(server = 's', wallClockMs: () => number = () => WALL_MS): HeadWriter {
  return new HeadWriter(new HttpClock(wallClockMs), server);
}

function headOf(
  from: HeadWriter,
  status: number,
  fields: PrecompiledFields,
  framing: Partial<Framing> = {},
  nowMs = 0,
): string {
  const whole: Framing = { kind: LENGTH, length: 0, close: false, keepAlive: false, line: NO_LINE, ...framing };
  const size = from.prepare(status, fields, whole.kind, nowMs);
  const target = Buffer.alloc(size + 20, '#');
  const end = from.write(target, 7, whole);
  expect(end - 7, 'no more bytes than were announced').toBeLessThanOrEqual(size);
  expect(target.toString('latin1', 0, 7) + target.toString('latin1', end)).toMatch(/^#+$/);
  return target.toString('latin1', 7, end);
}

test('a head with a length', () => {
  expect(headOf(writer(), 200, NO_FIELDS, { length: 12 })).toBe(
    `HTTP/1.1 200 OK\r\nServer: s\r\n${DATE}Content-Length: 12\r\n\r\n`,
  );
});

test('a head with chunks', () => {
  const head = headOf(writer(), 200, precompileFields({ A: 'b' }), { kind: CHUNKED });
  expect(head).toBe(`HTTP/1.1 200 OK\r\nServer: s\r\n${DATE}A: b\r\nTransfer-Encoding: chunked\r\n\r\n`);
});

test('a head without framing', () => {
  expect(headOf(writer(), 304, NO_FIELDS, { kind: CLOSE_DELIMITED })).toBe(
    `HTTP/1.1 304 Not Modified\r\nServer: s\r\n${DATE}\r\n`,
  );
});

test('a status that is not registered has an empty reason', () => {
  expect(headOf(writer(), 299, NO_FIELDS)).toMatch(/^HTTP\/1\.1 299 \r\n/);
});

test('Connection is close rather than keep-alive, and absent when neither is requested', () => {
  expect(headOf(writer(), 200, NO_FIELDS, { close: true, keepAlive: true })).toMatch(/\r\nConnection: close\r\n\r\n$/);
  expect(headOf(writer(), 200, NO_FIELDS, { keepAlive: true })).toMatch(/\r\nConnection: keep-alive\r\n\r\n$/);
  expect(headOf(writer(), 200, NO_FIELDS)).not.toContain('Connection');
});

test('the longest head fits into the announced size', () => {
  headOf(writer(), 200, precompileFields({ A: 'b'.repeat(5_000) }), { length: 999_999_999_999_999, close: true });
  headOf(writer(), 200, NO_FIELDS, { length: Number.MAX_SAFE_INTEGER, keepAlive: true });
});

test('an empty server name gives no Server field, and Server and Date of an application win', () => {
  expect(headOf(writer(''), 200, NO_FIELDS)).not.toContain('Server');
  const own = headOf(writer(), 200, precompileFields({ Server: 'mine', Date: 'then' }));
  expect(own).toBe('HTTP/1.1 200 OK\r\nServer: mine\r\nDate: then\r\nContent-Length: 0\r\n\r\n');
});

test('precompiled fields used again give the head of the new status, writer and second', () => {
  let wallMs = WALL_MS;
  const fields = precompileFields({ A: 'b' });
  const first = writer('one', () => wallMs);
  const second = writer('two', () => wallMs);
  const date = (head: string): string | undefined => /Date: ([^\r]*)/.exec(head)?.[1];
  for (const kind of [LENGTH, CHUNKED, LENGTH, CLOSE_DELIMITED, LENGTH]) {
    expect(headOf(first, 200, fields, { kind })).toMatch(/^HTTP\/1\.1 200 OK\r\nServer: one\r\n/);
    expect(headOf(first, 404, fields, { kind })).toMatch(/^HTTP\/1\.1 404 Not Found\r\nServer: one\r\n/);
    expect(headOf(second, 200, fields, { kind })).toMatch(/^HTTP\/1\.1 200 OK\r\nServer: two\r\n/);
    expect(headOf(first, 200, fields, { kind }).includes('Content-Length')).toBe(kind === LENGTH);
    expect(headOf(first, 200, fields, { kind }).includes('chunked')).toBe(kind === CHUNKED);
  }
  wallMs += 1_000;
  expect(date(headOf(first, 200, fields, {}, 749))).toBe('Sun, 06 Nov 1994 08:49:37 GMT');
  expect(date(headOf(first, 200, fields, {}, 750))).toBe('Sun, 06 Nov 1994 08:49:38 GMT');
  expect(date(headOf(first, 404, fields, {}, 750))).toBe('Sun, 06 Nov 1994 08:49:38 GMT');
});

test('writeDecimal writes the same digits as String', () => {
  const values = [
    0,
    1,
    9,
    10,
    11,
    99,
    100,
    65_535,
    999_999,
    1_000_000,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    4_000_000_007,
    1e12,
    1e15 + 1,
  ];
  for (let power = 1; power < 1e16; power *= 10) values.push(power - 1, power, power + 1);
  values.push(Number.MAX_SAFE_INTEGER, 5_000_000_000, 1_000_000_000_001);
  for (const value of values) {
    const target = Buffer.alloc(24, '#');
    const end = writeDecimal(target, 3, value);
    expect(target.toString('latin1')).toBe(`###${value}`.padEnd(24, '#'));
    expect(end).toBe(3 + String(value).length);
  }
});

test('repeated heads of one length do not change, nor do those after them', () => {
  const from = writer();
  const fields = precompileFields({ A: 'b' });
  const expected = (length: number, more = ''): string =>
    `HTTP/1.1 200 OK\r\nServer: s\r\n${DATE}A: b\r\nContent-Length: ${length}\r\n${more}\r\n`;
  for (const length of [5, 5, 5, 5, 5, 5, 5, 5, 6, 5, 55, 5, 0, 0, 0, 0, 0, 0, 0, 5]) {
    expect(headOf(from, 200, fields, { length })).toBe(expected(length));
  }
  for (let i = 0; i < 8; i++) expect(headOf(from, 200, fields, { length: 7 })).toBe(expected(7));
  expect(headOf(from, 200, fields, { length: 7, close: true })).toBe(expected(7, 'Connection: close\r\n'));
  expect(headOf(from, 200, fields, { length: 7, keepAlive: true })).toBe(expected(7, 'Connection: keep-alive\r\n'));
  expect(headOf(from, 404, fields, { length: 7 })).toMatch(/^HTTP\/1\.1 404 /);
  expect(headOf(from, 200, fields, { kind: CHUNKED, length: 7 })).toMatch(/chunked\r\n\r\n$/);
});

test('after a second, only the date of a head changes', () => {
  let wallMs = WALL_MS;
  const from = writer('s', () => wallMs);
  const fields = precompileFields({ A: 'b' });
  const own = precompileFields({ Date: 'then' });
  for (let i = 0; i < 8; i++) {
    headOf(from, 200, fields, { length: 3 }, i * 1_000);
    const then = `Date: ${new Date(wallMs).toUTCString()}\r\n`;
    const start = `HTTP/1.1 200 OK\r\nServer: s\r\n${then}A: b\r\n`;
    for (const length of [3, 3, 3, 3, 3, 3, 4, 3]) {
      const head = headOf(from, 200, fields, { length }, i * 1_000);
      expect(head).toBe(`${start}Content-Length: ${length}\r\n\r\n`);
    }
    expect(headOf(from, 200, fields, { kind: CHUNKED }, i * 1_000)).toBe(`${start}Transfer-Encoding: chunked\r\n\r\n`);
    expect(headOf(from, 200, own, {}, i * 1_000)).toContain('Date: then\r\n');
    wallMs += 1_000;
  }
});
