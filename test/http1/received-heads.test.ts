// Tests that a head found by the native scan is what the parser finds in the same bytes, or is left to the parser.

import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { DONE, type HeadLimits, HeadParser, INCOMPLETE, WRONG } from '../../src/http/head-parser.ts';
import { NOT_FOUND, ReceivedHeads } from '../../src/http1/received-heads.ts';
import { loadAddon } from '../../src/kernel/addon.ts';
import {
  HEAD_SLOT_WORDS,
  KernelMemory,
  PREFETCH,
  PREFETCH_BYTES,
  READABLE,
  WRITABLE,
} from '../../src/kernel/kernel.ts';
import { availableBackends } from '../../src/kernel/native-kernel.ts';
import { stream } from '../differential/grammar.ts';
import { BAD_HEADS, describeHead, type Found, GOOD_HEADS } from '../http/heads.ts';
import { Polled } from '../support/polled.ts';

const LIMITS: HeadLimits = { maxHeaderBytes: 16_384, maxTargetBytes: 8_192, maxFields: 100 };

/** Like the server's, but smaller. */
const SIZES = { eventCapacity: 3, sendOpCapacity: 1, receiveBytes: 65_536, outputBytes: 1 };

const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? 20_261_129);
const RUNS = Number(process.env['DIFFERENTIAL_RUNS'] ?? 1_500);

const { scanHeads } = loadAddon();
let memory = new KernelMemory(SIZES);
let heads = new ReceivedHeads(memory);

beforeEach(() => {
  memory = new KernelMemory(SIZES);
  heads = new ReceivedHeads(memory);
});

/** The offset of a slot in the input; the last one is the receive area. */
const startOf = (slot: number): number =>
  slot === SIZES.eventCapacity ? 0 : SIZES.receiveBytes + slot * PREFETCH_BYTES;

/** Receives bytes into a slot, as the kernel does. Returns where they begin and end. */
function receive(text: string, slot = 1): { start: number; end: number } {
  const start = startOf(slot);
  const end = start + memory.input.write(text, start, 'latin1');
  const words = memory.heads.subarray(slot * HEAD_SLOT_WORDS, (slot + 1) * HEAD_SLOT_WORDS);
  expect(scanHeads(memory.input, start, end, words)).toBe(0);
  return { start, end };
}

function resultOf(outcome: number, parser: HeadParser, base: number): Found {
  if (outcome === DONE) return describeHead(parser, memory.input, base);
  return outcome === WRONG ? { status: parser.status, problem: parser.problem } : { outcome };
}

function parsed(start: number, end: number, limits: HeadLimits = LIMITS): Found {
  const parser = new HeadParser(limits);
  return resultOf(parser.parse(memory.input, start, end), parser, start);
}

/** What the scan leads to; null: it leaves the head to the parser. `isNext`: the head before was taken too. */
function scanned(start: number, end: number, limits: HeadLimits = LIMITS, isNext = false): Found | null {
  if (!isNext) heads.begin();
  const parser = new HeadParser(limits);
  const outcome = heads.parse(parser, memory.input, start, end);
  expect(outcome).not.toBe(INCOMPLETE);
  return outcome === NOT_FOUND ? null : resultOf(outcome, parser, start);
}

/** Compares all heads of a text, each from where the one before ends. Returns how many the scan found. */
function compareAll(text: string): number {
  const { start, end } = receive(text);
  let found = 0;
  for (let at = start; at < end; ) {
    const expected = parsed(at, end);
    const actual = scanned(at, end, LIMITS, at > start);
    expect(scanned(at, end)).toEqual(actual);
    if (actual !== null) expect(actual, JSON.stringify(text)).toEqual(expected);
    if (actual !== null) found++;
    const { length } = expected;
    if (typeof length !== 'number') break;
    at += length;
  }
  return found;
}

/** Good heads that the scan leaves to the parser. */
const isUnusual = (text: string): boolean => text.startsWith('\r\n') || /^[^\r]* HTTP\/1\.[2-9]\r\n/.test(text);

test.each(GOOD_HEADS)('good head: $name', ({ text }) => {
  expect(compareAll(text)).toBe(isUnusual(text) ? 0 : 1);
});

