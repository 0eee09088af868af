// Cases: the request line (RFC 9112 section 3).

import type { Case } from '../case.ts';
import {
  ANY_ERROR,
  declined,
  draft,
  get,
  group,
  HOST,
  NOT_SERVED,
  rejected,
  responds,
  SERVED,
  SERVED_ONCE,
  UNSPLIT,
} from './build.ts';

const METHOD = 'a method that only one of two servers accepts bypasses a filter';
const LINE = 'a request line that two servers split differently is two different requests';
const BYTE = 'a byte that is invalid in a target ends it for one server and not for another';
const VERSION = 'the version determines the framing; a guess leads to desynchronisation';
const FORM = 'a target of the wrong form is routed by one server and served by another';

const NOT_TOKENS = [
  ['an opening parenthesis', 'G(T'],
  ['NUL', 'G\x00T'],
  ['a byte above ASCII', 'G\xffT'],
  ['a quote', 'G"T'],
  ['a colon', 'G:T'],
  ['a comma', 'G,T'],
  ['a slash', 'G/T'],
  ['DEL', 'G\x7fT'],
  ['an at sign', 'G@T'],
  ['a brace', 'G{T'],
] as const;

const TARGET_BYTES = [
  ['NUL', '\x00'],
  ['SOH', '\x01'],
  ['DEL', '\x7f'],
  ['a vertical tab', '\x0b'],
  ['a form feed', '\x0c'],
  ['a bare CR', '\r'],
] as const;

const WRONG_VERSIONS = [
  'HTTP/1',
  'HTTP/1.',
  'HTTP/.1',
  'HTTP/1.1x',
  'HTTP/1.10',
  'HTTP/01.1',
  'HTTP/1,1',
  'http/1.1',
  'HTTPS/1.1',
  'HTP/1.1',
  'HTTP/1.1.1',
  'HTTP /1.1',
  'HTTP/ 1.1',
  'HTTP/-1.1',
  'HTTP/4294967297.1',
  'HTTP/\x001.1',
  'HTTP\\1.1',
  'ICE/1.0',
] as const;

const WRONG_FORMS = [
  ['a path without its slash', 'GET', 'page', '3.2.1'],
  ['an asterisk for another method than OPTIONS', 'GET', '*', '3.2.4'],
  ['authority-form for another method than CONNECT', 'GET', '{host}', '3.2.3'],
  ['absolute-form with userinfo', 'GET', 'http://user@{host}/', '3.2.2'],
  ['absolute-form without a host', 'GET', 'http:///', '3.2.2'],
  ['a scheme that is not HTTP', 'GET', 'ftp://{host}/', '3.2.2'],
] as const;

