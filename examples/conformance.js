// The site for conformance checkers: files of a folder, and an application that shows its requests, through an adapter.
// `epoll-server conform` lists which of these parts a case needs.
//   node examples/conformance.js PORT ROOT [--adapter=raw|wsgi|fetch|node] [--backend=NAME] [--TIMEOUT=MS ...]

import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { serve } from 'epoll-server';
import { fetchHandler } from 'epoll-server/fetch';
import { nodeApplication } from 'epoll-server/node';
import { wsgi } from 'epoll-server/wsgi';

const MAX_BYTES = 64 * 1024 * 1024;
const LETTERS = [...'abcdefghij'].map((letter) => letter.repeat(1000));

/** A whole number of a query, from 0 to `most`. */
function number(query, name, most) {
  const asked = Math.trunc(Number(new URLSearchParams(query).get(name) ?? 0)) || 0;
  return Math.min(Math.max(asked, 0), most);
}

/** The value that the client requests for X-Val, decoded as an application would do it. */
function askedValue(query) {
  return decodeURIComponent(/(?:^|&)v=([^&]*)/.exec(query)?.[1] ?? '');
}

function fails() {
  throw new Error('this route always throws');
}

/** The routes as raw handlers. */
const RAW = {
  '/hello': ({ method }, response) => {
    if (method === 'GET' || method === 'HEAD') response.send(200, { 'Content-Type': 'text/plain' }, 'hello\n');
    else response.send(405, { Allow: 'GET, HEAD' });
  },
  '/echo': async (request, response) => response.send(200, {}, await request.body.bytes()),
  '/inspect': async (request, response) => {
    const { method, target } = request;
    const headers = request.headers();
    const { length: bodyLength } = await request.body.bytes();
    const seen = { method, target, headers, bodyLength, trailers: request.body.trailers };
    response.send(200, { 'Content-Type': 'application/json' }, JSON.stringify(seen));
  },
  '/stream': async (_request, response) => {
    response.start(200, { 'Content-Type': 'text/plain' });
    for (const piece of LETTERS) {
      if (!response.write(piece)) await response.drained();
      await null;
    }
    response.end();
  },
  '/slow': async ({ query }, response) => {
    await pause(number(query, 'ms', 60_000));
    response.send(200, {}, 'slow\n');
  },
  '/bytes': ({ query }, response) => response.send(200, {}, Buffer.alloc(number(query, 'n', MAX_BYTES), 'x')),
  '/ignore': (_request, response) => response.send(200, {}, 'ignored\n'),
  '/setheader': ({ query }, response) => response.send(200, { 'X-Val': askedValue(query) }, 'set\n'),
  '/status/204': (_request, response) => response.send(204),
  '/status/304': (_request, response) => response.send(304),
  '/throw': fails,
};

/** What a WSGI-style application can see of a request: environ joins repeated fields and decodes the path. */
function seenBy(environ, bodyLength) {
  const { REQUEST_METHOD: method, PATH_INFO, QUERY_STRING } = environ;
  const headers = Object.entries(environ).filter(([key]) => key.startsWith('HTTP_'));
  const named = headers.map(([key, value]) => [key.slice(5).toLowerCase().replaceAll('_', '-'), value]);
  const [length, type] = [environ.CONTENT_LENGTH, environ.CONTENT_TYPE];
  if (length !== '') named.push(['content-length', length]);
  if (type !== '') named.push(['content-type', type]);
  const target = QUERY_STRING === '' ? PATH_INFO : `${PATH_INFO}?${QUERY_STRING}`;
  return { method, target, headers: named, bodyLength, trailers: environ['wsgi.input'].trailers };
}

/** The same routes as a WSGI-style application: each returns its status, its fields and its body. */
const WSGI = {
  '/hello': ({ REQUEST_METHOD: method }) =>
    method === 'GET' || method === 'HEAD' ? ['200 OK', [], 'hello\n'] : ['405 No', [['Allow', 'GET, HEAD']], ''],
  '/echo': async (environ) => ['200 OK', [], await environ['wsgi.input'].bytes()],
  '/inspect': async (environ) => {
    const { length } = await environ['wsgi.input'].bytes();
    return ['200 OK', [], JSON.stringify(seenBy(environ, length))];
  },
  '/stream': () => ['200 OK', [], LETTERS.values()],
  '/slow': async ({ QUERY_STRING }) => {
    await pause(number(QUERY_STRING, 'ms', 60_000));
    return ['200 OK', [], 'slow\n'];
  },
  '/bytes': ({ QUERY_STRING }) => ['200 OK', [], Buffer.alloc(number(QUERY_STRING, 'n', MAX_BYTES), 'x')],
  '/ignore': () => ['200 OK', [], 'ignored\n'],
  '/setheader': ({ QUERY_STRING }) => ['200 OK', [['X-Val', askedValue(QUERY_STRING)]], 'set\n'],
  '/status/204': () => ['204 No Content', [], ''],
  '/status/304': () => ['304 Not Modified', [], ''],
  '/throw': fails,
};

