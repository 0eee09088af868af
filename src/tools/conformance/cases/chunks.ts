// Cases: the chunked coding (RFC 9112 section 7.1).

import type { Case } from '../case.ts';
import { chunked, draft, echoes, get, group, NOT_SERVED, rejected, UNSPLIT } from './build.ts';

const SIZE = 'if two servers read different sizes, content becomes a forged request';
const WRAP = 'a size that overflows becomes small: the rest becomes a request (CVE-2013-2028)';
const ENDS = 'only CRLF ends a line; some servers also accept a bare LF or CR';
const EXTENSION = 'extensions are ignored, and must not hide the end of a line';
const TRAILER = 'trailers end with an empty line; their bytes are never a request';
const CUT = 'truncated content must not pass for complete';

const MALFORMED = [
  ['a letter', 'g'],
  ['0x in front', '0x5'],
  ['a minus sign', '-5'],
  ['a plus sign', '+5'],
  ['a space inside', '5 5'],
  ['a space in front', ' 5'],
  ['a tab in front', '\t5'],
  ['an underscore', '5_0'],
  ['empty', ''],
  ['NUL behind', '5\x00'],
  ['a point', '5.'],
  ['a comma', '5,'],
  ['h behind', '5h'],
  ['a vertical tab in front', '\x0b5'],
  ['a word', 'five'],
  ['an extension alone', ';a=b'],
  ['quotes', '"5"'],
] as const;

const HUGE = [
  ['2^32+5', '100000005'],
  ['2^53+5', '20000000000005'],
  ['2^63-1', '7FFFFFFFFFFFFFFF'],
  ['2^63+5', '8000000000000005'],
  ['2^64-1', 'FFFFFFFFFFFFFFFF'],
  ['2^64+5', '10000000000000005'],
  ['2^80-1', 'FFFFFFFFFFFFFFFFFFFF'],
] as const;

const WRONG_ENDS = [
  ['LF ends the size line', '5\nhello\r\n0\r\n\r\n'],
  ['LF ends the data', '5\r\nhello\n0\r\n\r\n'],
  ['LF ends the line of the last chunk', '5\r\nhello\r\n0\n\r\n'],
  ['LF ends the body', '5\r\nhello\r\n0\r\n\n'],
  ['CR ends the size line', '5\rhello\r\n0\r\n\r\n'],
  ['CR CR in the size line', '5\r\r;ABCD\r\nhello\r\n0\r\n\r\n'],
  ['CR and a letter behind the size', '5\rX\r\nhello\r\n0\r\n\r\n'],
  ['no end behind the data', '5\r\nhello0\r\n\r\n'],
  ['data longer than its size', '4\r\nhello\r\n0\r\n\r\n'],
  ['data shorter than its size', '6\r\nhello\r\n0\r\n\r\n'],
] as const;