test.each(BAD_HEADS)('bad head: %s %s', (_section, _what, text, status) => {
  const { start, end } = receive(text);
  expect(parsed(start, end)).toMatchObject({ status });
  const actual = scanned(start, end);
  if (actual !== null) expect(actual).toEqual(parsed(start, end));
});

test.each(GOOD_HEADS)('no part of it is taken for a head: $name', ({ text }) => {
  const { length } = parsed(receive(text).start, receive(text).end);
  for (let cut = 0; cut < Number(length); cut++) {
    const { start, end } = receive(text.slice(0, cut));
    expect(scanned(start, end), `${cut} bytes`).toBeNull();
  }
});

test(`${RUNS} streams are read as the parser reads them`, { timeout: 30_000 + RUNS * 20 }, () => {
  let found = 0;
  fc.assert(
    fc.property(stream, ({ text, cuts }) => {
      found += compareAll(text.slice(0, PREFETCH_BYTES));
      for (const cut of cuts) compareAll(text.slice(cut, PREFETCH_BYTES));
    }),
    { seed: SEED, numRuns: RUNS },
  );
  expect(found / RUNS).toBeGreaterThan(0.5);
});

test('every byte at every place of a head has the same effect as in the parser', () => {
  const usual =
    'POST /a%20b?c=d HTTP/1.1\r\nHost: a\r\nX-Long-Name_1: a longer value, "of" several words\r\nX:\t \r\n\r\n';
  for (let place = 0; place < usual.length; place++) {
    for (let byte = 0; byte < 256; byte++) {
      compareAll(usual.slice(0, place) + String.fromCharCode(byte) + usual.slice(place + 1));
    }
  }
});

test('a byte that no value may contain is seen at every distance from the end of the bytes', () => {
  for (const byte of ['\0', '\x1f', '\x7f', '\n', '\t', '\x80']) {
    for (let length = 0; length < 40; length++) {
      for (let place = 0; place <= length; place++) {
        const value = 'v'.repeat(place) + byte + 'v'.repeat(length - place);
        compareAll(`GET / HTTP/1.1\r\nHost: a\r\nX: ${value}\r\n\r\n`);
      }
    }
  }
});

test('each field on which framing depends is interpreted, in any case and at any place', () => {
  const lines = ['Host: a', 'EXPECT: 100-continue', 'connection: close', 'Content-length: 5'];
  for (let shift = 0; shift < lines.length; shift++) {
    const rotated = [...lines.slice(shift), ...lines.slice(0, shift)].map((line) => `${line}\r\n`).join('');
    for (const others of [0, 29, 30, 31, 60]) {
      const text = `GET / HTTP/1.1\r\n${'X-Another: b\r\n'.repeat(others)}${rotated}\r\n`;
      const { start, end } = receive(text);
      const expected = { expectsContinue: true, keepAlive: false, contentLength: 5 };
      expect(scanned(start, end), `${others} others`).toMatchObject(expected);
      expect(scanned(start, end)).toEqual(parsed(start, end));
    }
  }
  const { start, end } = receive('POST / HTTP/1.1\r\nHost: a\r\ntransfer-ENCODING: chunked\r\n\r\n');
  expect(scanned(start, end)).toMatchObject({ chunked: true });
});

const HOSTS = ['a', 'a:80', 'a:123456', 'a:8o', ':80', 'a:', '', '[::1]:80', '%41', '%4', 'a b', '127.0.0.1'];
const CONNECTIONS = ['keep-alive', 'Keep-Alive', 'close', 'keep-alive, close', 'keep-alives', '', 'upgrade'];

test('Host and Connection are judged as by the parser, alone, repeated and in any order', () => {
  const lines = [
    ...HOSTS.map((value) => `Host: ${value}\r\n`),
    ...CONNECTIONS.map((value) => `Connection: ${value}\r\n`),
    'Content-Length: x\r\n',
    '',
  ];
  for (const version of ['1.0', '1.1']) {
    for (const first of lines) {
      for (const second of lines) {
        for (const third of ['', 'Host: b\r\n', 'Connection: close\r\n']) {
          compareAll(`GET / HTTP/${version}\r\n${first}${second}${third}\r\n`);
        }
      }
    }
  }
});

