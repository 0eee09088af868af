// A fetch application for the fuzz run.
import { checkedPort, piecesOf, plannedFailure } from './shared.js';

/** Content of the wrong format is a client error: 400. */
async function orBadRequest(response) {
  try {
    return await response();
  } catch (error) {
    const isClients = error instanceof TypeError || error instanceof SyntaxError;
    if (isClients) return new Response('wrong format', { status: 400 });
    throw error;
  }
}

const ROUTES = {
  '/echo': async (request) => new Response(await request.bytes()),
  '/text': async (request) => new Response(await request.text()),
  '/pass': (request) => new Response(request.body),
  '/stream': (_request, query) => new Response(ReadableStream.from(piecesOf(query))),
  '/taste': async (request) => {
    await request.body?.getReader().read();
    return new Response('tasted');
  },
  '/clone': async (request) => {
    const other = request.clone();
    const [one, two] = await Promise.all([request.text(), other.text()]);
    return new Response(one === two ? one : 'the clone differs');
  },
  '/form': (request) =>
    orBadRequest(async () => {
      const form = await request.formData();
      return Response.json([...form].map(([name, value]) => [name, typeof value === 'string' ? value : value.size]));
    }),
  '/json': (request) => orBadRequest(async () => Response.json(await request.json())),
  '/inspect': async (request) => {
    const { byteLength } = await request.arrayBuffer();
    return Response.json({ method: request.method, url: request.url, headers: [...request.headers], byteLength });
  },
  '/whoami': async (_request, query, info) => new Response(await checkedPort(query, () => info.remote.port)),
  '/ignore': () => new Response('ignored'),
  '/throw': () => {
    throw plannedFailure();
  },
  '/breaks': () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(10)),
        pull: (controller) => controller.error(plannedFailure()),
      }),
    ),
};

export default {
  fetch(request, info) {
    const { pathname, search } = new URL(request.url);
    const route = ROUTES[pathname];
    if (route !== undefined) return route(request, search.slice(1), info);
    return new Response(`fetch ${pathname}\n`, { status: pathname === '/' ? 200 : 404 });
  },
};