async function application(environ, startResponse) {
  const [status, fields, body] = await WSGI[environ.PATH_INFO](environ);
  startResponse(status, fields);
  return body;
}

/** The same routes as a fetch application. */
const FETCH = {
  '/hello': ({ method }) =>
    method === 'GET' || method === 'HEAD'
      ? new Response('hello\n')
      : new Response(null, { status: 405, headers: { Allow: 'GET, HEAD' } }),
  '/echo': async (request) => new Response(await request.bytes()),
  '/inspect': async (request, { pathname, search }) => {
    const { length: bodyLength } = await request.bytes();
    const seen = { method: request.method, target: pathname + search, headers: [...request.headers], bodyLength };
    return Response.json(seen);
  },
  '/stream': () => new Response(ReadableStream.from(LETTERS.map((text) => new TextEncoder().encode(text)))),
  '/slow': async (_request, { search }) => {
    await pause(number(search, 'ms', 60_000));
    return new Response('slow\n');
  },
  '/bytes': (_request, { search }) => new Response(Buffer.alloc(number(search, 'n', MAX_BYTES), 'x')),
  '/ignore': () => new Response('ignored\n'),
  '/setheader': (_request, { search }) => new Response('set\n', { headers: { 'X-Val': askedValue(search.slice(1)) } }),
  '/status/204': () => new Response(null, { status: 204 }),
  '/status/304': () => new Response(null, { status: 304 }),
  '/throw': fails,
};

/** The whole body of a request of node:http. */
async function bodyOf(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The same routes as an application for node:http. */
const NODE = {
  '/hello': ({ method }, response) => {
    if (method === 'GET' || method === 'HEAD') response.setHeader('Content-Type', 'text/plain').end('hello\n');
    else response.writeHead(405, { Allow: 'GET, HEAD' }).end();
  },
  '/echo': async (request, response) => response.end(await bodyOf(request)),
  '/inspect': async (request, response) => {
    const { length: bodyLength } = await bodyOf(request);
    const { method, url: target, rawHeaders, trailers } = request;
    const headers = [];
    for (let i = 0; i < rawHeaders.length; i += 2) headers.push([rawHeaders[i].toLowerCase(), rawHeaders[i + 1]]);
    const seen = { method, target, headers, bodyLength, trailers: Object.entries(trailers) };
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(seen));
  },
  '/stream': (_request, response) => Readable.from(LETTERS).pipe(response),
  '/slow': async (_request, response, query) => {
    await pause(number(query, 'ms', 60_000));
    response.end('slow\n');
  },
  '/bytes': (_request, response, query) => response.end(Buffer.alloc(number(query, 'n', MAX_BYTES), 'x')),
  '/ignore': (_request, response) => response.end('ignored\n'),
  '/setheader': (_request, response, query) => response.setHeader('X-Val', askedValue(query)).end('set\n'),
  '/status/204': (_request, response) => response.writeHead(204).end(),
  '/status/304': (_request, response) => response.writeHead(304).end(),
  '/throw': fails,
};

/** As a framework does, it turns what a route throws into a 500: node:http itself would end the process. */
async function listener(request, response) {
  const { pathname, search } = new URL(request.url, 'http://a');
  try {
    await NODE[pathname](request, response, search.slice(1));
  } catch {
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { 'Content-Type': 'text/plain' }).end('500\n');
  }
}

/** The handler of each adapter. */
const ADAPTERS = {
  fetch: fetchHandler((request) => {
    const url = new URL(request.url);
    return FETCH[url.pathname](request, url);
  }),
  node: await nodeApplication(listener),
  raw: (request, response) => RAW[request.path](request, response),
  wsgi: wsgi(application),
};

/** Routes for requests that are not for a file. */
function routes(adapter) {
  return (request, response) => {
    if (Object.hasOwn(RAW, request.path)) return ADAPTERS[adapter](request, response);
    if (request.method !== 'GET' && request.method !== 'HEAD') return response.send(405, { Allow: 'GET, HEAD' });
    return response.send(404, {}, 'no such file or route\n');
  };
}

/** For `epoll-server --app`. */
export default routes('raw');

const [, program, port, root, ...flags] = process.argv;
if (program === import.meta.filename) {
  const given = Object.fromEntries(flags.map((flag) => flag.replace(/^--/, '').split('=', 2)));
  const { adapter = 'raw', backend, ...timeouts } = given;
  const log = { error: () => {} };
  const server = await serve({ port, backend, static: root, timeouts, log, handler: routes(adapter) });
  console.log(`${server.url} serves ${root} (adapter ${adapter}, back end ${server.backend}, pid ${process.pid})`);
}
