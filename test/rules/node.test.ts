// Tests rules in front of applications of node:http, which write their messages themselves.

import type { RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { nodeApplication } from '../../src/adapters/node/application.ts';
import type { ServeOptions } from '../../src/index.ts';
import { connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { startHandler } from '../support/serving.ts';

const listener: RequestListener = (request, response) => {
  const { url = '', headers } = request;
  if (url.startsWith('/lost')) response.statusCode = 404;
  response.setHeader('X-App', '1');
  response.setHeader('Vary', 'Accept');
  if (url.startsWith('/early')) {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    response.end('early');
  } else if (url.startsWith('/parts')) {
    response.write('one, ');
    setImmediate(() => response.end('two'));
  } else if (url.startsWith('/length')) {
    response.setHeader('Content-Length', 3);
    response.write('a');
    response.end(Buffer.from('bc'));
  } else response.end(`${url} ${headers['x-sent'] ?? ''}`);
};

/** What is used here of Express, which has no types of its own. */
interface Express extends RequestListener {
  get(path: string, handler: RequestListener): void;
}

const express: () => Express = createRequire(import.meta.url)('express');
const application = express();
application.get('/x', (_request, response) => void response.setHeader('X-App', '1').end('/x sent'));

describe.each([
  ['a listener', listener],
  ['express', application],
])('%s', (name, app) => {
  test('fields, CORS and rewrites', async () => {
    const rules = {
      headers: ['/**: X-Rule: 2', '/**: -X-Powered-By', '/**: X-App: 3'],
      cors: { origins: 'https://a.example' },
      rewrites: '/old -> /x',
    };
    const { connect: open } = await startHandler(await nodeApplication(app), { rules });
    const client = await open();
    for (const target of ['/x', '/old', '/x']) {
      const answer = await client.send(get(target, 'X-Sent: sent', 'Origin: https://a.example')).readResponse();
      const fields = ['x-rule', 'x-app', 'access-control-allow-origin', 'x-powered-by'].map((each) =>
        answer.field(each),
      );
      expect([answer.status, answer.text, ...fields], target).toEqual([
        200,
        '/x sent',
        '2',
        '3',
        'https://a.example',
        undefined,
      ]);
      expect(answer.field('vary'), name).toContain('Origin');
    }
  });

  test('other content in place of a response', async () => {
    const root = await folder({ 'page.html': 'a page' });
    const { connect: open } = await startHandler(await nodeApplication(app), {
      rules: {
        errorPages: `404 ${root}/page.html`,
        rewrites: '/lost/found -> /x if-missing',
        headers: '/**: X-Rule: 2',
      },
    });
    const client = await open();
    for (const [target, status, text] of [
      ['/lost', 404, 'a page'],
      ['/lost/found', 200, '/x sent'],
      ['/lost/a', 404, 'a page'],
    ] as const) {
      const answer = await client.send(get(target, 'X-Sent: sent')).readResponse();
      expect([answer.status, answer.text, answer.field('x-rule')]).toEqual([status, text, '2']);
    }
  });
});

test.each<[string, ServeOptions['rules']]>([
  ['fields', { headers: '/**: X-Rule: 2' }],
  ['an error page', { headers: '/**: X-Rule: 2', rewrites: '/** -> /other if-missing' }],
])('messages in parts keep their frames: %s', async (_what, rules) => {
  const { port } = await startHandler(await nodeApplication(listener), { rules });
  const client = await connect(port);
  const parts = await client.send(get('/parts')).readResponse();
  expect([parts.text, parts.field('transfer-encoding'), parts.field('x-rule')]).toEqual(['one, two', 'chunked', '2']);
  const counted = await client.send(get('/length')).readResponse();
  expect([counted.text, counted.field('content-length'), counted.field('x-rule')]).toEqual(['abc', '3', '2']);
  client.send(get('/early'));
  expect(await client.readUntil('\r\n\r\n')).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: /);
  const early = await client.readResponse();
  expect([early.text, early.field('x-rule')]).toEqual(['early', '2']);
  const head = await client.send(get('/x').replace('GET', 'HEAD')).readResponse({ head: true });
  expect([head.status, head.field('x-rule'), head.text]).toEqual([200, '2', '']);
  const last = await client.send(get('/x', 'Connection: close')).readResponse();
  expect([last.field('connection'), last.field('x-rule')]).toEqual(['close', '2']);
  expect(await client.closed()).toBe('fin');
});
