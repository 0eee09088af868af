// Cases: persistence, pipelining, order and the end of connections (RFC 9112 section 9).

import type { Case } from '../case.ts';
import { PAGE_STATUS } from '../case.ts';
import {
  ANY_ERROR,
  chunked,
  draft,
  echoes,
  get,
  group,
  NOT_SERVED,
  post,
  responds,
  SERVED,
  SERVED_LAST,
  SERVED_ONCE,
  UNSPLIT,
} from './build.ts';

const KEEP = 'a needless close costs every client a handshake; a missing close leaves the client waiting';
const ORDER = 'responses are matched to requests by their order alone';
const CLOSE = 'bytes after close are not a request: their origin is unknown';
const FIN = 'FIN means that no request follows; the client still reads';
const RESET = 'closing with unread bytes sends a reset, which destroys the response in transit';

const http10 = (lines = '', target = '{page}'): string => get(lines, target, 'GET', 'HTTP/1.0');
const LETTERS = Array.from({ length: 10 }, (_, i) => String.fromCharCode(97 + i).repeat(1_000)).join('');

export const CONNECTIONS: readonly Case[] = group('connection', {}, [
  draft(
    'HTTP/1.1 persists',
    '9112 9.3',
    KEEP,
    get() + get(),
    { ...SERVED, statuses: [[PAGE_STATUS], [PAGE_STATUS]] },
    { methods: ['GET', 'GET'], level: 'should' },
  ),
  draft('close ends the connection', '9112 9.6', CLOSE, get('Connection: close\r\n'), SERVED_LAST),
  draft(
    'the response announces close',
    '9112 9.6',
    'a client that pipelines must know which response is the last',
    get('Connection: close\r\n'),
    { ...SERVED_LAST, fields: { connection: /(?:^|[ ,])close(?:$|[ ,])/i } },
    { level: 'should', deliveries: UNSPLIT },
  ),
  draft(
    'close in upper case',
    '9110 7.6.1',
    'options are case-insensitive',
    get('Connection: CLOSE\r\n'),
    SERVED_LAST,
    { deliveries: UNSPLIT },
  ),
  draft('close in a list', '9110 7.6.1', 'the field is a list', get('Connection: foo, close , bar\r\n'), SERVED_LAST, {
    deliveries: UNSPLIT,
  }),
  draft(
    'close in a second line',
    '9110 5.3',
    'several lines of a list field are one list',
    get('Connection: foo\r\nConnection: close\r\n'),
    SERVED_LAST,
    { deliveries: UNSPLIT },
  ),
  draft('what only looks like close', '9110 7.6.1', KEEP, get('Connection: closed, notclose\r\n'), SERVED, {
    level: 'should',
    deliveries: UNSPLIT,
  }),
  draft(
    'empty list members',
    '9110 5.6.1',
    'a recipient MUST accept a reasonable number of them',
    get('Connection: , ,foo,,\r\n'),
    SERVED,
  ),
  draft('nothing behind close is served', '9112 9.6', CLOSE, get('Connection: close\r\n') + get(), SERVED_LAST, {
    deliveries: UNSPLIT,
  }),
  draft(
    'garbage behind close is ignored',
    '9112 9.6',
    `${CLOSE}; they must not affect the response before them`,
    `${get('Connection: close\r\n')}\x00\x01garbage`,
    SERVED_LAST,
    { deliveries: UNSPLIT },
  ),
  draft('HTTP/1.0 closes', '9112 9.3', KEEP, http10(), SERVED_LAST, { http10: [0] }),
  draft(
    'HTTP/1.0 with keep-alive',
    '9112 9.3',
    KEEP,
    http10('Connection: keep-alive\r\n'),
    [{ ...SERVED, fields: { connection: /keep-alive/i } }, SERVED_LAST],
    { level: 'should', http10: [0] },
  ),
  draft(
    'HTTP/1.0 gets no chunks',
    '9112 6.1',
    'HTTP/1.0 clients would show the chunk sizes as content',
    http10('', '/stream'),
    responds([200], { after: 'closed', contents: [LETTERS], fields: { 'transfer-encoding': null } }),
    { needs: ['stream'], http10: [0], deliveries: UNSPLIT },
  ),
  draft(
    'a response of unknown length ends with the connection',
    '9112 6.3',
    ORDER,
    get('', '/stream'),
    responds([200], { contents: [LETTERS] }),
    { needs: ['stream'], deliveries: UNSPLIT },
  ),
  draft(
    'twenty pipelined',
    '9112 9.3.2',
    ORDER,
    get().repeat(20),
    { ...SERVED, statuses: Array.from({ length: 20 }, () => [PAGE_STATUS]) },
    { methods: Array.from({ length: 20 }, () => 'GET'), deliveries: ['whole', 'pipelined', 'drip'] },
  ),
  draft(
    'pipelined posts',
    '9112 9.3.2',
    ORDER,
    ['one', 'two', 'six'].map((body) => post('Content-Length: 3\r\n', body)).join(''),
    { kind: 'responses', statuses: [[200], [200], [200]], contents: ['one', 'two', 'six'], after: 'open' },
    { needs: ['echo'], methods: ['POST', 'POST', 'POST'] },
  ),
  draft(
    'lengths, chunks, HEAD and GET mixed',
    '9112 9.3.2',
    ORDER,
    chunked('5\r\nhello\r\n0\r\n\r\n') + get('', '{page}', 'HEAD') + post('Content-Length: 2\r\n', 'hi') + get(),
    {
      kind: 'responses',
      statuses: [[200], [PAGE_STATUS], [200], [PAGE_STATUS]],
      contents: ['hello', '', 'hi', null],
      after: 'open',
    },
    { needs: ['echo'], methods: ['POST', 'HEAD', 'POST', 'GET'] },
  ),
  draft(
    'a slow response in front of a fast one',
    '9112 9.3.2',
    ORDER,
    get('', '/slow?ms=60') + post('Content-Length: 4\r\n', 'fast'),
    { kind: 'responses', statuses: [[200], [200]], contents: ['slow\n', 'fast'], after: 'open' },
    { needs: ['slow', 'echo'], methods: ['GET', 'POST'], deliveries: UNSPLIT },
  ),
  draft(
    'a bad request behind a good one',
    '9112 9.3.2',
    'the valid request gets its response first',
    `${get()}BAD\x00REQUEST\r\n\r\n`,
    [
      responds([PAGE_STATUS], { after: 'closed' }),
      { kind: 'responses', statuses: [[PAGE_STATUS], ANY_ERROR], after: 'closed' },
    ],
    { methods: ['GET', 'GET'], deliveries: UNSPLIT },
  ),
  draft(
    'a bad request behind a slow one',
    '9112 9.3.2',
    'the slow request gets its response first',
    `${get('', '/slow?ms=60')}BAD\x00REQUEST\r\n\r\n`,
    [
      responds([200], { after: 'closed', contents: ['slow\n'] }),
      { kind: 'responses', statuses: [[200], ANY_ERROR], contents: ['slow\n', null], after: 'closed' },
    ],
    { needs: ['slow'], methods: ['GET', 'GET'], deliveries: UNSPLIT },
  ),
  draft(
    'CRLF between two requests',
    '9112 2.2',
    'old clients send one behind a POST',
    `${post('Content-Length: 5\r\n', 'hello\r\n')}${get()}`,
    { kind: 'responses', statuses: [[200], [PAGE_STATUS]], after: 'either' },
    { level: 'should', needs: ['echo'], methods: ['POST', 'GET'], deliveries: UNSPLIT },
  ),
]);

