// Handlers that block their pool thread in different ways: raw ones, and one WSGI-style application.

import { threadId } from 'node:worker_threads';

const forEver = () => new Promise(() => {});

/** A value of the query. */
const asked = ({ query }, name) => Number(new URLSearchParams(query).get(name));

const routes = {
  '/thread': (_request, response) => response.send(200, {}, String(threadId)),
  '/computes': (_request, response) => {
    response.start(200);
    response.write('begun');
    for (;;);
  },
  '/waits': (_request, response) => {
    response.start(200);
    response.write('begun');
    return forEver();
  },
  '/answers-and-computes': (_request, response) => {
    response.send(200, {}, 'answered');
    for (;;);
  },
  '/answers-and-waits': (_request, response) => {
    response.send(200, {}, 'answered');
    return forEver();
  },
  '/fails-and-waits': (_request, response) => {
    response.send(99);
    return forEver();
  },
  '/floods': (_request, response) => {
    response.start(200);
    // Pieces large enough that filling the buffers of a socket does not take a million messages.
    for (;;) response.write('x'.repeat(64));
  },
  '/lines': (request, response) => {
    response.start(200);
    for (let i = 0; i < asked(request, 'n'); i++) response.write(`line ${i}\n`);
    response.end();
  },
  '/echo': async (request, response) => {
    response.start(200);
    response.write('begun ');
    for await (const piece of request.body) response.write(piece);
    response.end();
  },
  '/pieces': async (request, response) => {
    response.start(200);
    for (let i = 0; i < asked(request, 'n'); i++) if (!response.write('x'.repeat(50_000))) await response.drained();
    response.end();
  },
};

export const handler = (request, response) => routes[request.path](request, response);

/** Its body is complete, but never ends. */
export function application(_environ, startResponse) {
  startResponse('200 OK', [['Content-Length', '5']]);
  return { [Symbol.iterator]: () => ['whole'].values(), close: forEver };
}
