// Cases: persistence, pipelining, order and the end of connections (RFC 9112 section 9).

import type { Case } from '../case.ts';
import { OF_PAGE } from '../case.ts';
import {
  ANY_REFUSAL,
  AT_ONCE,
  answered,
  chunked,
  draft,
  echoes,
  get,
  group,
  NOT_SERVED,
  post,
  SERVED,
  SERVED_LAST,
  SERVED_ONCE,
} from './build.ts';

const KEEP =
  'who closes when it need not costs every client a handshake, who does not when it must leaves them hanging';
const ORDER = 'answers are matched to requests by their order alone';
const CLOSE = 'after close nothing is a request: what follows may be anybody\u2019s';
const FIN = 'FIN says that no request follows, not that nobody listens';
const RESET = 'a close with unread bytes is a reset, which destroys the answer on its way';

const old = (lines = '', target = '{page}'): string => get(lines, target, 'GET', 'HTTP/1.0');
const LETTERS = Array.from({ length: 10 }, (_, i) => String.fromCharCode(97 + i).repeat(1_000)).join('');

export const CONNECTIONS: readonly Case[] = group('connection', {}, [
  draft(
    'HTTP/1.1 persists',
    '9112 9.3',
    KEEP,
    get() + get(),
    { ...SERVED, statuses: [[OF_PAGE], [OF_PAGE]] },
    { methods: ['GET', 'GET'], level: 'should' },
  ),
  draft('close is obeyed', '9112 9.6', CLOSE, get('Connection: close\r\n'), SERVED_LAST),
  draft(
    'close is said',
    '9112 9.6',
    'a client that pipelines must know which answer is the last',
    get('Connection: close\r\n'),
    { ...SERVED_LAST, fields: { connection: /(?:^|[ ,])close(?:$|[ ,])/i } },
    { level: 'should', deliveries: AT_ONCE },
  ),
  draft(
    'close in upper case',
    '9110 7.6.1',
    'options are case-insensitive',
    get('Connection: CLOSE\r\n'),
    SERVED_LAST,
    { deliveries: AT_ONCE },
  ),
  draft('close in a list', '9110 7.6.1', 'the field is a list', get('Connection: foo, close , bar\r\n'), SERVED_LAST, {
    deliveries: AT_ONCE,
  }),
  draft(
    'close in a second line',
    '9110 5.3',
    'lines of a list are one list',
    get('Connection: foo\r\nConnection: close\r\n'),
    SERVED_LAST,
    { deliveries: AT_ONCE },
  ),
  draft('what only looks like close', '9110 7.6.1', KEEP, get('Connection: closed, notclose\r\n'), SERVED, {
    level: 'should',
    deliveries: AT_ONCE,
  }),
  draft(
    'empty list members',
    '9110 5.6.1',
    'a recipient MUST accept a reasonable number of them',
    get('Connection: , ,foo,,\r\n'),
    SERVED,
  ),
  draft('nothing behind close is served', '9112 9.6', CLOSE, get('Connection: close\r\n') + get(), SERVED_LAST, {
    deliveries: AT_ONCE,
  }),
  draft(
    'garbage behind close is nobody\u2019s',
    '9112 9.6',
    `${CLOSE}; nor does it spoil the answer in front`,
    `${get('Connection: close\r\n')}\x00\x01garbage`,
    SERVED_LAST,
    { deliveries: AT_ONCE },
  ),
  draft('HTTP/1.0 ends', '9112 9.3', KEEP, old(), SERVED_LAST, { old: [0] }),
  draft(
    'HTTP/1.0 that asks to persist',
    '9112 9.3',
    KEEP,
    old('Connection: keep-alive\r\n'),
    [{ ...SERVED, fields: { connection: /keep-alive/i } }, SERVED_LAST],
    { level: 'should', old: [0] },
  ),
  draft(
    'HTTP/1.0 gets no chunks',
    '9112 6.1',
    'HTTP/1.0 clients show them to people',
    old('', '/stream'),
    answered([200], { after: 'closed', contents: [LETTERS], fields: { 'transfer-encoding': null } }),
    { needs: ['stream'], old: [0], deliveries: AT_ONCE },
  ),
  draft(
    'an answer of unknown length ends where it ends',
    '9112 6.3',
    ORDER,
    get('', '/stream'),
    answered([200], { contents: [LETTERS] }),
    { needs: ['stream'], deliveries: AT_ONCE },
  ),
  draft(
    'twenty pipelined',
    '9112 9.3.2',
    ORDER,
    get().repeat(20),
    { ...SERVED, statuses: Array.from({ length: 20 }, () => [OF_PAGE]) },
    { methods: Array.from({ length: 20 }, () => 'GET'), deliveries: ['whole', 'pipelined', 'drip'] },
  ),
  draft(
    'pipelined posts',
    '9112 9.3.2',
    ORDER,
    ['one', 'two', 'six'].map((body) => post('Content-Length: 3\r\n', body)).join(''),
    { kind: 'answers', statuses: [[200], [200], [200]], contents: ['one', 'two', 'six'], after: 'open' },
    { needs: ['echo'], methods: ['POST', 'POST', 'POST'] },
  ),
  draft(
    'lengths, chunks, HEAD and GET mixed',
    '9112 9.3.2',
    ORDER,
    chunked('5\r\nhello\r\n0\r\n\r\n') + get('', '{page}', 'HEAD') + post('Content-Length: 2\r\n', 'hi') + get(),
    {
      kind: 'answers',
      statuses: [[200], [OF_PAGE], [200], [OF_PAGE]],
      contents: ['hello', '', 'hi', null],
      after: 'open',
    },
    { needs: ['echo'], methods: ['POST', 'HEAD', 'POST', 'GET'] },
  ),
  draft(
    'a slow answer in front of a fast one',
    '9112 9.3.2',
    ORDER,
    get('', '/slow?ms=60') + post('Content-Length: 4\r\n', 'fast'),
    { kind: 'answers', statuses: [[200], [200]], contents: ['slow\n', 'fast'], after: 'open' },
    { needs: ['slow', 'echo'], methods: ['GET', 'POST'], deliveries: AT_ONCE },
  ),
  draft(
    'a bad request behind a good one',
    '9112 9.3.2',
    'the good one is answered first',
    `${get()}BAD\x00REQUEST\r\n\r\n`,
    [
      answered([OF_PAGE], { after: 'closed' }),
      { kind: 'answers', statuses: [[OF_PAGE], ANY_REFUSAL], after: 'closed' },
    ],
    { methods: ['GET', 'GET'], deliveries: AT_ONCE },
  ),
  draft(
    'a bad request behind a slow one',
    '9112 9.3.2',
    'the slow one is answered, and first',
    `${get('', '/slow?ms=60')}BAD\x00REQUEST\r\n\r\n`,
    [
      answered([200], { after: 'closed', contents: ['slow\n'] }),
      { kind: 'answers', statuses: [[200], ANY_REFUSAL], contents: ['slow\n', null], after: 'closed' },
    ],
    { needs: ['slow'], methods: ['GET', 'GET'], deliveries: AT_ONCE },
  ),
  draft(
    'CRLF between two requests',
    '9112 2.2',
    'old clients send one behind a POST',
    `${post('Content-Length: 5\r\n', 'hello\r\n')}${get()}`,
    { kind: 'answers', statuses: [[200], [OF_PAGE]], after: 'either' },
    { level: 'should', needs: ['echo'], methods: ['POST', 'GET'], deliveries: AT_ONCE },
  ),
]);

