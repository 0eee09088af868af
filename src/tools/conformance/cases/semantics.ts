// Cases: methods, statuses and expectations (RFC 9110 sections 9, 10 and 15).

import type { Case } from '../case.ts';
import {
  ANY_REFUSAL,
  AT_ONCE,
  answered,
  declined,
  draft,
  echoes,
  get,
  group,
  HOST,
  post,
  SERVED,
  SERVED_ONCE,
} from './build.ts';

const HEAD = 'content behind the answer to HEAD is taken for the next answer';
const NO_CONTENT = 'content behind this status is taken for the next answer';
const EXPECT = 'a client that waits for 100 Continue waits for ever, or sends what nobody wants';

const EMPTY = { methods: ['HEAD'], deliveries: AT_ONCE } as const;

export const METHODS: readonly Case[] = group('methods', {}, [
  draft('HEAD', '9110 9.3.2', HEAD, get('', '{page}', 'HEAD'), { ...SERVED, contents: [''] }, { methods: ['HEAD'] }),
  draft(
    'HEAD of what is missing',
    '9110 9.3.2',
    HEAD,
    get('', '/there-is-no-such-page', 'HEAD'),
    answered([200, 301, 302, 307, 308, 403, 404, 405, 410], { contents: [''] }),
    EMPTY,
  ),
  draft(
    'HEAD of an answer of unknown length',
    '9110 9.3.2',
    HEAD,
    get('', '/stream', 'HEAD'),
    answered([200, 405], { contents: [''] }),
    { ...EMPTY, needs: ['stream'] },
  ),
  draft(
    'HEAD in HTTP/1.0',
    '9110 9.3.2',
    HEAD,
    get('', '{page}', 'HEAD', 'HTTP/1.0'),
    { ...SERVED, contents: [''], after: 'closed' },
    { ...EMPTY, old: [0] },
  ),
  draft(
    '204 has no content',
    '9110 15.3.5',
    NO_CONTENT,
    get('', '/status/204'),
    answered([204], { after: 'open', fields: { 'content-length': null, 'transfer-encoding': null } }),
    { needs: ['noContent'] },
  ),
  draft(
    '304 has no content',
    '9110 15.4.5',
    NO_CONTENT,
    get('', '/status/304'),
    answered([304], { after: 'open', fields: { 'transfer-encoding': null } }),
    { needs: ['notModified'] },
  ),
  draft(
    'TRACE',
    '9110 9.3.8',
    'an answer shows what the client, or a proxy, sent in confidence',
    get('X-Secret: s\r\n', '{page}', 'TRACE'),
    declined(...ANY_REFUSAL),
    { level: 'should', methods: ['TRACE'], deliveries: AT_ONCE },
  ),
  draft(
    'CONNECT',
    '9110 9.3.6',
    'a server is no proxy: what follows must not be read as requests either',
    'CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n',
    declined(...ANY_REFUSAL),
    { level: 'should', methods: ['CONNECT'], deliveries: AT_ONCE },
  ),
  draft(
    'CONNECT to a path',
    '9112 3.2.3',
    'only authority-form is allowed',
    get('', '/', 'CONNECT'),
    declined(...ANY_REFUSAL),
    { level: 'should', methods: ['CONNECT'], deliveries: AT_ONCE },
  ),
  draft(
    'OPTIONS of a resource',
    '9110 9.3.7',
    'browsers ask before they send',
    get('', '{page}', 'OPTIONS'),
    answered([200, 204, 400, 403, 404, 405, 501]),
    { level: 'should', methods: ['OPTIONS'], deliveries: AT_ONCE },
  ),
  draft(
    '405 says what is allowed',
    '9110 15.5.6',
    'a server MUST send Allow with 405',
    get('Content-Length: 0\r\n', '{page}', 'DELETE'),
    [answered([405], { fields: { allow: /./ } }), answered([200, 202, 204, 400, 401, 403, 404, 409, 501])],
    { methods: ['DELETE'], deliveries: AT_ONCE },
  ),
  draft(
    'an unknown method',
    '9110 9.1',
    'unrecognized is 501, not allowed 405',
    get('', '{page}', 'FROBNICATE'),
    [answered([400, 403, 404, 405, 501]), declined(400, 501), SERVED_ONCE],
    { level: 'should', methods: ['FROBNICATE'], deliveries: AT_ONCE },
  ),
  ...['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'QUERY', 'REPORT'].map((method) =>
    draft(
      `${method} reaches an application with its content`,
      '9110 9.1',
      'the application decides what a method does',
      `${method} /echo HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
      [echoes('hello', 'either'), declined(...ANY_REFUSAL)],
      { level: 'should', needs: ['echo'], methods: [method], deliveries: AT_ONCE },
    ),
  ),
  draft(
    'an Upgrade that nobody handles',
    '9110 7.8',
    'it is an ordinary field; what follows are requests',
    get(
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
    ),
    [SERVED, declined(400, 404, 426, 501)],
    { deliveries: AT_ONCE },
  ),
  draft(
    'an Upgrade to HTTP/2 with content',
    '9110 7.8',
    'the content is not the new protocol',
    post(
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 5\r\n',
      'hello',
    ),
    [echoes('hello', 'either'), declined(400, 501)],
    { needs: ['echo'], methods: ['POST'], deliveries: AT_ONCE },
  ),
  draft(
    'Date',
    '9110 6.6.1',
    'caches count from it; a server with a clock MUST send it',
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
  draft('in any case', '9110 10.1.1', EXPECT, '', echoes('hello'), {
    deliveries: ['script'],
    steps: [
      { do: 'send', bytes: EXPECTING.replace('100-c', '100-C') },
      { do: 'interim', status: 100 },
      { do: 'send', bytes: 'hello' },
    ],
  }),
  draft('a chunked body is waited for as well', '9110 10.1.1', EXPECT, '', echoes('hello'), {
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
    'clients do not wait for ever',
    `${EXPECTING}hello`,
    echoes('hello'),
  ),
  draft(
    'not in HTTP/1.0',
    '9110 10.1.1',
    'HTTP/1.0 clients take an interim answer for the answer',
    `POST /echo HTTP/1.0\r\n${HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello`,
    { ...echoes('hello', 'closed'), fields: { 'x-interim': null } },
    { old: [0, 1], deliveries: AT_ONCE },
  ),
  draft(
    'another expectation',
    '9110 10.1.1',
    'it cannot be met: 417, or ignored',
    post('Expect: miracles\r\nContent-Length: 5\r\n', 'hello'),
    [echoes('hello', 'either'), declined(417, 400)],
    { deliveries: AT_ONCE },
  ),
  draft(
    'an expectation and another',
    '9110 10.1.1',
    EXPECT,
    post('Expect: 100-continue, miracles\r\nContent-Length: 5\r\n', 'hello'),
    [echoes('hello', 'either'), declined(417, 400)],
    { deliveries: AT_ONCE },
  ),
  draft(
    'without content',
    '9110 10.1.1',
    'there is nothing to wait for',
    get('Expect: 100-continue\r\n'),
    SERVED_ONCE,
    { level: 'should', needs: ['page'], methods: ['GET'] },
  ),
  draft(
    'an application that answers without reading',
    '9110 10.1.1',
    'the final answer says enough; 100 would ask for what nobody wants',
    '',
    answered([200], { contents: ['ignored\n'], fields: { 'x-interim': null } }),
    {
      level: 'should',
      needs: ['ignore'],
      deliveries: ['script'],
      steps: [
        { do: 'send', bytes: post('Expect: 100-continue\r\nContent-Length: 100000\r\n', '', '/ignore') },
        { do: 'answers', count: 1 },
      ],
    },
  ),
]);
