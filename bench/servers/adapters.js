// One adapter with a minimal application: node bench/servers/adapters.js NAME. Names that begin with `node:` are the
// same applications on @hono/node-server, in its default configuration unless the name says otherwise.

import { fetchHandler } from '../../dist/fetch.js';
import { precompileFields, serve, withAsyncContext } from '../../dist/index.js';
import { wsgi, wsgiValidator } from '../../dist/wsgi.js';
import { announce } from './control.js';

const TEXT = 'Hello\n';
const FIELDS = precompileFields({ 'Content-Type': 'text/plain; charset=utf-8' });
const HEADERS = [['Content-Type', 'text/plain; charset=utf-8']];
const NodeResponse = globalThis.Response;

const raw = (_request, response) => response.send(200, FIELDS, TEXT);
const application = (_environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  return TEXT;
};
const hello = () => new Response(TEXT);
const helloOfNode = () => new NodeResponse(TEXT);
const later = async (request) => new Response(`${request.method} ${request.url}\n`, { headers: HEADERS });
const hono = async () => {
  const { Hono } = await import('hono');
  return new Hono().get('/', (context) => context.text(TEXT));
};

/** `Response` is the light class, as in the command. */
const LIGHT = { overrideGlobals: true };

const keepOpen = { timeouts: { keepAliveMs: 3_600_000 }, serverHeader: '' };

async function ours(handler) {
  const server = await serve({ port: 0, ...keepOpen, handler });
  announce(server.port, () => server.stats());
}

async function nodes(fetch, options = {}) {
  const { serve: nodeServe } = await import('@hono/node-server');
  const server = nodeServe({ port: 0, hostname: '127.0.0.1', fetch, ...options }, ({ port }) => announce(port));
  server.keepAliveTimeout = 3_600_000;
}

const ADAPTERS = {
  raw: () => ours(raw),
  isolated: () => ours(withAsyncContext(raw)),
  wsgi: () => ours(wsgi(application)),
  'wsgi validator': () => ours(wsgi(wsgiValidator(application))),
  fetch: () => ours(fetchHandler(hello, LIGHT)),
  'fetch async url': () => ours(fetchHandler(later, LIGHT)),
  'fetch Node Response': () => ours(fetchHandler(helloOfNode)),
  hono: async () => ours(fetchHandler(await hono(), LIGHT)),
  'node: fetch': () => nodes(hello),
  'node: fetch async url': () => nodes(later),
  'node: fetch Node Response': () => nodes(helloOfNode, { overrideGlobalObjects: false }),
  'node: hono': async () => nodes((await hono()).fetch),
};

const name = process.argv[2];
if (name === undefined || !Object.hasOwn(ADAPTERS, name)) {
  process.stderr.write(`adapters: name one of ${Object.keys(ADAPTERS).join(', ')}\n`);
  process.exit(2);
}
await ADAPTERS[name]();