export const ENDS: readonly Case[] = group('ends', { deliveries: ['script'] }, [
  draft('FIN behind a request', '9112 9.6', FIN, '', SERVED_ONCE, {
    level: 'should',
    steps: [{ do: 'send', bytes: get() }, { do: 'finish' }, { do: 'answers', count: 1 }],
  }),
  draft('FIN behind a request that is answered later', '9112 9.6', FIN, '', answered([200], { contents: ['slow\n'] }), {
    level: 'should',
    needs: ['slow'],
    steps: [{ do: 'send', bytes: get('', '/slow?ms=100') }, { do: 'finish' }, { do: 'answers', count: 1 }],
  }),
  draft(
    'FIN behind five',
    '9112 9.6',
    FIN,
    '',
    { ...SERVED_ONCE, statuses: Array.from({ length: 5 }, () => [OF_PAGE]) },
    {
      level: 'should',
      methods: ['GET', 'GET', 'GET', 'GET', 'GET'],
      steps: [{ do: 'send', bytes: get().repeat(5) }, { do: 'finish' }, { do: 'answers', count: 5 }],
    },
  ),
  draft('FIN behind a body', '9112 9.6', FIN, '', echoes('hello', 'either'), {
    level: 'should',
    needs: ['echo'],
    methods: ['POST'],
    steps: [
      { do: 'send', bytes: post('Content-Length: 5\r\n', 'hello') },
      { do: 'finish' },
      { do: 'answers', count: 1 },
    ],
  }),
  draft('FIN in front of everything', '9112 9.6', 'nothing was asked', '', NOT_SERVED, {
    level: 'should',
    steps: [{ do: 'finish' }],
  }),
  draft(
    'a refusal is readable while the client still sends',
    '9112 9.6',
    RESET,
    '',
    { kind: 'answers', statuses: [[400, 413]], after: 'closed' },
    {
      level: 'should',
      methods: ['POST'],
      steps: [
        { do: 'send', bytes: post('Content-Length: abc\r\n') },
        { do: 'send', bytes: 'x'.repeat(262_144) },
        { do: 'answers', count: 1 },
      ],
    },
  ),
  draft(
    'an answer is readable while the client still sends',
    '9112 9.6',
    RESET,
    '',
    answered([200], { contents: ['ignored\n'] }),
    {
      level: 'should',
      needs: ['ignore'],
      methods: ['POST'],
      steps: [
        { do: 'send', bytes: post('Connection: close\r\nContent-Length: 262144\r\n', '', '/ignore') },
        { do: 'send', bytes: 'x'.repeat(262_144) },
        { do: 'answers', count: 1 },
      ],
    },
  ),
]);