export const ENDS: readonly Case[] = group('ends', { deliveries: ['script'] }, [
  draft('FIN behind a request', '9112 9.6', FIN, '', SERVED_ONCE, {
    level: 'should',
    steps: [{ do: 'send', bytes: get() }, { do: 'finish' }, { do: 'responses', count: 1 }],
  }),
  draft('FIN behind a request with a late response', '9112 9.6', FIN, '', responds([200], { contents: ['slow\n'] }), {
    level: 'should',
    needs: ['slow'],
    steps: [{ do: 'send', bytes: get('', '/slow?ms=100') }, { do: 'finish' }, { do: 'responses', count: 1 }],
  }),
  draft(
    'FIN behind five',
    '9112 9.6',
    FIN,
    '',
    { ...SERVED_ONCE, statuses: Array.from({ length: 5 }, () => [PAGE_STATUS]) },
    {
      level: 'should',
      methods: ['GET', 'GET', 'GET', 'GET', 'GET'],
      steps: [{ do: 'send', bytes: get().repeat(5) }, { do: 'finish' }, { do: 'responses', count: 5 }],
    },
  ),
  draft('FIN behind a body', '9112 9.6', FIN, '', echoes('hello', 'either'), {
    level: 'should',
    needs: ['echo'],
    methods: ['POST'],
    steps: [
      { do: 'send', bytes: post('Content-Length: 5\r\n', 'hello') },
      { do: 'finish' },
      { do: 'responses', count: 1 },
    ],
  }),
  draft('FIN in front of everything', '9112 9.6', 'there is no request to respond to', '', NOT_SERVED, {
    level: 'should',
    steps: [{ do: 'finish' }],
  }),
  draft(
    'an error is readable while the client still sends',
    '9112 9.6',
    RESET,
    '',
    { kind: 'responses', statuses: [[400, 413]], after: 'closed' },
    {
      level: 'should',
      methods: ['POST'],
      steps: [
        { do: 'send', bytes: post('Content-Length: abc\r\n') },
        { do: 'send', bytes: 'x'.repeat(262_144) },
        { do: 'responses', count: 1 },
      ],
    },
  ),
  draft(
    'a response is readable while the client still sends',
    '9112 9.6',
    RESET,
    '',
    responds([200], { contents: ['ignored\n'] }),
    {
      level: 'should',
      needs: ['ignore'],
      methods: ['POST'],
      steps: [
        { do: 'send', bytes: post('Connection: close\r\nContent-Length: 262144\r\n', '', '/ignore') },
        { do: 'send', bytes: 'x'.repeat(262_144) },
        { do: 'responses', count: 1 },
      ],
    },
  ),
]);
