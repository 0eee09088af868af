// The heads of the parser tests: valid ones with their parts, malformed ones with their status.

import { FIELD_WORDS } from '../../src/http/head.ts';
import type { HeadParser } from '../../src/http/head-parser.ts';

/** A valid head, and the parts that must be found in it. */
export interface GoodHead {
  readonly name: string;
  readonly text: string;
  readonly found: Readonly<Record<string, unknown>>;
}

const START = 'GET / HTTP/1.1\r\n';
const HOST = 'Host: a\r\n';

function good(name: string, text: string, found: GoodHead['found']): GoodHead {
  return { name, text, found };
}

/** A head with a Host, these lines, and the empty line. */
function withFields(...lines: readonly string[]): string {
  return `${START}${HOST}${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

export const GOOD_HEADS: readonly GoodHead[] = [
  good('the shortest of HTTP/1.1', `${START}${HOST}\r\n`, {
    method: 'GET',
    target: '/',
    query: '',
    minorVersion: 1,
    keepAlive: true,
    fields: [['Host', 'a']],
  }),
  good('HTTP/1.0 needs no Host and does not persist', 'GET / HTTP/1.0\r\n\r\n', {
    minorVersion: 0,
    keepAlive: false,
    fields: [],
  }),
  good('HTTP/1.0 that asks to persist', 'GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n', {
    minorVersion: 0,
    keepAlive: true,
  }),
  good('a higher minor version is 1.1 (RFC 9110 2.5)', `GET / HTTP/1.7\r\n${HOST}\r\n`, {
    minorVersion: 1,
    keepAlive: true,
  }),
  good('a query, with more question marks in it', `GET /a?b=c?d HTTP/1.1\r\n${HOST}\r\n`, {
    target: '/a?b=c?d',
    query: '?b=c?d',
  }),
  good('absolute-form (RFC 9112 3.2.2)', `GET http://a/b?c HTTP/1.1\r\n${HOST}\r\n`, {
    target: 'http://a/b?c',
    query: '?c',
  }),
  good('asterisk-form (3.2.4)', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, { method: 'OPTIONS', target: '*' }),
  good('absolute-form, in any case, with IPv6 and a port', `GET HTTPS://[::1]:8/b HTTP/1.1\r\n${HOST}\r\n`, {
    target: 'HTTPS://[::1]:8/b',
  }),
  good('absolute-form without a path', `GET http://a?c HTTP/1.1\r\n${HOST}\r\n`, { target: 'http://a?c' }),
  good('a method of five letters', `PATCH /a HTTP/1.1\r\n${HOST}\r\n`, { method: 'PATCH', target: '/a' }),
  good('a method is case-sensitive', `trace /a HTTP/1.1\r\n${HOST}\r\n`, { method: 'trace', target: '/a' }),
  good('every tchar in a method', `!#$%&'*+-.^_\`|~09azAZ / HTTP/1.1\r\n${HOST}\r\n`, {
    method: "!#$%&'*+-.^_`|~09azAZ",
  }),
  good('one empty line in front (2.2)', `\r\n${START}${HOST}\r\n`, { method: 'GET', target: '/' }),
  good('space around a value is not of it (RFC 9110 5.5)', withFields('X: \t v w \t '), {
    fields: [
      ['Host', 'a'],
      ['X', 'v w'],
    ],
  }),
  good('empty values, with and without space', withFields('X:', 'Y:  \t'), {
    fields: [
      ['Host', 'a'],
      ['X', ''],
      ['Y', ''],
    ],
  }),
  good('obs-text in a value', withFields('X: \xe4\xff'), {
    fields: [
      ['Host', 'a'],
      ['X', '\xe4\xff'],
    ],
  }),
  good('a colon in a value', withFields('X: a:b'), {
    fields: [
      ['Host', 'a'],
      ['X', 'a:b'],
    ],
  }),
  good('an empty Host', `${START}Host:\r\n\r\n`, { fields: [['Host', '']] }),
  good('Host with a port', `${START}hOsT: a.b-c:8080\r\n\r\n`, { fields: [['hOsT', 'a.b-c:8080']] }),
  good('Host as IPv6', `${START}Host: [::1]:80\r\n\r\n`, { fields: [['Host', '[::1]:80']] }),
  good('Content-Length', `${withFields('Content-Length: 5')}hello`, { contentLength: 5, chunked: false }),
  good('the longest Content-Length', withFields('Content-Length: 999999999999999'), {
    contentLength: 999_999_999_999_999,
  }),
  good('zeros in front of a length', withFields('Content-Length: 0005'), { contentLength: 5 }),
  good('chunked, in any case', withFields('transfer-encoding: CHUNKED'), { chunked: true, contentLength: -1 }),
  good('Connection: close', withFields('Connection: close'), { keepAlive: false }),
  good('close among other options', withFields('Connection: upgrade ,\tCLOSE, x'), { keepAlive: false }),
  good('close in a second Connection field', withFields('Connection: keep-alive', 'Connection: close'), {
    keepAlive: false,
  }),
  good('what only looks like close', withFields('Connection: closed, xclose, clos'), { keepAlive: true }),
  good('Expect: 100-continue, in any case', withFields('Expect: 100-Continue'), { expectsContinue: true }),
  good('no expectation', withFields('Expected: 100-continue'), { expectsContinue: false }),
  good('the next request behind it is not read', `${withFields()}GET /next`, { length: `${withFields()}`.length }),
];

