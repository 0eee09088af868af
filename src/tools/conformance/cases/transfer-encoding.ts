// Cases: Transfer-Encoding (RFC 9112 section 6.1).

import type { Case } from '../case.ts';
import { chunked, draft, echoes, group, HOST, post, rejected, UNSPLIT } from './build.ts';

const HELLO = '5\r\nhello\r\n0\r\n\r\n';
const LAST = 'chunked must be last and occur once: a server that ignores this reads another message';
const NEARLY = 'some servers accept almost-chunked values as chunked: TE.TE smuggling';
const BOTH = 'Content-Length with Transfer-Encoding is the classic of request smuggling: reject it, or at least close';
const OLD = 'an HTTP/1.0 proxy in front does not understand it';

const NOT_CHUNKED = [
  'xchunked',
  'chunkedx',
  'chunke',
  '"chunked"',
  "'chunked'",
  'chunked;q=1',
  'chunked;a=b',
  'chunked chunked',
  'x, xchunked',
  'c hunked',
  'chunk\x00ed',
  '\x0bchunked',
  'chunked\x0c',
  '\xa0chunked',
  'chunked\xff',
  '[chunked]',
  'chunked=1',
  'deflate',
  'cow',
  'trailers',
];

const WRONG = rejected(400, 501);

function named(value: string): string {
  return value.replaceAll(/[^a-z]/g, (sign) => ` ${sign.charCodeAt(0).toString(16)} `);
}

export const TRANSFER_ENCODING: readonly Case[] = group('transfer-encoding', { methods: ['POST'], needs: ['echo'] }, [
  draft(
    'chunked',
    '9112 7.1',
    'a server MUST be able to read it',
    chunked('2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'),
    echoes('hello'),
  ),
  draft('an empty body', '9112 7.1', 'the last chunk may be the first', chunked('0\r\n\r\n'), echoes('')),
  draft(
    'in upper case',
    '9112 7',
    'codings are case-insensitive',
    post('Transfer-Encoding: CHUNKED\r\n', HELLO),
    echoes('hello'),
  ),
  draft(
    'spaces around it',
    '9112 5.1',
    'space around a value is not part of it',
    post('Transfer-Encoding:   chunked  \r\n', HELLO),
    echoes('hello'),
  ),
  draft(
    'tabs around it',
    '9112 5.1',
    'space around a value is not part of it; some servers read another coding',
    post('Transfer-Encoding:\tchunked\t\r\n', HELLO),
    [echoes('hello', 'either'), WRONG],
    { level: 'should' },
  ),
  draft('with TE', '9110 10.1.4', 'TE is about the response', chunked(HELLO, 'TE: trailers\r\n'), echoes('hello')),
  draft(
    'with a Content-Length in front',
    '9112 6.3',
    BOTH,
    post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', HELLO),
    [rejected(), echoes('hello', 'closed')],
  ),
  draft('with a Content-Length behind', '9112 6.3', BOTH, chunked(HELLO, 'Content-Length: 5\r\n'), [
    rejected(),
    echoes('hello', 'closed'),
  ]),
  draft(
    'a smuggled request in a chunk',
    '9112 6.1',
    BOTH,
    post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '1d\r\nGET /hello HTTP/1.1\r\nX: 12345\r\n0\r\n\r\n'),
    [rejected(), echoes('GET /hello HTTP/1.1\r\nX: 12345', 'closed')],
  ),
  draft('chunked, gzip', '9112 6.3', LAST, post('Transfer-Encoding: chunked, gzip\r\n', HELLO), WRONG),
  draft(
    'gzip, chunked',
    '9112 6.1',
    'an unknown coding is 501',
    post('Transfer-Encoding: gzip, chunked\r\n', HELLO),
    WRONG,
    { level: 'should' },
  ),
  draft('chunked, chunked', '9112 7.1', LAST, post('Transfer-Encoding: chunked, chunked\r\n', HELLO), WRONG),
  draft(
    'identity',
    '9112 6.3',
    'identity was removed; a body without an end is not a request',
    post('Transfer-Encoding: identity\r\nContent-Length: 0\r\n'),
    WRONG,
  ),
  draft('identity, chunked', '9112 6.1', LAST, post('Transfer-Encoding: identity, chunked\r\n', HELLO), WRONG, {
    level: 'should',
  }),
  draft('two lines of chunked', '9112 7.1', LAST, chunked(HELLO, 'Transfer-Encoding: chunked\r\n'), WRONG, {
    level: 'should',
  }),
  draft(
    'chunked, then identity',
    '9112 6.3',
    `${LAST} (CVE-2020-8287)`,
    chunked(HELLO, 'Transfer-Encoding: identity\r\n'),
    WRONG,
  ),
  draft(
    'identity, then chunked',
    '9112 6.3',
    `${LAST} (CVE-2020-8287)`,
    post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n', HELLO),
    WRONG,
    { level: 'should' },
  ),
  draft(
    'a comma in front',
    '9110 5.6.1',
    'empty list members are ignored or rejected',
    post('Transfer-Encoding: ,chunked\r\n', HELLO),
    [echoes('hello', 'either'), WRONG],
  ),
  draft(
    'empty, with a Content-Length',
    '9112 6.1',
    BOTH,
    post('Transfer-Encoding:\r\nContent-Length: 5\r\n', 'hello'),
    WRONG,
    { level: 'should', deliveries: UNSPLIT },
  ),
  ...NOT_CHUNKED.map((value) =>
    draft(`not chunked: ${named(value)}`, '9112 6.1', NEARLY, post(`Transfer-Encoding: ${value}\r\n`, HELLO), WRONG, {
      deliveries: UNSPLIT,
    }),
  ),
  ...['xchunked', '\x0bchunked', 'chunked;a=b'].map((value) =>
    draft(
      `not chunked, with a Content-Length: ${named(value)}`,
      '9112 6.1',
      NEARLY,
      post(`Transfer-Encoding: ${value}\r\nContent-Length: 5\r\n`, 'hello'),
      WRONG,
      { deliveries: UNSPLIT },
    ),
  ),
  draft(
    'in HTTP/1.0',
    '9112 6.1',
    OLD,
    `POST /echo HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${HELLO}`,
    [rejected(400, 501, 505), echoes('hello', 'closed')],
    { http10: [0, 1] },
  ),
  draft(
    'in HTTP/1.0 with keep-alive and a length',
    '9112 6.1',
    OLD,
    `POST /echo HTTP/1.0\r\n${HOST}Connection: keep-alive\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${HELLO}`,
    [rejected(400, 501, 505), echoes('hello', 'closed')],
    { http10: [0, 1] },
  ),
]);
