// Receives and sends streamed bytes through the adapter that its argument names.

import { fetchHandler } from '../../dist/fetch.js';
import { serve } from '../../dist/index.js';
import { wsgi } from '../../dist/wsgi.js';
import { announce } from './control.js';

const PIECE = new Uint8Array(65_536).fill(120);

async function count(body) {
  let bytes = 0;
  for await (const piece of body ?? []) bytes += piece.length;
  return String(bytes);
}

function* pieces(query) {
  for (let left = Number(query); left > 0; left -= PIECE.length) yield PIECE.subarray(0, Math.min(left, PIECE.length));
}

function streamOf(query) {
  const iterator = pieces(query);
  return new ReadableStream({
    pull: (controller) => {
      const { value, done } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

const never = () => new Promise(() => {});

async function* endless() {
  yield 'x';
  await never();
}

const ADAPTERS = {
  raw: async (request, response) => {
    if (request.path === '/up') return response.send(200, {}, await count(request.body));
    response.start(200);
    for (const piece of pieces(request.query)) if (!response.write(piece)) await response.drained();
    response.end();
  },
  wsgi: wsgi(async (environ, startResponse) => {
    if (environ.PATH_INFO === '/never') return never();
    startResponse('200 OK', []);
    if (environ.PATH_INFO === '/endless') return endless();
    return environ.PATH_INFO === '/up' ? count(environ['wsgi.input']) : pieces(environ.QUERY_STRING);
  }),
  fetch: fetchHandler(async (request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname === '/never') return never();
    if (pathname === '/endless') {
      return new Response(
        new ReadableStream({ start: (controller) => controller.enqueue(PIECE.subarray(0, 1)), pull: never }),
      );
    }
    return new Response(pathname === '/up' ? await count(request.body) : streamOf(search.slice(1)));
  }),
};

const server = await serve({
  port: 0,
  limits: { maxBodyBytes: Number.MAX_SAFE_INTEGER },
  handler: ADAPTERS[process.argv[2]],
});
announce(server.port, () => server.stats());
