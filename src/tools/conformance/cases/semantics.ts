// Cases: methods, statuses and expectations (RFC 9110 sections 9, 10 and 15).

import type { Case } from '../case.ts';
import {
  ANY_ERROR,
  declined,
  draft,
  echoes,
  get,
  group,
  HOST,
  post,
  responds,
  SERVED,
  SERVED_ONCE,
  UNSPLIT,
} from './build.ts';

const HEAD = 'content behind the response to HEAD is read as the next response';
const NO_CONTENT = 'content behind this status is read as the next response';
const EXPECT = 'a client that waits for 100 Continue may wait forever, or send content in vain';

const EMPTY = { methods: ['HEAD'], deliveries: UNSPLIT } as const;

export const METHODS: readonly Case[] = group('methods', {}, [
  draft('HEAD', '9110 9.3.2', HEAD, get('', '{page}', 'HEAD'), { ...SERVED, contents: [''] }, { methods: ['HEAD'] }),
  draft(
    'HEAD of a missing page',
    '9110 9.3.2',
    HEAD,
    get('', '/there-is-no-such-page', 'HEAD'),
    responds([200, 301, 302, 307, 308, 403, 404, 405, 410], { contents: [''] }),
    EMPTY,
  ),
  draft(
    'HEAD of a response of unknown length',
    '9110 9.3.2',
    HEAD,
    get('', '/stream', 'HEAD'),
    responds([200, 405], { contents: [''] }),
    { ...EMPTY, needs: ['stream'] },
  ),
  draft(
    'HEAD in HTTP/1.0',
    '9110 9.3.2',
    HEAD,
    get('', '{page}', 'HEAD', 'HTTP/1.0'),
    { ...SERVED, contents: [''], after: 'closed' },
    { ...EMPTY, http10: [0] },
  ),
  draft(
    '204 has no content',
    '9110 15.3.5',
    NO_CONTENT,
    get('', '/status/204'),
    responds([204], { after: 'open', fields: { 'content-length': null, 'transfer-encoding': null } }),
    { needs: ['noContent'] },
  ),
  draft(
    '304 has no content',
    '9110 15.4.5',
    NO_CONTENT,
    get('', '/status/304'),
    responds([304], { after: 'open', fields: { 'transfer-encoding': null } }),
    { needs: ['notModified'] },
  ),
  draft(
    'TRACE',
    '9110 9.3.8',
    'a response reveals secrets that the client or a proxy sent',
    get('X-Secret: s\r\n', '{page}', 'TRACE'),
    declined(...ANY_ERROR),
    { level: 'should', methods: ['TRACE'], deliveries: UNSPLIT },
  ),
  draft(
    'CONNECT',
    '9110 9.3.6',
    'a server is not a proxy; bytes that follow must not be read as requests either',
    'CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n',
    declined(...ANY_ERROR),
    { level: 'should', methods: ['CONNECT'], deliveries: UNSPLIT },
  ),
  draft(
    'CONNECT to a path',
    '9112 3.2.3',
    'only authority-form is allowed',
    get('', '/', 'CONNECT'),
    declined(...ANY_ERROR),
    { level: 'should', methods: ['CONNECT'], deliveries: UNSPLIT },
  ),
  draft(
    'OPTIONS of a resource',
    '9110 9.3.7',
    'browsers send it before cross-origin requests',
    get('', '{page}', 'OPTIONS'),
    responds([200, 204, 400, 403, 404, 405, 501]),
    { level: 'should', methods: ['OPTIONS'], deliveries: UNSPLIT },
  ),
  draft(
    '405 has Allow',
    '9110 15.5.6',
    'a server MUST send Allow with 405',
    get('Content-Length: 0\r\n', '{page}', 'DELETE'),
    [responds([405], { fields: { allow: /./ } }), responds([200, 202, 204, 400, 401, 403, 404, 409, 501])],
    { methods: ['DELETE'], deliveries: UNSPLIT },
  ),
  draft(
    'an unknown method',
    '9110 9.1',
    'an unknown method gets 501, a known one that is not allowed 405',
    get('', '{page}', 'FROBNICATE'),
    [responds([400, 403, 404, 405, 501]), declined(400, 501), SERVED_ONCE],
    { level: 'should', methods: ['FROBNICATE'], deliveries: UNSPLIT },
  ),
  ...['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'QUERY', 'REPORT'].map((method) =>
    draft(
      `${method} reaches an application with its content`,
      '9110 9.1',
      'the application decides what a method does',
      `${method} /echo HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
      [echoes('hello', 'either'), declined(...ANY_ERROR)],
      { level: 'should', needs: ['echo'], methods: [method], deliveries: UNSPLIT },
    ),
  ),
  draft(
    'an Upgrade to an unknown protocol',
    '9110 7.8',
    'the server may ignore Upgrade; requests follow',
    get(
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
    ),
    [SERVED, declined(400, 404, 426, 501)],
    { deliveries: UNSPLIT },
  ),
  draft(
    'an Upgrade to HTTP/2 with content',
    '9110 7.8',
    'the content belongs to the request, not to the new protocol',
    post(
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 5\r\n',
      'hello',
    ),
    [echoes('hello', 'either'), declined(400, 501)],
    { needs: ['echo'], methods: ['POST'], deliveries: UNSPLIT },
  ),
  draft(
    'Date',
    '9110 6.6.1',
    'caches compute the age from it; a server with a clock MUST send it',
    get(),
    {
      ...SERVED,
      fields: {
        date: /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/,
      },
    },
    { deliveries: ['whole'] },
  ),
]);

const EXPECTING = post('Expect: 100-continue\r\nContent-Length: 5\r\n');

export const EXPECTATIONS: readonly Case[] = group('expect', { methods: ['POST'], needs: ['echo'] }, [
  draft('100 Continue comes before the content', '9110 10.1.1', EXPECT, '', echoes('hello'), {
    deliveries: ['script'],
    steps: [
      { do: 'send', bytes: EXPECTING },
      { do: 'interim', status: 100 },
      { do: 'send', bytes: 'hello' },
    ],
  }),
  draft('100-continue in any case', '9110 10.1.1', EXPECT, '', echoes('hello'), {
    deliveries: ['script'],
    steps: [
      { do: 'send', bytes: EXPECTING.replace('100-c', '100-C') },
      { do: 'interim', status: 100 },
      { do: 'send', bytes: 'hello' },
    ],
  }),
  draft('100 Continue comes before chunked content', '9110 10.1.1', EXPECT, '', echoes('hello'), {
    deliveries: ['script'],
    steps: [
      { do: 'send', bytes: post('Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n') },
      { do: 'interim', status: 100 },
      { do: 'send', bytes: '5\r\nhello\r\n0\r\n\r\n' },
    ],
  }),
  draft(
    'content that is sent at once',
    '9110 10.1.1',
    'clients do not wait forever',
    `${EXPECTING}hello`,
    echoes('hello'),
  ),
  draft(
    'not in HTTP/1.0',
    '9110 10.1.1',
    'HTTP/1.0 clients take an interim response for the final one',
    `POST /echo HTTP/1.0\r\n${HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello`,
    { ...echoes('hello', 'closed'), fields: { 'x-interim': null } },
    { http10: [0, 1], deliveries: UNSPLIT },
  ),
  draft(
    'an unknown expectation',
    '9110 10.1.1',
    'it cannot be met: 417, or it is ignored',
    post('Expect: miracles\r\nContent-Length: 5\r\n', 'hello'),
    [echoes('hello', 'either'), declined(417, 400)],
    { deliveries: UNSPLIT },
  ),
  draft(
    '100-continue with an unknown expectation',
    '9110 10.1.1',
    EXPECT,
    post('Expect: 100-continue, miracles\r\nContent-Length: 5\r\n', 'hello'),
    [echoes('hello', 'either'), declined(417, 400)],
    { deliveries: UNSPLIT },
  ),
  draft(
    'without content',
    '9110 10.1.1',
    'there is no content to wait for',
    get('Expect: 100-continue\r\n'),
    SERVED_ONCE,
    { level: 'should', needs: ['page'], methods: ['GET'] },
  ),
  draft(
    'an application that responds without reading',
    '9110 10.1.1',
    'the final response is enough; 100 would request content that is not read',
    '',
    responds([200], { contents: ['ignored\n'], fields: { 'x-interim': null } }),
    {
      level: 'should',
      needs: ['ignore'],
      deliveries: ['script'],
      steps: [
        { do: 'send', bytes: post('Expect: 100-continue\r\nContent-Length: 100000\r\n', '', '/ignore') },
        { do: 'responses', count: 1 },
      ],
    },
  ),
]);