test('a head beyond a limit is left to the parser, which rejects it', () => {
  const { start, end } = receive('GET /0123456789 HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n');
  for (const [limit, most, status] of [
    ['maxHeaderBytes', end - start, 431],
    ['maxTargetBytes', 11, 414],
    ['maxFields', 2, 431],
  ] as const) {
    expect(scanned(start, end, { ...LIMITS, [limit]: most })).toEqual(parsed(start, end));
    expect(scanned(start, end, { ...LIMITS, [limit]: most - 1 })).toBeNull();
    expect(parsed(start, end, { ...LIMITS, [limit]: most - 1 })).toMatchObject({ status });
  }
});

test('pipelined heads are found one behind the other, up to the room of a slot', () => {
  const head = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  expect(compareAll(head.repeat(16))).toBe(16);
  expect(compareAll(head.repeat(100))).toBeGreaterThan(16);
  const fields = (count: number): string => `GET / HTTP/1.1\r\n${'Host: a\r\n'.repeat(count)}\r\n`;
  expect(compareAll(fields(64))).toBe(1);
  expect(compareAll(fields(65))).toBe(0);
});

test('content that looks like a head is found, but not taken: the parser decides where a head begins', () => {
  const content = 'GET /content HTTP/1.1\r\nHost: a\r\n\r\n';
  const first = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${content.length}\r\n\r\n`;
  const next = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n';
  const { start, end } = receive(first + content + next);
  expect(scanned(start, end)).toMatchObject({ length: first.length });
  expect(scanned(start + first.length + content.length, end)).toMatchObject({ target: '/next' });
  expect(scanned(start + 1, end)).toBeNull();
  expect(scanned(start + first.length + 1, end)).toBeNull();
});

test('each slot has its own heads, and a new receive replaces them', () => {
  const text = (name: string): string => `GET /${name} HTTP/1.1\r\nHost: a\r\n\r\n`;
  const slots = [0, 1, 2, 3];
  const places = slots.map((slot) => receive(text(`slot${slot}`), slot));
  for (const [slot, { start, end }] of places.entries()) {
    expect(scanned(start, end)).toMatchObject({ target: `/slot${slot}` });
  }
  for (const slot of slots) {
    const { start, end } = receive('not a head', slot);
    expect(scanned(start, end)).toBeNull();
  }
});

test('a head is not taken from other memory, nor beyond the bytes that are offered', () => {
  const { start, end } = receive('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(heads.parse(new HeadParser(LIMITS), Buffer.from(memory.input), start, end)).toBe(NOT_FOUND);
  expect(scanned(start, end - 1)).toBeNull();
  expect(scanned(start, end)).not.toBeNull();
});

test('memory that no kernel has written to holds no head', () => {
  for (const slot of [0, 3]) expect(scanned(startOf(slot), startOf(slot) + 100)).toBeNull();
});

test.each(availableBackends())(
  '%s: the kernel lists the heads that it received, by wait and by recv',
  async (backend) => {
    const poll = new Polled(backend);
    const { client, fd } = await poll.accept();
    poll.kernel.add(fd, READABLE | WRITABLE | PREFETCH);
    poll.drain();
    const received = new ReceivedHeads(poll.kernel);
    const parser = new HeadParser(LIMITS);
    const head = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n';

    await client.send(head + head).flushed();
    const { index, count } = await poll.prefetched(fd);
    const start = poll.slotStart(index);
    expect(received.parse(parser, poll.kernel.input, start, start + count)).toBe(DONE);
    expect(describeHead(parser, poll.kernel.input, start)).toMatchObject({ target: '/a', length: head.length });
    parser.reset();
    expect(received.parse(parser, poll.kernel.input, start + head.length, start + count)).toBe(DONE);
    parser.reset();

    poll.kernel.prefetch(fd, 0);
    await client.send(head).flushed();
    expect(await poll.bytes(fd)).toBe(head);
    received.begin();
    expect(received.parse(parser, poll.kernel.input, 0, head.length)).toBe(DONE);
  },
);

test('the scan refuses memory that is too small', () => {
  const words = new Int32Array(HEAD_SLOT_WORDS);
  const bytes = Buffer.alloc(10);
  expect(scanHeads(bytes, 0, 11, words)).toBeLessThan(0);
  expect(scanHeads(bytes, 2, 1, words)).toBeLessThan(0);
  expect(scanHeads(bytes, 0, 10, words.subarray(1))).toBeLessThan(0);
});
