// Tests that all parsers of http/ take time in proportion to the bytes of a client, or of an application that echoes
// them.

import { expect, test } from 'vitest';
import { trimBlanks } from '../../src/http/blanks.ts';
import { ChunkedDecoder } from '../../src/http/chunked-decoder.ts';
import { combineFields } from '../../src/http/combined-fields.ts';
import { evaluateConditions, rangeStillHolds } from '../../src/http/conditions.ts';
import { precompileFields } from '../../src/http/fields.ts';
import { DONE, HeadParser, INCOMPLETE, WRONG } from '../../src/http/head-parser.ts';
import { expectLinear } from '../support/growth.ts';

/** A limit above every input here. */
const LIMITS = { maxHeaderBytes: 1_048_576, maxTargetBytes: 1_048_576, maxFields: 10_000, maxBodyBytes: 1_048_576 };

const repeated = (text: string, size: number): string => text.repeat(Math.ceil(size / text.length)).slice(0, size);

// ---- Heads ----------------------------------------------------------------------------------------

/** Heads for any size, with their expected result. */
const HEADS: readonly (readonly [string, number, (size: number) => string])[] = [
  ['a long value', DONE, (size) => `GET / HTTP/1.1\r\nHost: a\r\nX: ${repeated('v', size)}\r\n\r\n`],
  ['blanks in a value', DONE, (size) => `GET / HTTP/1.1\r\nHost: a\r\nX: ${repeated(' \t', size)}x\r\n\r\n`],
  [
    'blanks around a value',
    DONE,
    (size) => `GET / HTTP/1.1\r\nHost: a\r\nX:${' '.repeat(size)}x${' '.repeat(size)}\r\n\r\n`,
  ],
  ['a long name', DONE, (size) => `GET / HTTP/1.1\r\nHost: a\r\n${repeated('n', size)}: v\r\n\r\n`],
  ['a long path', DONE, (size) => `GET /${repeated('a/', size)} HTTP/1.1\r\nHost: a\r\n\r\n`],
  ['a long query', DONE, (size) => `GET /?${repeated('a?', size)} HTTP/1.1\r\nHost: a\r\n\r\n`],
  ['a long method', WRONG, (size) => `${repeated('M', size)} / HTTP/1.1\r\nHost: a\r\n\r\n`],
  ['a long authority', DONE, (size) => `GET http://${repeated('a.', size)}/ HTTP/1.1\r\nHost: a\r\n\r\n`],
  ['a long Host', DONE, (size) => `GET / HTTP/1.1\r\nHost: ${repeated('%41a.', size * 5)}\r\n\r\n`],
  ['a long authority-form', WRONG, (size) => `CONNECT ${repeated('1', size)} HTTP/1.1\r\nHost: a\r\n\r\n`],
  [
    'options of Connection',
    DONE,
    (size) => `GET / HTTP/1.1\r\nHost: a\r\nConnection: ${repeated(', close', size)}\r\n\r\n`,
  ],
  ['blanks in Connection', DONE, (size) => `GET / HTTP/1.1\r\nHost: a\r\nConnection: ${' '.repeat(size)}x\r\n\r\n`],
  [
    'blanks in Expect',
    WRONG,
    (size) => `GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue${' '.repeat(size)}x\r\n\r\n`,
  ],
  ['many lines', DONE, (size) => `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(size / 8)}\r\n`],
];

function parseWhole(text: string, outcome: number): () => void {
  const bytes = Buffer.from(text, 'latin1');
  const parser = new HeadParser(LIMITS);
  return () => {
    expect(parser.parse(bytes, 0, bytes.length)).toBe(outcome);
    parser.reset();
  };
}

function parseByteByByte(text: string, outcome: number): () => void {
  const bytes = Buffer.from(text, 'latin1');
  const parser = new HeadParser(LIMITS);
  return () => {
    let end = 0;
    let found = INCOMPLETE;
    while (found === INCOMPLETE && end < bytes.length) found = parser.parse(bytes, 0, ++end);
    parser.reset();
    expect(found).toBe(outcome);
  };
}

test.each(HEADS)('a head with %s', async (_what, outcome, head) => {
  await expectLinear((size) => parseWhole(head(size), outcome), 4_096);
});

test.each(HEADS)('a head with %s, byte by byte', async (_what, outcome, head) => {
  await expectLinear((size) => parseByteByByte(head(size), outcome), 2_048);
});

