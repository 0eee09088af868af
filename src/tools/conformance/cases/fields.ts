// Cases: field lines (RFC 9112 section 5, RFC 9110 section 5).

import type { Case } from '../case.ts';
import {
  ANY_ERROR,
  chunked,
  declined,
  draft,
  echoes,
  get,
  group,
  HOST,
  post,
  rejected,
  SERVED,
  SERVED_ONCE,
  UNSPLIT,
} from './build.ts';

const COLON = 'a name with a space behind it is another name to the next server: a classic of request smuggling';
const FOLD = 'a folded line can hide a field from one of two servers';
const NAME = 'some servers accept a name that is not a token, others ignore it';
const VALUE = 'a control byte in a value ends the line for some servers';
const LINE_END = 'only CRLF ends a line; a server that accepts another end reads another message';
const FRAMING = 'a framing field that only one of two servers reads makes content a forged request';

const DELIMITERS = ['"', '(', ')', ',', '/', ';', '<', '=', '>', '?', '@', '[', '\\', ']', '{', '}'];

const NAME_BYTES = [
  ['a space', ' ', 'must'],
  ['NUL', '\x00', 'must'],
  ['a bare CR', '\r', 'must'],
  ['BEL', '\x07', 'should'],
  ['DEL', '\x7f', 'should'],
  ['0x80', '\x80', 'should'],
  ['0xff', '\xff', 'should'],
] as const;

const VALUE_BYTES = [
  ['SOH', '\x01'],
  ['BEL', '\x07'],
  ['a vertical tab', '\x0b'],
  ['a form feed', '\x0c'],
  ['ESC', '\x1b'],
  ['DEL', '\x7f'],
] as const;

const SPACED = [
  ['Content-Length', 'Content-Length : 5\r\n', 'hello'],
  ['Transfer-Encoding', 'Transfer-Encoding : chunked\r\n', '0\r\n\r\n'],
] as const;

const NEARLY_LENGTH = [
  ['0x85', '\x85', 'should'],
  ['0xa0', '\xa0', 'should'],
  ['NUL', '\x00', 'must'],
  ['a vertical tab', '\x0b', 'should'],
] as const;

