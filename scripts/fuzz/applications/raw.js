// A raw handler for the fuzz run: `--app raw.js:application --adapter raw`.
import { checkedPort, piecesOf, plannedFailure } from './shared.js';

async function stream(response, pieces) {
  response.start(200, { 'Content-Type': 'text/plain' });
  for await (const piece of pieces) {
    if (response.ended) return;
    if (!response.write(piece)) await response.drained();
  }
  response.end();
}

const ROUTES = {
  '/echo': async (request, response) => response.send(200, {}, await request.body.bytes()),
  '/text': async (request, response) => response.send(200, {}, await request.body.text()),
  '/pass': (request, response) => stream(response, request.body),
  '/stream': (request, response) => stream(response, piecesOf(request.query)),
  '/taste': async (request, response) => {
    await request.body.read();
    response.send(200, {}, 'tasted');
  },
  '/inspect': async (request, response) => {
    const { length } = await request.body.bytes();
    const { method, path, host, httpVersion } = request;
    const fields = request.headers();
    const { trailers } = request.body;
    response.send(200, {}, JSON.stringify({ method, path, host, httpVersion, length, fields, trailers }));
  },
  '/whoami': async (request, response) =>
    response.send(200, {}, await checkedPort(request.query, () => request.remote.port)),
  '/ignore': (_request, response) => response.send(200, {}, 'ignored'),
  '/throw': () => {
    throw plannedFailure();
  },
  '/breaks': async (_request, response) => {
    response.start(200, {});
    response.write('half of it');
    await null;
    throw plannedFailure();
  },
};

export function application(request, response) {
  const route = ROUTES[request.path];
  if (route !== undefined) return route(request, response);
  response.send(request.path === '/' ? 200 : 404, { 'Content-Type': 'text/plain' }, `raw ${request.path}\n`);
}
