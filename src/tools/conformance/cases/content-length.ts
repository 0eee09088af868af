// Cases: Content-Length (RFC 9110 section 8.6, RFC 9112 section 6).

import type { Case } from '../case.ts';
import {
  ANY_ERROR,
  declined,
  draft,
  echoes,
  get,
  group,
  NOT_SERVED,
  post,
  rejected,
  SERVED_ONCE,
  UNSPLIT,
} from './build.ts';

const ONE = 'two lengths are two readings of one message: the second request is the attacker\u2019s';
const DIGITS = 'a length is digits only; number parsers accept more, and each accepts something else';
const WRAP = 'a length that overflows becomes small: the rest becomes a request (CVE-2013-2028)';
const CUT = 'truncated content must not pass for complete';

const MALFORMED = [
  ['a list of two', '5, 6'],
  ['a list of equals', '5, 5'],
  ['a negative', '-5'],
  ['negative zero', '-0'],
  ['a plus sign', '+5'],
  ['a letter behind', '5a'],
  ['hexadecimal', '0x5'],
  ['a fraction', '5.0'],
  ['an exponent', '5e0'],
  ['a space inside', '5 5'],
  ['empty', ''],
  ['a semicolon', '5;'],
  ['a comma behind', '5,'],
  ['a comma in front', ',5'],
  ['quotes', '"5"'],
  ['apostrophes', "'5'"],
  ['a word', 'five'],
  ['an underscore', '5_0'],
  ['NUL behind', '5\x00'],
  ['a vertical tab in front', '\x0b5'],
  ['an Arabic digit', '\xd9\xa5'],
  ['binary', '0b101'],
  ['NaN', 'NaN'],
  ['Infinity', 'Infinity'],
] as const;

const HUGE = [
  ['2^32+5', '4294967301'],
  ['2^53+1', '9007199254740993'],
  ['2^63', '9223372036854775808'],
  ['2^64', '18446744073709551616'],
  ['2^64+5', '18446744073709551621'],
  ['10^40', '9'.repeat(40)],
] as const;

/** A list of equal lengths MAY be accepted as one (RFC 9110 section 8.6). */
function allowed(value: string): boolean {
  return value === '5, 5';
}

export const CONTENT_LENGTH: readonly Case[] = group('content-length', { methods: ['POST'] }, [
  draft('a body', '9112 6.3', 'the base of this group', post('Content-Length: 5\r\n', 'hello'), echoes('hello'), {
    needs: ['echo'],
  }),
  draft('an empty body', '9112 6.3', 'zero is a length', post('Content-Length: 0\r\n'), echoes(''), {
    needs: ['echo'],
  }),
  draft(
    'no length at all',
    '9112 6.3',
    'a request without framing has no content',
    post(''),
    [echoes(''), declined(411)],
    { needs: ['echo'] },
  ),
  draft(
    'a GET with a body',
    '9110 9.3.1',
    'a server that expects no content reads it as the next request',
    `${get('Content-Length: 24\r\n')}GET /x HTTP/1.1\r\nX-A: b\r`,
    [SERVED_ONCE, declined(...ANY_ERROR)],
    { methods: ['GET'] },
  ),
  draft(
    'zeros in front',
    '9110 8.6',
    'the digits are decimal: octal would be 8',
    post('Content-Length: 0010\r\n', '0123456789'),
    [echoes('0123456789', 'either'), rejected()],
    { needs: ['echo'] },
  ),
  draft(
    'the same twice',
    '9110 8.6',
    ONE,
    post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
    [echoes('hello', 'either'), rejected()],
    { needs: ['echo'] },
  ),
  draft(
    'two different fields',
    '9112 6.3',
    ONE,
    post('Content-Length: 6\r\nContent-Length: 5\r\n', 'hello'),
    rejected(),
  ),
  draft(
    'two that differ, the shorter first',
    '9112 6.3',
    ONE,
    post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello!'),
    rejected(),
  ),
  ...MALFORMED.map(([name, value]) =>
    draft(
      `malformed: ${name}`,
      '9110 8.6',
      DIGITS,
      post(`Content-Length: ${value}\r\n`, 'hello'),
      allowed(value) ? [rejected(), echoes('hello', 'either')] : rejected(400, ...(value === '' ? [411] : [])),
      {
        deliveries: value === '-5' || value === '' ? ['whole', 'pipelined', 'split', 'drip'] : UNSPLIT,
        ...(allowed(value) ? { needs: ['echo'] as const } : {}),
      },
    ),
  ),
  ...HUGE.map(([name, value]) =>
    draft(`not wrapped: ${name}`, '9110 8.6', WRAP, post(`Content-Length: ${value}\r\n`, `hello${get()}`), NOT_SERVED, {
      needs: ['echo'],
      deliveries: ['whole'],
    }),
  ),
  draft('a body that is cut by FIN', '9112 8', CUT, '', NOT_SERVED, {
    needs: ['echo'],
    deliveries: ['script'],
    steps: [{ do: 'send', bytes: post('Content-Length: 10\r\n', 'hello') }, { do: 'finish' }],
  }),
  draft('a request line that is cut by FIN', '9112 8', CUT, '', NOT_SERVED, {
    methods: ['GET'],
    deliveries: ['script'],
    steps: [{ do: 'send', bytes: 'GET {page} HT' }, { do: 'finish' }],
  }),
  draft('fields that are cut by FIN', '9112 8', CUT, '', NOT_SERVED, {
    methods: ['GET'],
    deliveries: ['script'],
    steps: [{ do: 'send', bytes: 'GET {page} HTTP/1.1\r\nHost: {host}\r\n' }, { do: 'finish' }],
  }),
]);