// ---- Bodies ---------------------------------------------------------------------------------------

const BODIES: readonly (readonly [string, (size: number) => string])[] = [
  ['extensions', (size) => `0${repeated(';a="b"', size * 6)}\r\n\r\n`],
  ['blanks in extensions', (size) => `0${' '.repeat(size)};a\r\n\r\n`],
  ['a trailer with blanks', (size) => `0\r\na: b${' '.repeat(size)}c\r\n\r\n`],
  ['a trailer of blanks', (size) => `0\r\na:${' '.repeat(size)}\r\n\r\n`],
  ['many trailers', (size) => `0\r\n${'a:\r\n'.repeat(size / 4)}\r\n`],
  ['many chunks', (size) => `${'1\r\nx\r\n'.repeat(size / 6)}0\r\n\r\n`],
];

test.each(BODIES)('a chunked body with %s', async (_what, body) => {
  await expectLinear((size) => {
    const bytes = Buffer.from(body(size), 'latin1');
    return () => {
      const decoder = new ChunkedDecoder(LIMITS);
      decoder.decode(bytes, 0, bytes.length, () => {});
      expect(decoder.ended, decoder.problem).toBe(true);
    };
  }, 256);
});

// ---- Values ---------------------------------------------------------------------------------------

const BLANKS: readonly (readonly [string, (size: number) => string])[] = [
  ['blanks inside', (size) => `x${repeated(' \t', size)}x`],
  ['blanks around', (size) => `${' '.repeat(size)}x${' '.repeat(size)}`],
  ['only blanks', (size) => ' '.repeat(size)],
];

test.each(BLANKS)('trimming a text with %s', async (_what, text) => {
  await expectLinear((size) => {
    const value = text(size);
    return () => trimBlanks(value);
  }, 4_096);
});

test.each(BLANKS)('a field of a response with %s', async (_what, text) => {
  await expectLinear((size) => {
    const [value, parts] = [text(size), text(size).split(' ')];
    return () => [
      precompileFields({ 'X-Echo': value }).pairs(),
      precompileFields([['Connection', value]]),
      precompileFields({ 'X-Echo': parts }),
    ];
  }, 4_096);
});

test('a Connection field of a response with many options', async () => {
  await expectLinear((size) => {
    const value = repeated(', close  x', size);
    return () => precompileFields([['Connection', value]]);
  }, 4_096);
});

test.each(['cookie', 'x-a'])('many lines of %s become one value', async (name) => {
  await expectLinear((size) => {
    const fields = Array.from({ length: size }, () => [name, 'value'] as const);
    return () => combineFields(fields).get(name)?.includes('none');
  }, 512);
});

test('many names become one value each', async () => {
  await expectLinear((size) => {
    const fields = Array.from({ length: size }, (_, i) => [`x-${i}`, 'value'] as const);
    return () => combineFields(fields);
  }, 512);
});

// ---- Conditions -----------------------------------------------------------------------------------

const VALIDATORS = { etag: '"tag"', lastModifiedMs: 1_000_000_000_000 };

/** Values of conditional fields: none of them contains the tag, or a date. */
const CONDITIONS: readonly (readonly [string, (size: number) => string])[] = [
  ['tags', (size) => repeated('W/"a", ', size)],
  ['short tags', (size) => repeated('"",', size)],
  ['blanks', (size) => `${repeated(' \t', size)}x`],
  ['commas', (size) => `${repeated(', ', size)}x`],
  ['a tag without end', (size) => `"${repeated('a', size)}`],
  ['a date with blanks', (size) => `Sun, ${' '.repeat(size)}06 Nov 1994 08:49:37 GMT`],
  ['a date with digits', (size) => `Sunday, 06-Nov-${repeated('9', size)}`],
];

const CONDITIONAL = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'];

test.each(CONDITIONAL.flatMap((name) => CONDITIONS.map(([what, value]) => [name, what, value] as const)))(
  '%s with %s',
  async (name, _what, value) => {
    await expectLinear((size) => {
      const given = value(size);
      const request = { header: (asked: string) => (asked === name ? given : undefined) };
      return () => evaluateConditions(request, VALIDATORS, Date.now);
    }, 4_096);
  },
);

test.each(CONDITIONS)('if-range with %s', async (_what, value) => {
  await expectLinear((size) => {
    const given = value(size);
    return () => rangeStillHolds(given, VALIDATORS);
  }, 4_096);
});
