// Tests that the head parser gives the same result for any split of a head, and keeps its limits.

import { describe, expect, test } from 'vitest';
import { DONE, type HeadLimits, HeadParser, INCOMPLETE, WRONG } from '../../src/http/head-parser.ts';
import { resolveLimits } from '../../src/options/resolve-limits.ts';
import { BAD_HEADS, describeHead, type Found, GOOD_HEADS } from './heads.ts';

const LIMITS: HeadLimits = { maxHeaderBytes: 16_384, maxTargetBytes: 8_192, maxFields: 100 };

/** Passes the bytes up to each of `ends`, at another offset each time, until the parser returns a result. */
function parseAt(ends: readonly number[], text: string, parser: HeadParser = new HeadParser(LIMITS)): Found {
  const bytes = Buffer.from(text, 'latin1');
  let outcome = INCOMPLETE;
  let base = 0;
  let moved = bytes;
  for (const [turn, end] of ends.entries()) {
    base = turn % 7;
    // Bytes around the head must not matter: here they are ones that would end a line wrongly.
    moved = Buffer.alloc(base + end + 3, '\n');
    bytes.copy(moved, base, 0, end);
    outcome = parser.parse(moved, base, base + end);
    if (outcome !== INCOMPLETE) break;
  }
  if (outcome === DONE) return describeHead(parser, moved, base);
  return outcome === WRONG ? { status: parser.status, problem: parser.problem } : { incomplete: true };
}

const everyByte = (text: string): number[] => Array.from({ length: text.length }, (_, i) => i + 1);

/** The result for the whole head, after a check that every split and single bytes give the same. */
function parseEveryWay(text: string, limits: HeadLimits = LIMITS): Found {
  const whole = parseAt([text.length], text, new HeadParser(limits));
  for (const split of everyByte(text)) {
    const parts = parseAt([split, text.length], text, new HeadParser(limits));
    expect(parts, `split at ${split}`).toEqual(whole);
  }
  expect(parseAt(everyByte(text), text, new HeadParser(limits)), 'byte by byte').toEqual(whole);
  for (const size of [2, 3, 7]) {
    const ends = everyByte(text).filter((end) => end % size === 0 || end === text.length);
    expect(parseAt(ends, text, new HeadParser(limits)), `${size} bytes at a time`).toEqual(whole);
  }
  return whole;
}

describe('good heads', () => {
  test.each(GOOD_HEADS)('$name', ({ text, found }) => {
    expect(parseEveryWay(text)).toMatchObject(found);
  });

  test.each(GOOD_HEADS)('$name: incomplete up to its last byte', ({ text }) => {
    const { length } = parseEveryWay(text);
    expect(typeof length).toBe('number');
    for (let end = 0; end < Number(length); end++)
      expect(parseAt([end], text), `${end} bytes`).toEqual({ incomplete: true });
  });
});

describe('bad heads', () => {
  test.each(BAD_HEADS)('%s %s', (_section, _what, text, status) => {
    const found = parseEveryWay(text);
    expect(found['status']).toBe(status);
    expect(found['problem']).not.toBe('');
  });
});

test('target, field name and field value accept exactly the bytes of their grammar', () => {
  for (let byte = 0; byte < 256; byte++) {
    const character = String.fromCharCode(byte);
    const isControl = byte < 0x20 || byte === 0x7f;
    const inValue = parseAt([60], `GET / HTTP/1.1\r\nHost: a\r\nX: a${character}b\r\n\r\n`.padEnd(60, 'z'));
    if (byte !== 0x09) expect('status' in inValue, `value ${byte}`).toBe(isControl);
    const inTarget = parseAt([60], `GET /${character}b HTTP/1.1\r\nHost: a\r\n\r\n`.padEnd(60, 'z'));
    expect('status' in inTarget, `target ${byte}`).toBe(isControl || byte === 0x20 || byte === 0x23 || byte > 0x7f);
    const inName = parseAt([60], `GET / HTTP/1.1\r\nHost: a\r\nX${character}Y: a\r\n\r\n`.padEnd(60, 'z'));
    const isToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/.test(character);
    if (character !== ':') expect('status' in inName, `name ${byte}`).toBe(!isToken);
  }
});

