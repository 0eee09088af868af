// Cases: the Host field (RFC 9112 section 3.2, RFC 9110 section 7.2).

import type { Case } from '../case.ts';
import { declined, draft, get, group, HOST, rejected, SERVED, SERVED_LAST, SERVED_ONCE, UNSPLIT } from './build.ts';

const ONE = 'caches and routers rely on Host; a second or a malformed one can poison them';

const WRONG = ['a b', 'a/b', 'u@a', '[::1', 'http://a/', 'a?b', 'a#b', 'a\\b', 'a<b', 'a\x07b'];
const DOUBTFUL = ['a:b:c', 'a:80x', '[::g]', 'a^b', 'a\xffb', '[]', '[1]', 'a:1 ', 'a b:80', 'a"b'];
const RIGHT = [
  'localhost',
  'LOCALHOST',
  'a.example:80',
  'a.example:',
  '[::1]',
  '[::1]:8080',
  '127.0.0.1',
  'a-b.example',
  'a.example.',
  'xn--bcher-kva.example',
];
const ODD = ['a,b', ':80', 'a:99999', '%41', 'a;b', 'a_b.example'];

function named(value: string): string {
  return value
    .replaceAll(/[^ -~]/g, (byte) => `0x${byte.charCodeAt(0).toString(16)}`)
    .replaceAll(/[^\w. -]/g, (sign) => ` ${sign.charCodeAt(0).toString(16)} `);
}

const withHost = (value: string): string => `GET {page} HTTP/1.1\r\nHost: ${value}\r\n\r\n`;

export const HOSTS: readonly Case[] = group('host', {}, [
  draft('none in HTTP/1.1', '9112 3.2', ONE, 'GET {page} HTTP/1.1\r\nX-A: b\r\n\r\n', declined()),
  draft('none in HTTP/1.0', '9112 3.2', 'HTTP/1.0 has no Host', 'GET {page} HTTP/1.0\r\nX-A: b\r\n\r\n', SERVED_LAST, {
    http10: [0],
  }),
  draft('two equal fields', '9112 3.2', ONE, get(HOST), declined()),
  draft('two different fields', '9112 3.2', ONE, get('Host: other.example\r\n'), declined()),
  draft('two in HTTP/1.0', '9112 3.2', ONE, `GET {page} HTTP/1.0\r\n${HOST}${HOST}\r\n`, declined(), {
    http10: [0, 1],
  }),
  ...WRONG.map((value) =>
    draft(`malformed ${named(value)}`, '9112 3.2', ONE, withHost(value), declined(), { deliveries: UNSPLIT }),
  ),
  ...DOUBTFUL.filter((value) => !value.endsWith(' ')).map((value) =>
    draft(`malformed ${named(value)}`, '9110 7.2', ONE, withHost(value), declined(), {
      level: 'should',
      deliveries: UNSPLIT,
    }),
  ),
  draft('NUL', '9110 5.5', ONE, withHost('a\x00b'), rejected()),
  ...RIGHT.map((value) =>
    draft(`right ${named(value)}`, '9110 7.2', 'this is a host', withHost(value), [SERVED, declined(421, 403, 404)], {
      level: 'should',
      deliveries: UNSPLIT,
    }),
  ),
  ...ODD.map((value) =>
    draft(
      `odd ${named(value)}`,
      '3986 3.2.2',
      'valid by the grammar, but not the name of a site',
      withHost(value),
      [SERVED_ONCE, declined(400, 403, 404, 421)],
      { deliveries: UNSPLIT },
    ),
  ),
  draft(
    'empty',
    '9110 7.2',
    'valid by the grammar: the authority may be unknown',
    withHost(''),
    [SERVED_ONCE, declined()],
    {
      deliveries: UNSPLIT,
    },
  ),
  draft(
    'tabs around it',
    '9112 5.1',
    'space around a value is not part of it',
    'GET {page} HTTP/1.1\r\nHost:\t{host}\t\r\n\r\n',
    SERVED,
    { level: 'should' },
  ),
]);
