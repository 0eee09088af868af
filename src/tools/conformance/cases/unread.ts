// Cases: request content that is not read (RFC 9112 section 9.3).

import type { Case } from '../case.ts';
import { ANY_ERROR, draft, get, group, HOST, responds, UNSPLIT } from './build.ts';

const UNREAD = 'unread content must not become the next request (CL.0 smuggling)';

const INNER = 'GET /hello HTTP/1.1\r\nHost: a\r\nX-Smuggled: 1\r\n\r\n';
const SIZE = INNER.length.toString(16);
const ALIGNED = [
  responds([...Array.from({ length: 300 }, (_, i) => 200 + i), 500, 501, 505]),
  { kind: 'rejected', statuses: ANY_ERROR, after: 'closed' },
] as const;

const UNWANTED = [
  ['a GET of the page', 'GET', '{page}', 'page'],
  ['a HEAD of the page', 'HEAD', '{page}', 'page'],
  ['a POST to the page', 'POST', '{page}', 'page'],
  ['a missing page', 'POST', '/there-is-no-such-page', 'page'],
  ['OPTIONS of the server', 'OPTIONS', '*', 'page'],
  ['TRACE', 'TRACE', '/', 'page'],
  ['an unknown method', 'FROBNICATE', '{page}', 'page'],
  ['an application that does not read', 'POST', '/ignore', 'ignore'],
  ['an application that fails', 'POST', '/throw', 'throws'],
  ['204', 'POST', '/status/204', 'noContent'],
  ['304', 'GET', '/status/304', 'notModified'],
] as const;

export const UNREAD_CONTENT: readonly Case[] = group('unread', { deliveries: UNSPLIT }, [
  ...UNWANTED.map(([name, method, target, part]) =>
    draft(
      `${name}, with a length`,
      '9112 9.3',
      UNREAD,
      get(`Content-Length: ${INNER.length}\r\n`, target, method) + INNER,
      ALIGNED,
      { needs: [part], methods: [method] },
    ),
  ),
  ...UNWANTED.map(([name, method, target, part]) =>
    draft(
      `${name}, in chunks`,
      '9112 9.3',
      UNREAD,
      `${get('Transfer-Encoding: chunked\r\n', target, method)}${SIZE}\r\n${INNER}\r\n0\r\n\r\n`,
      ALIGNED,
      { needs: [part], methods: [method] },
    ),
  ),
  draft(
    'an Upgrade with content',
    '9112 9.3',
    UNREAD,
    `POST {page} HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`,
    ALIGNED,
    { methods: ['POST'] },
  ),
]);