/** A head of exactly this many bytes. */
function headOf(bytes: number): string {
  const frame = 'GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n';
  return frame.replace('X: ', `X: ${'v'.repeat(bytes - frame.length)}`);
}

test('a head of exactly maxHeaderBytes is accepted, one byte more gets 431', () => {
  const limits = { ...LIMITS, maxHeaderBytes: 300 };
  expect(parseEveryWay(headOf(300), limits)).toMatchObject({ length: 300 });
  expect(parseEveryWay(headOf(301), limits)).toMatchObject({ status: 431 });
});

test('bytes after a head do not count towards maxHeaderBytes', () => {
  const limits = { ...LIMITS, maxHeaderBytes: 300 };
  expect(parseEveryWay(`${headOf(300)}body and more`, limits)).toMatchObject({ length: 300 });
});

test('a head that never ends gets 431 as soon as maxHeaderBytes have arrived', () => {
  const endless = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'v'.repeat(400)}`;
  const limits = { ...LIMITS, maxHeaderBytes: 256 };
  expect(parseAt([255], endless, new HeadParser(limits))).toEqual({ incomplete: true });
  expect(parseAt([256], endless, new HeadParser(limits))).toMatchObject({ status: 431 });
});

test('a target of exactly maxTargetBytes is accepted, one byte more gets 414, in path and query', () => {
  const limits = { ...LIMITS, maxTargetBytes: 20 };
  const head = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
  for (const start of ['/', '/a?', '/?']) {
    expect(parseEveryWay(head(start.padEnd(20, 'x')), limits)).toMatchObject({ target: start.padEnd(20, 'x') });
    expect(parseEveryWay(head(start.padEnd(21, 'x')), limits)).toMatchObject({ status: 414 });
  }
});

test('exactly maxFields fields are accepted, one more gets 431', () => {
  const limits = { ...LIMITS, maxFields: 3 };
  const head = (more: number): string => `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(more)}\r\n`;
  expect(parseEveryWay(head(2), limits)).toMatchObject({
    fields: [
      ['Host', 'a'],
      ['X', 'y'],
      ['X', 'y'],
    ],
  });
  expect(parseEveryWay(head(3), limits)).toMatchObject({ status: 431 });
});

test('two hundred fields are accepted by default', () => {
  const limits = { ...LIMITS, maxFields: resolveLimits().maxFields };
  const head = (fields: number): string => `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(fields - 1)}\r\n`;
  expect(parseEveryWay(head(200), limits)).toMatchObject({ method: 'GET' });
  expect(parseEveryWay(head(201), limits)).toMatchObject({ status: 431 });
});

test('a method of 32 letters is accepted', () => {
  const method = 'A'.repeat(32);
  expect(parseEveryWay(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`)).toMatchObject({ method });
});

test('reset clears everything of the head before', () => {
  const parser = new HeadParser(LIMITS);
  const lengthy =
    'POST /a?b HTTP/1.0\r\nHost: a\r\nContent-Length: 7\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n';
  const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n';
  const plain = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  const fresh = parseAt([plain.length], plain);
  for (const before of [lengthy, chunked, `\r\n${plain}`, 'bad\x00', `${plain.slice(0, 20)}`]) {
    parseAt([before.length], before, parser);
    parser.reset();
    expect(parseAt([plain.length], plain, parser), `after ${JSON.stringify(before)}`).toEqual(fresh);
  }
});

test('a copy of a head does not change when the parser continues', () => {
  const parser = new HeadParser(LIMITS);
  const first = 'POST /first?a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n';
  parseAt([first.length], first, parser);
  const copy = parser.head.copy();
  const before = { ...copy, fieldTable: [...copy.fieldTable] };
  parser.reset();
  const second = 'GET / HTTP/1.0\r\nLonger: value\r\nAnother: b\r\nA: b\r\n\r\n';
  parseAt([second.length], second, parser);
  expect({ ...copy, fieldTable: [...copy.fieldTable] }).toEqual(before);
  expect(before).toMatchObject({ contentLength: 5, fieldCount: 2, minorVersion: 1, isGet: false });
});
