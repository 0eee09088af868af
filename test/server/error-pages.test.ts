// Tests that error responses of the server are styled pages for browsers and text for other clients, and that a page of a
// site is built once.

import { describe, expect, test } from 'vitest';
import { namesMediaType } from '../../src/http/accept.ts';
import { errorPage } from '../../src/http/error-response.ts';
import type { ServeOptions } from '../../src/index.ts';
import { wsgi } from '../../src/wsgi.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import type { Answer } from '../support/response.ts';
import { start } from '../support/serving.ts';

/** The Accept field of Chromium. */
const BROWSER = 'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

function expectPage(answer: Answer, status: number, phrase: string): void {
  expect([answer.status, answer.field('content-type')]).toEqual([status, 'text/html; charset=utf-8']);
  expect(answer.text).toContain(`<title>${status} ${phrase}</title>`);
  expect(answer.text).toContain(`<h1>${phrase}</h1>`);
  expect(answer.text).toContain('prefers-color-scheme');
  expect(answer.text).not.toMatch(/<script|<link|https?:|url\(/);
  expect(answer.content.length, 'small enough for one packet').toBeLessThan(1_400);
}

describe('files', () => {
  test.each([
    ['GET /none HTTP/1.1', 404, 'Not Found'],
    ['GET /%zz HTTP/1.1', 400, 'Bad Request'],
    ['GET /sub HTTP/1.1', 301, 'Moved Permanently'],
    ['POST /a.txt HTTP/1.1', 405, 'Method Not Allowed'],
    ['BREW /a.txt HTTP/1.1', 501, 'Not Implemented'],
  ])('%s', async (line, status, phrase) => {
    const { port } = await start({ static: await folder({ 'a.txt': 'a', 'sub/x': '' }) });
    for (const accept of [BROWSER, 'Accept: */*', 'X-Other: 1']) {
      const answer = await ask(port, `${line}\r\nHost: x\r\n${accept}\r\n\r\n`);
      expectPage(answer, status, phrase);
      expect(answer.field('x-content-type-options')).toBe('nosniff');
    }
  });
});

type Kind = readonly [what: string, options: ServeOptions, request: string, status: number, phrase: string];

const throwing = wsgi(() => {
  throw new Error('on purpose');
});

const KINDS: readonly Kind[] = [
  ['a range behind the end', {}, get('/a.txt', 'Range: bytes=9-'), 416, 'Range Not Satisfiable'],
  ['a precondition', {}, get('/a.txt', 'If-Match: "x"'), 412, 'Precondition Failed'],
  [
    'a body of announced length',
    { limits: { maxBodyBytes: 3 } },
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n',
    413,
    'Content Too Large',
  ],
  ['a handler that throws', { handler: throwing }, get('/none'), 500, 'Internal Server Error'],
  [
    'a handler that is silent',
    { handler: () => {}, timeouts: { handlerMs: 100 } },
    get('/none'),
    504,
    'Gateway Timeout',
  ],
];

test.each(KINDS)('%s', async (_what, options, request, status, phrase) => {
  const { port, errors } = await start({ static: await folder({ 'a.txt': 'a' }), ...options });
  const page = await ask(port, request.replace('\r\n\r\n', `\r\n${BROWSER}\r\n\r\n`));
  expectPage(page, status, phrase);
  expect(page.field('vary')).toBe('Accept');
  for (const accept of ['Accept: */*', 'Accept: application/json', 'Accept: text/html;q=0', 'X-Other: 1']) {
    const { field, text } = await ask(port, request.replace('\r\n\r\n', `\r\n${accept}\r\n\r\n`));
    expect([field('content-type'), field('vary')], accept).toEqual(['text/plain; charset=utf-8', 'Accept']);
    expect(text).toMatch(/^[^<>\n]+\n$/);
  }
  if (status === 413) expect(page.text).toContain('<p>The body is too large: maxBodyBytes is 3 (raise it with');
  if (status === 504) expect(page.text).toContain(': timeouts.handlerMs is 100 (raise it with --handler-timeout-ms)');
  if (status === 416) expect(page.field('content-range')).toBe('bytes */1');
  errors.splice(0);
});

test('a server with a dynamic folder only sends the same pages', async () => {
  const dynamic = await folder({ 'broken.mjs': 'throw new Error("on purpose");' });
  const { port, errors } = await start({ dynamic });
  expectPage(await ask(port, get('/none', BROWSER)), 404, 'Not Found');
  expect((await ask(port, get('/none'))).text).toBe('Not Found\n');
  expectPage(await ask(port, get('/broken', BROWSER)), 500, 'Internal Server Error');
  expect((await ask(port, get('/broken'))).text).toBe('Internal Server Error\n');
  errors.splice(0);
});

test('the text of a page is escaped', () => {
  expect(errorPage(400, `<b> & "it's"`)).toContain('<p>&lt;b&gt; &amp; &quot;it&#39;s&quot;</p>');
  expect(errorPage(499, 'x'), 'a status without a phrase').toContain('<title>499</title>');
});

test('a media type counts as named in Accept, except with q=0', () => {
  for (const accept of ['text/html', 'a/b, Text/HTML;level=1 ; q=0.2', 'text/html;q=0.001']) {
    expect(namesMediaType(accept, 'text/html'), accept).toBe(true);
  }
  for (const accept of [undefined, '', '*/*', 'text/*', 'text/html;q=0', 'text/html ; q=0.000', 'text/html5']) {
    expect(namesMediaType(accept, 'text/html'), accept).toBe(false);
  }
});
