// Tests which bytes `inform` sends before a response (RFC 9110 section 15.2), and to which clients.

import { expect, test } from 'vitest';
import { fetchHandler } from '../../src/adapters/fetch.ts';
import { wsgi } from '../../src/adapters/wsgi.ts';
import type { Handler } from '../../src/index.ts';
import { ask, get } from '../support/client.ts';
import { startHandler } from '../support/serving.ts';
import { gate } from '../support/until.ts';

const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>; rel=preload\r\n\r\n';

const hints: Handler = (_, response) => {
  response.inform(102);
  response.inform(103, { Link: ['</a.css>; rel=preload', '</b.js>; rel=preload'] });
  response.send(200, {}, 'the answer');
};

test('several interim responses precede their own response, in order', async () => {
  const { connect } = await startHandler(hints);
  const client = await connect();
  client.send(get('/') + get('/'));
  for (let i = 0; i < 2; i++) {
    expect(await client.readUntil('\r\n\r\n')).toBe('HTTP/1.1 102 Processing\r\n\r\n');
    expect(await client.readUntil('\r\n\r\n')).toBe(HINTS);
    expect(await client.readResponse()).toMatchObject({ status: 200, text: 'the answer' });
  }
});

test.each([
  [
    'a WSGI-style application',
    wsgi((environ, startResponse) => {
      environ['epoll_server.inform'](103, { Link: '</a.css>' });
      startResponse('200 OK', []);
      return 'the answer';
    }),
  ],
  [
    'a fetch application',
    fetchHandler(
      async (_request, info) => {
        info.inform(103, { Link: '</a.css>' });
        await undefined;
        return new Response('the answer');
      },
      { overrideGlobals: false },
    ),
  ],
])('%s sends them too', async (_how, handler) => {
  const { connect } = await startHandler(handler);
  const client = await connect();
  for (let i = 0; i < 2; i++) {
    expect(await client.send(get('/')).readUntil('\r\n\r\n')).toBe(
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n',
    );
    expect((await client.readResponse()).text).toBe('the answer');
  }
});

test('they arrive before the response is known', async () => {
  const { opened, open } = gate();
  const { connect } = await startHandler(async (_, response) => {
    response.inform(103, [['Link', '</a.css>']]);
    await opened;
    response.inform(199);
    response.send(204);
  });
  const client = await connect();
  expect(await client.send(get('/')).readUntil('\r\n\r\n')).toBe('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n');
  open();
  expect(await client.readUntil('\r\n\r\n')).toBe('HTTP/1.1 199 \r\n\r\n');
  expect((await client.readResponse()).status).toBe(204);
});

test('HTTP/1.0 clients get none', async () => {
  const { port } = await startHandler(hints);
  expect(await ask(port, 'GET / HTTP/1.0\r\n\r\n')).toMatchObject({ status: 200, text: 'the answer' });
});

test('a 100 that a handler sends is the only one, and the connection continues', async () => {
  const { connect } = await startHandler(async (request, response) => {
    response.inform(100);
    response.send(200, {}, await request.body.text());
  });
  const client = await connect();
  for (let i = 0; i < 2; i++) {
    client.send(`${POST}Expect: 100-continue\r\n\r\n`);
    expect(await client.readUntil('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    const answer = await client.send('hello').readResponse();
    expect([answer.text, answer.field('connection')]).toEqual(['hello', undefined]);
  }
});

test('after a 100 of the handler, an unread body does not end the connection', async () => {
  const { connect } = await startHandler((_, response) => {
    response.inform(100);
    response.send(200, {}, 'without it');
  });
  const client = await connect();
  client.send(`${POST}Expect: 100-continue\r\n\r\nhello`);
  expect(await client.readUntil('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  const answer = await client.readResponse();
  expect([answer.text, answer.field('connection')]).toEqual(['without it', undefined]);
});

const WRONG: readonly (readonly [string, Handler, string])[] = [
  ['101', (_, response) => response.inform(101), 'ERR_INVALID_STATUS'],
  ['200', (_, response) => response.inform(200), 'ERR_INVALID_STATUS'],
  ['99', (_, response) => response.inform(99), 'ERR_INVALID_STATUS'],
  ['103.5', (_, response) => response.inform(103.5), 'ERR_INVALID_STATUS'],
  ['a value that ends its line', (_, response) => response.inform(103, { Link: 'a\r\n\r\nb' }), 'ERR_INVALID_FIELD'],
  ['a length', (_, response) => response.inform(103, { 'Content-Length': 3 }), 'ERR_INVALID_FIELD'],
  ['a coding', (_, response) => response.inform(103, { 'Transfer-Encoding': 'chunked' }), 'ERR_INVALID_FIELD'],
];

test.each(WRONG)('%s is rejected, and nothing of it is sent', async (_what, handler, code) => {
  const { connect, errors } = await startHandler(handler);
  const client = await connect();
  for (let i = 0; i < 2; i++) expect((await client.send(get('/')).readResponse()).status).toBe(500);
  const error = expect.objectContaining({ code });
  expect(errors.splice(0)).toEqual([error, error]);
});

test('an interim response after the response has begun throws', async () => {
  const { port, errors } = await startHandler((_, response) => {
    response.send(200, {}, 'first');
    response.inform(103);
  });
  expect((await ask(port, get('/'))).text).toBe('first');
  expect(errors.splice(0)).toEqual([expect.objectContaining({ code: 'ERR_ALREADY_ANSWERED' })]);
});