/** The section of RFC 9112 (or 9110), the fault, the bytes, and the status. */
export const BAD_HEADS: readonly (readonly [string, string, string, number])[] = [
  ['2.2', 'two empty lines in front', `\r\n\r\n${START}${HOST}\r\n`, 400],
  ['2.2', 'a bare LF in front', `\n${START}${HOST}\r\n`, 400],
  ['2.2', 'a bare CR in front', `\r${START}${HOST}\r\n`, 400],
  ['2.2', 'lines that end with LF alone', 'GET / HTTP/1.1\nHost: a\n\n', 400],
  ['2.2', 'a field line that ends with LF alone', `${START}Host: a\n\r\n`, 400],
  ['2.2', 'a bare CR behind the version', `GET / HTTP/1.1\rHost: a\r\n\r\n`, 400],
  ['2.2', 'another byte than LF behind the CR of the first line', `GET / HTTP/1.1\rX${HOST}\r\n`, 400],
  ['2.2', 'another byte than LF behind the CR of a field line', `${START}Host: a\rX\r\n`, 400],
  ['2.2', 'a last line that ends with CR alone', `${START}${HOST}\rX`, 400],
  ['2.2', 'space in front of the first field', `${START} Host: a\r\n\r\n`, 400],
  ['3', 'space in front of the method', ` ${START}${HOST}\r\n`, 400],
  ['3', 'two spaces behind the method', `GET  / HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3', 'two spaces behind the target', `GET /  HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3', 'a tab behind the method', `GET\t/ HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3', 'space behind the version', `GET / HTTP/1.1 \r\n${HOST}\r\n`, 400],
  ['3', 'no target', `GET HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3', 'no version, as HTTP/0.9', 'GET /\r\n', 400],
  ['3.1', 'a method that is no token', `G@T / HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.1', 'a method with a control byte', `G\x00T / HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.1', 'TLS instead of HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['3.1', 'a method of 33 letters', `${'A'.repeat(33)} / HTTP/1.1\r\n${HOST}\r\n`, 501],
  ['3.2', 'a control byte in the target', `GET /\x01 HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2', 'NUL in the query', `GET /?\x00 HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2', 'bytes above ASCII in the target', `GET /\xc3\xa4 HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2', 'a fragment', `GET /a#b HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2', 'a fragment behind a query', `GET /a?b#c HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2.1', 'a path without its slash', `GET a HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2.2', 'a scheme without authority', `GET http:/a HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2.2', 'an authority without host', `GET http:///a HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2.2', 'an authority of a port alone', `GET http://:80/a HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2.2', 'userinfo', `GET http://u@a/ HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2.2', 'another scheme', `GET ftp://a/ HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2.3', 'authority-form, for a proxy', `CONNECT a:443 HTTP/1.1\r\n${HOST}\r\n`, 501],
  ['3.2.3', 'CONNECT to a path', `CONNECT /a HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2.3', 'CONNECT without a port', `CONNECT a HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2.3', 'CONNECT with an empty port', `CONNECT a: HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2.3', 'an authority for another method', `GET a:80 HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2.4', 'an asterisk for another method than OPTIONS', `GET * HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['3.2.4', 'an asterisk and more', `OPTIONS *a HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['9.3.8', 'TRACE, which shows what was said in confidence', `TRACE / HTTP/1.1\r\n${HOST}\r\n`, 501],
  ['2.3', 'a version in lower case', `GET / http/1.1\r\n${HOST}\r\n`, 400],
  ['2.3', 'a version without minor', `GET / HTTP/1\r\n${HOST}\r\n`, 400],
  ['2.3', 'a version with two digits', `GET / HTTP/1.10\r\n${HOST}\r\n`, 400],
  ['2.3', 'another protocol', `GET / ICAP/1.0\r\n${HOST}\r\n`, 400],
  ['2.3', 'HTTP/2.0', `GET / HTTP/2.0\r\n${HOST}\r\n`, 505],
  ['2.3', 'HTTP/0.9 as a version', `GET / HTTP/0.9\r\n${HOST}\r\n`, 505],
  ['2.3', 'the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
  ['3.2', 'no Host', `${START}\r\n`, 400],
  ['3.2', 'two Hosts', `${START}${HOST}${HOST}\r\n`, 400],
  ['3.2', 'two Hosts in HTTP/1.0', `GET / HTTP/1.0\r\n${HOST}${HOST}\r\n`, 400],
  ['3.2', 'Host with userinfo', `${START}Host: u@a\r\n\r\n`, 400],
  ['3.2', 'Host with a path', `${START}Host: a/b\r\n\r\n`, 400],
  ['3.2', 'Host with a space', `${START}Host: a b\r\n\r\n`, 400],
  ['3.2', 'Host as a list', `${START}Host: a, b:80\r\n\r\n`, 400],
  ['5.1', 'space in front of the colon', withFields('X : y'), 400],
  ['5.1', 'a field without colon', withFields('X'), 400],
  ['5.1', 'an empty field name', withFields(': y'), 400],
  ['5.1', 'a field name with a byte above ASCII', withFields('\xc4: y'), 400],
  ['5.2', 'a folded line', withFields('X: y', ' z'), 400],
  ['5.2', 'a line folded with a tab', withFields('X: y', '\tz'), 400],
  ['5.5', 'NUL in a value', withFields('X: a\x00b'), 400],
  ['5.5', 'DEL in a value', withFields('X: a\x7fb'), 400],
  ['5.5', 'a bare CR in a value', withFields('X: a\rb'), 400],
  [
    '6.1',
    'Transfer-Encoding beside Content-Length',
    withFields('Transfer-Encoding: chunked', 'Content-Length: 5'),
    400,
  ],
  [
    '6.1',
    'Content-Length beside Transfer-Encoding',
    withFields('Content-Length: 5', 'Transfer-Encoding: chunked'),
    400,
  ],
  ['6.1', 'Transfer-Encoding in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
  ['6.1', 'Transfer-Encoding twice', withFields('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), 400],
  ['6.1', 'chunked twice', withFields('Transfer-Encoding: chunked, chunked'), 501],
  ['6.1', 'another coding', withFields('Transfer-Encoding: gzip, chunked'), 501],
  ['6.1', 'identity', withFields('Transfer-Encoding: identity'), 501],
  ['6.1', 'what only looks like chunked', withFields('Transfer-Encoding: xchunked'), 501],
  ['6.1', 'chunked with a vertical tab', withFields('Transfer-Encoding: \x0bchunked'), 400],
  ['6.1', 'an empty coding', withFields('Transfer-Encoding:'), 501],
  ['6.3', 'two different lengths', withFields('Content-Length: 5', 'Content-Length: 6'), 400],
  ['6.3', 'the same length twice', withFields('Content-Length: 5', 'Content-Length: 5'), 400],
  ['6.3', 'lengths as a list', withFields('Content-Length: 5, 5'), 400],
  ['6.3', 'a length with a sign', withFields('Content-Length: +5'), 400],
  ['6.3', 'a negative length', withFields('Content-Length: -5'), 400],
  ['6.3', 'a hexadecimal length', withFields('Content-Length: 0x5'), 400],
  ['6.3', 'a length with a fraction', withFields('Content-Length: 5.0'), 400],
  ['6.3', 'an empty length', withFields('Content-Length:'), 400],
  ['6.3', 'a length of sixteen digits', withFields('Content-Length: 1000000000000000'), 400],
  ['10.1.1', 'an unknown expectation', withFields('Expect: the-unexpected'), 417],
];

/** The result of a parser, copied for comparison. */
export type Found = Readonly<Record<string, unknown>>;

export function describeHead(parser: HeadParser, bytes: Buffer, base: number): Found {
  const { head } = parser;
  const text = (start: number, end: number): string => bytes.toString('latin1', base + start, base + end);
  const fields: (readonly [string, string])[] = [];
  const fieldsEnd = head.fieldsAt + head.fieldCount * FIELD_WORDS;
  for (let at = head.fieldsAt; at < fieldsEnd; at += FIELD_WORDS) {
    const [nameStart = 0, nameEnd = 0, valueStart = 0, valueEnd = 0] = head.fieldTable.subarray(at, at + FIELD_WORDS);
    fields.push([text(nameStart, nameEnd), text(valueStart, valueEnd)]);
  }
  return {
    method: text(head.methodStart, head.methodEnd),
    target: text(head.targetStart, head.targetEnd),
    query: text(head.queryAt, head.targetEnd),
    minorVersion: head.minorVersion,
    length: head.length,
    contentLength: head.contentLength,
    chunked: head.chunked,
    keepAlive: head.keepAlive,
    expectsContinue: head.expectsContinue,
    fields,
  };
}