const MANY = `${Array.from({ length: 2_000 }, (_, i) => `1\r\n${String.fromCharCode(97 + (i % 26))}\r\n`).join('')}0\r\n\r\n`;
const ALPHABET = Array.from({ length: 2_000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');

export const CHUNKS: readonly Case[] = group('chunks', { methods: ['POST'], needs: ['echo'] }, [
  draft('a size in upper case', '9112 7.1', SIZE, chunked('A\r\n0123456789\r\n0\r\n\r\n'), echoes('0123456789')),
  draft('a size in lower case', '9112 7.1', SIZE, chunked('a\r\n0123456789\r\n0\r\n\r\n'), echoes('0123456789')),
  draft('zeros in front', '9112 7.1', SIZE, chunked('0005\r\nhello\r\n000\r\n\r\n'), echoes('hello')),
  draft(
    'CRLF in the data',
    '9112 7.1',
    'chunk data is counted, not parsed',
    chunked('7\r\na\r\n0\r\nb\r\n0\r\n\r\n'),
    echoes('a\r\n0\r\nb'),
  ),
  draft('2,000 chunks of one byte', '9112 7.1', 'slow clients send them', chunked(MANY), echoes(ALPHABET), {
    deliveries: UNSPLIT,
  }),
  draft('an extension', '9112 7.1.1', EXTENSION, chunked('5;a=b\r\nhello\r\n0;c\r\n\r\n'), echoes('hello')),
  draft('a quoted extension', '9112 7.1.1', EXTENSION, chunked('5;a="b c"\r\nhello\r\n0\r\n\r\n'), echoes('hello')),
  draft(
    'an extension with space around',
    '9112 7.1.1',
    EXTENSION,
    chunked('5 ; a = b\r\nhello\r\n0\r\n\r\n'),
    [echoes('hello', 'either'), rejected()],
    { level: 'should' },
  ),
  draft('an extension that is no token', '9112 7.1.1', EXTENSION, chunked('5;=x\r\nhello\r\n0\r\n\r\n'), [
    echoes('hello', 'either'),
    rejected(),
  ]),
  draft('a semicolon alone', '9112 7.1.1', EXTENSION, chunked('5;\r\nhello\r\n0\r\n\r\n'), [
    echoes('hello', 'either'),
    rejected(),
  ]),
  draft(
    'a bare LF in an extension',
    '9112 7.1.1',
    `${EXTENSION} (CVE-2025-22871 and others)`,
    chunked('5;a\nb\r\nhello\r\n0\r\n\r\n'),
    rejected(),
    { level: 'should' },
  ),
  draft('NUL in an extension', '9112 7.1.1', EXTENSION, chunked('5;a\x00b\r\nhello\r\n0\r\n\r\n'), rejected(), {
    level: 'should',
  }),
  draft('a space behind the size', '9112 7.1', 'old clients padded sizes', chunked('5 \r\nhello\r\n0\r\n\r\n'), [
    echoes('hello', 'either'),
    rejected(),
  ]),
  ...MALFORMED.map(([name, size]) =>
    draft(`malformed size: ${name}`, '9112 7.1', SIZE, chunked(`${size}\r\nhello\r\n0\r\n\r\n`), rejected(), {
      deliveries: size === '' || size === '0x5' ? ['whole', 'pipelined', 'split', 'drip'] : UNSPLIT,
    }),
  ),
  ...HUGE.map(([name, size]) =>
    draft(`not wrapped: ${name}`, '9112 7.1', WRAP, chunked(`${size}\r\nhello\r\n0\r\n\r\n${get()}`), NOT_SERVED, {
      deliveries: ['whole'],
    }),
  ),
  ...WRONG_ENDS.map(([name, body]) => draft(name, '9112 7.1', ENDS, chunked(body), rejected())),
  draft('trailers', '9112 7.1.2', TRAILER, chunked('5\r\nhello\r\n0\r\nX-T: v\r\nX-U:\r\n\r\n'), echoes('hello')),
  draft(
    'a trailer that spells a request',
    '9112 7.1.2',
    TRAILER,
    chunked('0\r\nX:GET /hello HTTP/1.1\r\n\r\n'),
    echoes(''),
  ),
  draft(
    'trailers that spell a request with Host',
    '9112 7.1.2',
    TRAILER,
    chunked('0\r\nX:GET /hello HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n'),
    [echoes('', 'either'), rejected()],
  ),
  draft(
    'a trailer that would frame',
    '9110 6.5.1',
    TRAILER,
    chunked('5\r\nhello\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n'),
    [echoes('hello', 'either'), rejected()],
  ),
  draft(
    'a trailer with space in front of its colon',
    '9112 5.1',
    TRAILER,
    chunked('0\r\nX-T : v\r\n\r\n'),
    rejected(),
    {
      level: 'should',
    },
  ),
  draft('a trailer without a colon', '9112 5', TRAILER, chunked('0\r\ngarbage\r\n\r\n'), rejected(), {
    level: 'should',
  }),
  draft('NUL in a trailer', '9110 5.5', TRAILER, chunked('0\r\nX-T: a\x00b\r\n\r\n'), rejected(), { level: 'should' }),
  draft(
    'a trailer that ends with LF',
    '9112 2.2',
    ENDS,
    chunked('0\r\nX-T: v\n\r\n'),
    [rejected(), echoes('', 'either')],
    { level: 'should' },
  ),
  draft('a folded trailer', '9112 5.2', TRAILER, chunked('0\r\nX-T: a\r\n b\r\n\r\n'), [
    echoes('', 'either'),
    rejected(),
  ]),
  draft('FIN inside a chunk', '9112 8', CUT, '', NOT_SERVED, {
    deliveries: ['script'],
    steps: [{ do: 'send', bytes: chunked('5\r\nhel') }, { do: 'finish' }],
  }),
  draft('FIN in front of the last chunk', '9112 8', CUT, '', NOT_SERVED, {
    deliveries: ['script'],
    steps: [{ do: 'send', bytes: chunked('5\r\nhello\r\n') }, { do: 'finish' }],
  }),
  draft('FIN inside the trailers', '9112 8', CUT, '', NOT_SERVED, {
    deliveries: ['script'],
    steps: [{ do: 'send', bytes: chunked('5\r\nhello\r\n0\r\nX-T: v\r\n') }, { do: 'finish' }],
  }),
]);
