// Tests the reason phrase of the status line for each adapter.

import { describe, expect, test } from 'vitest';
import { fetchHandler } from '../../src/adapters/fetch.ts';
import { wsgi } from '../../src/adapters/wsgi.ts';
import { Response as LightResponse } from '../../src/fetch/response.ts';
import { type Handler, precompileFields } from '../../src/index.ts';
import { ask, get } from '../support/client.ts';
import { startHandler } from '../support/serving.ts';

const PLAIN = precompileFields({ 'Content-Type': 'text/plain' });

/** The status and reason phrase that the handlers below send for `/STATUS/REASON`, or without one. */
function askedOf(path: string): { status: number; reason: string | undefined } {
  const [, status = '', reason] = path.split('/');
  return { status: Number(status), reason: reason === undefined ? undefined : decodeURIComponent(reason) };
}

/** A fetch application, which may return any object with the members of a Response. */
function fetching(respond: (status: number, statusText: string) => object): Handler {
  return fetchHandler(
    ({ url }) => {
      const { status, reason = '' } = askedOf(new URL(url).pathname);
      return Object(respond(status, reason));
    },
    { overrideGlobals: false },
  );
}

const HANDLERS: readonly (readonly [string, Handler])[] = [
  [
    'a raw handler that sends',
    ({ path }, response) => {
      const { status, reason } = askedOf(path);
      response.reasonPhrase = reason;
      response.send(status, PLAIN, 'content');
    },
  ],
  [
    'a raw handler that starts',
    ({ path }, response) => {
      const { status, reason } = askedOf(path);
      response.reasonPhrase = reason;
      expect(response.reasonPhrase).toBe(reason);
      response.start(status, PLAIN);
      response.end('content');
    },
  ],
  [
    'a WSGI-style application',
    wsgi(({ PATH_INFO }, startResponse) => {
      const [, status, ...reason] = PATH_INFO.split('/');
      startResponse([status, ...reason].join(' '), [['Content-Type', 'text/plain']]);
      return 'content';
    }),
  ],
  [
    'a WSGI-style application that yields',
    wsgi(({ PATH_INFO }, startResponse) => {
      const [, status, ...reason] = PATH_INFO.split('/');
      startResponse([status, ...reason].join(' '), [['Content-Type', 'text/plain']]);
      return (function* () {
        yield 'content';
      })();
    }),
  ],
  ['a fetch application', fetching((status, statusText) => new LightResponse('content', { status, statusText }))],
  [
    "a fetch application with a Response of Node's",
    fetching((status, statusText) => new Response('content', { status, statusText })),
  ],
  [
    'a fetch application with a Response of another kind',
    fetching((status, statusText) => ({
      status,
      statusText,
      headers: new Map(),
      body: new Blob(['content']).stream(),
    })),
  ],
];

describe.each(HANDLERS)('%s', (_who, handler) => {
  test('sends its own reason phrase, else the standard one, and never that of another status', async () => {
    const { connect } = await startHandler(handler);
    const client = await connect();
    const lines = [];
    for (const path of [
      '/200',
      '/200/Odd%20Text',
      '/200',
      '/299/Odd%20Text',
      '/200/OK',
      '/404/Gone%20%C3%A4',
      '/404',
    ]) {
      const { status, reason } = await client.send(get(path)).readResponse();
      lines.push(`${status} ${reason}`);
    }
    expect(lines).toEqual([
      '200 OK',
      '200 Odd Text',
      '200 OK',
      '299 Odd Text',
      '200 OK',
      '404 Gone ä',
      '404 Not Found',
    ]);
  });
});

test('it may be empty', async () => {
  const { connect } = await startHandler((_, response) => {
    response.reasonPhrase = '';
    response.send(200, {}, '');
  });
  const client = await connect();
  expect(await client.send(get('/')).readUntil('\r\n')).toBe('HTTP/1.1 200 \r\n');
});

const WRONG: readonly (readonly [string, Handler, string])[] = [
  [
    'a line end',
    (_, response) => {
      response.reasonPhrase = 'OK\r\nSet-Cookie: evil';
    },
    'ERR_INVALID_REASON',
  ],
  [
    'a character beyond Latin-1',
    (_, response) => {
      response.reasonPhrase = '€';
    },
    'ERR_INVALID_REASON',
  ],
  ['no text', (_, response) => void Reflect.set(response, 'reasonPhrase', 7), 'ERR_INVALID_REASON'],
  [
    'a line end of a WSGI-style application',
    wsgi((_environ, startResponse) => {
      startResponse('200 O\nK', []);
      return '';
    }),
    'ERR_APPLICATION',
  ],
];

test.each(WRONG)('%s is rejected', async (_what, handler, code) => {
  const { connect, errors } = await startHandler(handler);
  const client = await connect();
  for (let i = 0; i < 2; i++) {
    const answer = await client.send(get('/')).readResponse();
    expect([answer.status, answer.reason, answer.field('set-cookie')]).toEqual([
      500,
      'Internal Server Error',
      undefined,
    ]);
  }
  const error = expect.objectContaining({ code });
  expect(errors.splice(0)).toEqual([error, error]);
});

test('a handler that fails before its response has begun leaves no reason phrase behind', async () => {
  const { port, errors } = await startHandler((_, response) => {
    response.reasonPhrase = 'Splendid';
    throw new Error('boom');
  });
  expect(await ask(port, get('/'))).toMatchObject({ status: 500, reason: 'Internal Server Error' });
  expect(errors.splice(0)).toHaveLength(1);
});

test('setting it after the response has begun throws', async () => {
  const { port, errors } = await startHandler((_, response) => {
    response.send(200, {}, 'first');
    response.reasonPhrase = 'Late';
  });
  expect(await ask(port, get('/'))).toMatchObject({ reason: 'OK', text: 'first' });
  expect(errors.splice(0)).toEqual([expect.objectContaining({ code: 'ERR_ALREADY_ANSWERED' })]);
});