export const FIELDS: readonly Case[] = group('fields', {}, [
  draft('a tab in front of the colon', '9112 5.1', COLON, get('X-A\t: b\r\n'), rejected()),
  draft('a space in front of the colon', '9112 5.1', COLON, get('X-A : b\r\n'), rejected()),
  draft(
    'a space in front of the colon of Host',
    '9112 5.1',
    COLON,
    'GET {page} HTTP/1.1\r\nHost : {host}\r\n\r\n',
    rejected(),
  ),
  ...SPACED.map(([name, line, body]) =>
    draft(`a space in front of the colon of ${name}`, '9112 5.1', COLON, post(line, body), rejected(), {
      methods: ['POST'],
    }),
  ),
  draft('space in front of the first field', '9112 2.2', FOLD, `GET {page} HTTP/1.1\r\n X-A: b\r\n${HOST}\r\n`, [
    rejected(),
    SERVED_ONCE,
  ]),
  draft('a tab in front of the first field', '9112 2.2', FOLD, `GET {page} HTTP/1.1\r\n\tX-A: b\r\n${HOST}\r\n`, [
    rejected(),
    SERVED_ONCE,
  ]),
  draft(
    'a first line with space that would frame',
    '9112 2.2',
    FRAMING,
    `GET {page} HTTP/1.1\r\n Content-Length: 33\r\n${HOST}\r\n`,
    [rejected(), SERVED_ONCE],
  ),
  draft('a folded line', '9112 5.2', FOLD, get('X-A: b\r\n c\r\n'), [rejected(), SERVED_ONCE]),
  draft('a line folded with a tab', '9112 5.2', FOLD, get('X-A: b\r\n\tc\r\n'), [rejected(), SERVED_ONCE]),
  draft('a folded Host', '9112 5.2', FOLD, 'GET {page} HTTP/1.1\r\nHost:\r\n {host}\r\n\r\n', [
    rejected(),
    SERVED_ONCE,
  ]),
  draft('a fold that hides Content-Length', '9112 5.2', FRAMING, get('X: a\r\n Content-Length: 33\r\n'), [
    rejected(),
    SERVED_ONCE,
  ]),
  draft('a folded Content-Length', '9112 5.2', FRAMING, post('Content-Length: 1\r\n 0\r\n', '0123456789'), rejected(), {
    methods: ['POST'],
  }),
  draft(
    'a folded Transfer-Encoding',
    '9112 5.2',
    FRAMING,
    post('Transfer-Encoding:\r\n chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'),
    [rejected(400, 501), echoes('hello', 'either')],
    { methods: ['POST'], needs: ['echo'] },
  ),
  draft('a bare CR in a value', '9110 5.5', VALUE, get('X-A: a\rb\r\n'), [rejected(), SERVED_ONCE]),
  draft('NUL in a value', '9110 5.5', VALUE, get('X-A: a\x00b\r\n'), [rejected(), SERVED_ONCE]),
  ...VALUE_BYTES.map(([name, byte]) =>
    draft(`${name} in a value`, '9110 5.5', VALUE, get(`X-A: a${byte}b\r\n`), [rejected(), SERVED_ONCE]),
  ),
  draft(
    'bytes above ASCII in a value',
    '9110 5.5',
    'obs-text is opaque data that old clients send',
    get('X-A: caf\xe9 \x80\xff\r\n'),
    SERVED,
    { level: 'should' },
  ),
  draft(
    'space around a value',
    '9112 5.1',
    'it is not part of the value',
    get('X-A: \t b \t\r\nX-B:c\r\nX-C:\r\n'),
    SERVED,
  ),
  draft(
    'every byte of a token in a name',
    '9110 5.6.2',
    'all of them are legal',
    get("!#$%&'*+-.^_`|~09azAZ: ok\r\n"),
    SERVED,
  ),
  draft(
    'a value that looks like a request',
    '9112 5',
    'only an empty line ends the fields',
    get('X-A: GET / HTTP/1.1\r\nX-B: Host: x\r\n'),
    SERVED,
  ),
  ...DELIMITERS.map((byte) =>
    draft(
      `the delimiter ${byte.charCodeAt(0).toString(16)} in a name`,
      '9110 5.6.2',
      NAME,
      get(`X${byte}A: b\r\n`),
      rejected(),
      { level: 'should' },
    ),
  ),
  ...NAME_BYTES.map(([name, byte, level]) =>
    draft(`${name} in a name`, '9110 5.6.2', NAME, get(`X${byte}A: b\r\n`), rejected(), { level }),
  ),
  draft('an empty name', '9112 5', NAME, get(':\r\nX-B: c\r\n'), rejected()),
  draft('a line without a colon', '9112 5', NAME, get('garbage\r\n'), rejected(), { level: 'should' }),
  draft('a length without a colon', '9112 5', FRAMING, post('Content-Length 5\r\n'), rejected(), {
    level: 'should',
    methods: ['POST'],
  }),
  ...NEARLY_LENGTH.map(([name, byte, level]) =>
    draft(`Content-Length and ${name}`, '9110 5.6.2', FRAMING, post(`Content-Length${byte}: 5\r\n`), rejected(), {
      level,
      methods: ['POST'],
    }),
  ),
  draft(
    'underscores do not frame',
    '9112 6.3',
    'CGI variables make both names equal',
    post('Content_Length: 5\r\nTransfer_Encoding: chunked\r\nContent-Length: 2\r\n', 'hi'),
    echoes('hi'),
    { level: 'should', needs: ['echo'], methods: ['POST'] },
  ),
  draft(
    'names in any case',
    '9110 5.1',
    'names are case-insensitive',
    'POST /echo HTTP/1.1\r\nhOsT: {host}\r\ncOnTeNt-lEnGtH: 5\r\n\r\nhello',
    echoes('hello'),
    { needs: ['echo'], methods: ['POST'] },
  ),
  draft('CRLF, CR and another byte', '9112 2.2', LINE_END, get('\rX-A: b\r\n'), rejected()),
  draft(
    'CR CR and a second request',
    '9112 2.2',
    LINE_END,
    `GET {page} HTTP/1.1\r\n${HOST}\r\rGET {page} HTTP/1.1\r\n${HOST}\r\n`,
    rejected(),
  ),
  draft('a head that ends with CRLF LF', '9112 2.2', LINE_END, `GET {page} HTTP/1.1\r\n${HOST}\n`, [
    rejected(),
    SERVED_ONCE,
  ]),
  draft('a head that ends with LF LF', '9112 2.2', LINE_END, 'GET {page} HTTP/1.1\nHost: {host}\n\n', [
    rejected(),
    SERVED_ONCE,
  ]),
  draft('a head that ends with LF CRLF', '9112 2.2', LINE_END, 'GET {page} HTTP/1.1\r\nHost: {host}\n\r\n', [
    rejected(),
    SERVED_ONCE,
  ]),
  draft(
    'a length behind a bare LF',
    '9112 2.2',
    FRAMING,
    post('X-A: b\nContent-Length: 5\r\n', 'hello'),
    [rejected(), echoes('hello', 'either')],
    { needs: ['echo'], methods: ['POST'] },
  ),
  draft('a field of 4 KiB', '9110 5.4', 'cookies are that long', get(`X-A: ${'a'.repeat(4096)}\r\n`), SERVED, {
    level: 'should',
    deliveries: UNSPLIT,
  }),
  draft(
    'a trailer field is no field',
    '9110 6.5.1',
    'a server that merges trailers lets a client replace fields that a proxy checked',
    chunked('3\r\nabc\r\n0\r\nX-T: t\r\nHost: evil\r\n\r\n'),
    [echoes('abc', 'either'), declined(...ANY_ERROR)],
    { needs: ['echo'], methods: ['POST'] },
  ),
]);