export const REQUEST_LINE: readonly Case[] = group('request-line', {}, [
  draft('a plain GET', '9112 3', 'the reference for all other cases', get(), SERVED),
  draft('one empty line in front', '9112 2.2', 'old clients sent one behind a POST', `\r\n${get()}`, SERVED, {
    level: 'should',
  }),
  draft('a space in front', '9112 3', LINE, ` ${get()}`, rejected(...ANY_ERROR), { level: 'should' }),
  draft('a line of spaces, then a request', '9112 3', LINE, `    \r\n${get()}`, rejected(...ANY_ERROR)),
  draft('a method in lower case', '9110 9.1', METHOD, get('', '{page}', 'get'), declined(400, 403, 405, 501), {
    level: 'should',
  }),
  ...NOT_TOKENS.map(([name, method]) =>
    draft(`a method with ${name}`, '9110 5.6.2', METHOD, get('', '{page}', method), rejected(400, 405, 501)),
  ),
  draft(
    'a method of 10,000 letters',
    '9110 9.1',
    'methods are stored, compared and logged',
    get('', '{page}', 'A'.repeat(10_000)),
    declined(400, 405, 414, 431, 501),
    { level: 'should', deliveries: UNSPLIT },
  ),
  draft('a method alone', '9112 3', LINE, `GET\r\n${HOST}\r\n`, rejected(...ANY_ERROR)),
  draft('no target', '9112 3', LINE, `GET HTTP/1.1\r\n${HOST}\r\n`, rejected(...ANY_ERROR)),
  draft('no version, as in HTTP/0.9', '9112 2.3', VERSION, 'GET {page}\r\n\r\n', rejected(...ANY_ERROR), {
    level: 'should',
  }),
  draft('a space in the target', '9112 3.2', LINE, get('', '/a b'), declined(...ANY_ERROR, 301), { level: 'should' }),
  draft('four words', '9112 3', LINE, get('', '{page} HTTP/1.0'), declined(...ANY_ERROR), { level: 'should' }),
  draft(
    'two spaces behind the method',
    '9112 3',
    LINE,
    `GET  {page} HTTP/1.1\r\n${HOST}\r\n`,
    [declined(...ANY_ERROR), SERVED_ONCE],
    { level: 'should' },
  ),
  draft(
    'a tab behind the method',
    '9112 3',
    LINE,
    `GET\t{page} HTTP/1.1\r\n${HOST}\r\n`,
    [declined(...ANY_ERROR), SERVED_ONCE],
    { level: 'should' },
  ),
  draft(
    'a space behind the version',
    '9112 3',
    LINE,
    `GET {page} HTTP/1.1 \r\n${HOST}\r\n`,
    [declined(...ANY_ERROR), SERVED_ONCE],
    { level: 'should' },
  ),
  ...TARGET_BYTES.map(([name, byte]) =>
    draft(`${name} in the target`, '9112 3.2', BYTE, get('', `{page}?a${byte}b`), rejected(...ANY_ERROR), {
      level: byte === '\x00' || byte === '\r' ? 'must' : 'should',
    }),
  ),
  draft(
    'a byte above ASCII in the target',
    '3986 2',
    BYTE,
    get('', '{page}?\xff'),
    [declined(...ANY_ERROR), SERVED_ONCE],
    { level: 'should' },
  ),
  draft(
    'a fragment in the target',
    '9112 3.2.1',
    'a fragment never leaves a browser',
    get('', '{page}#f'),
    [declined(...ANY_ERROR), SERVED_ONCE],
    { level: 'should' },
  ),
  draft(
    'a query with reserved characters',
    '3986 3.4',
    'links contain them',
    get('', "{page}?a=b&c=%20/?:@!$'()*+,;="),
    SERVED,
  ),
  draft(
    'lines that end with LF alone',
    '9112 2.2',
    'a proxy that requires CRLF reads another message',
    get().replaceAll('\r\n', '\n'),
    [rejected(...ANY_ERROR), SERVED_ONCE],
  ),
  draft(
    'a bare CR behind the version',
    '9112 2.2',
    'CR with any other byte does not end a line',
    `GET {page} HTTP/1.1\r${HOST}\r\n`,
    rejected(...ANY_ERROR),
  ),
  draft(
    'absolute-form',
    '9112 3.2.2',
    'a server MUST accept it, clients of proxies send it',
    get('', 'http://{host}{page}'),
    SERVED,
  ),
  draft(
    'absolute-form, the scheme in upper case',
    '9110 4.2.3',
    'schemes are case-insensitive',
    get('', 'HTTP://{host}{page}'),
    SERVED,
    { level: 'should' },
  ),
  draft(
    'absolute-form with another Host',
    '9112 3.2.2',
    'the target wins, or the request is rejected',
    'GET http://{host}{page} HTTP/1.1\r\nHost: other.example\r\n\r\n',
    [SERVED_ONCE, declined(400, 421)],
    { level: 'should' },
  ),
  draft(
    'absolute-form does not excuse a missing Host',
    '9112 3.2',
    'every HTTP/1.1 request needs Host',
    'GET http://{host}{page} HTTP/1.1\r\n\r\n',
    declined(),
  ),
  ...WRONG_FORMS.map(([name, method, target, section]) =>
    draft(name, `9112 ${section}`, FORM, get('', target, method), declined(400, 403, 404, 405, 421, 501), {
      level: 'should',
    }),
  ),
  draft(
    'a higher minor version',
    '9110 2.5',
    'a server serves HTTP/1.2 as the highest minor version it knows, or rejects',
    get('', '{page}', 'GET', 'HTTP/1.2'),
    [SERVED_ONCE, rejected(400, 505)],
  ),
  ...['HTTP/2.0', 'HTTP/0.9', 'HTTP/3.0', 'HTTP/9.9'].map((version) =>
    draft(
      `the version ${version}`,
      '9110 15.6.6',
      VERSION,
      get('', '{page}', 'GET', version),
      rejected(400, 426, 505),
      {
        level: 'should',
      },
    ),
  ),
  ...WRONG_VERSIONS.map((version) =>
    draft(
      `the version ${version.replace('\x00', 'NUL ')}`,
      '9112 2.3',
      VERSION,
      get('', '{page}', 'GET', version),
      rejected(400, 426, 505),
      { level: 'should' },
    ),
  ),
  draft(
    'the preface of HTTP/2',
    '9113 3.4',
    'a client of another protocol must get an error',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    NOT_SERVED,
    { deliveries: ['whole'] },
  ),
  draft(
    'TLS',
    '9112 2.2',
    'a browser that tries https first must see the connection end',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\r\n\r\n',
    NOT_SERVED,
    { level: 'should', deliveries: ['whole'] },
  ),
  draft(
    'OPTIONS of the server',
    '9110 9.3.7',
    'OPTIONS * checks whether a server is alive',
    get('', '*', 'OPTIONS'),
    responds([200, 204, 400, 403, 404, 405, 501]),
    { level: 'should', methods: ['OPTIONS'] },
  ),
]);
