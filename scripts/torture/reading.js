// An application for hostile clients, for every adapter. It counts the bytes of a body with every body reader, prints
// the client's address after a wait, and returns a field of the request.
//   --app reading.js:raw --adapter raw, --app reading.js:application, --app reading.js
import { setTimeout as pause } from 'node:timers/promises';

/** The reader with pauses stops after this many bytes. */
const PAUSE_EVERY_BYTES = 262_144;
const PAUSE_MS = 5;
/** Long enough for a client to disconnect and for another one to get its descriptor. */
const AWAIT_MS = 600;

async function countPieces(pieces) {
  let bytes = 0;
  for await (const piece of pieces) bytes += piece.length;
  return bytes;
}

async function countWithPauses(pieces) {
  let bytes = 0;
  let untilPause = PAUSE_EVERY_BYTES;
  for await (const piece of pieces) {
    bytes += piece.length;
    untilPause -= piece.length;
    if (untilPause > 0) continue;
    untilPause = PAUSE_EVERY_BYTES;
    await pause(PAUSE_MS);
  }
  return bytes;
}

/** The body readers of a raw or WSGI-style request. */
const READERS = {
  '/bytes': async (body) => (await body.bytes()).length,
  '/text': async (body) => (await body.text()).length,
  '/pieces': countPieces,
  '/pauses': countWithPauses,
};

/** The body readers of a fetch Request. */
const FETCH_READERS = {
  '/bytes': async (request) => (await request.bytes()).length,
  '/text': async (request) => (await request.text()).length,
  '/pieces': (request) => countPieces(request.body),
  '/pauses': (request) => countWithPauses(request.body),
  '/arrayBuffer': async (request) => (await request.arrayBuffer()).byteLength,
  '/form': async (request) => (await request.formData()).get('a').length,
  '/clone': async (request) => {
    const [one, other] = [request.clone(), request];
    const lengths = await Promise.all([one.text(), other.text()]);
    return Math.min(...lengths.map(({ length }) => length));
  },
};

/** Waits and prints the client's address, in a line that {@link file://./hostile.js} searches for. */
async function printClient(read) {
  await pause(AWAIT_MS);
  process.stdout.write(`client ${JSON.stringify(read())}\n`);
  return 'printed';
}

export async function raw(request, response) {
  const reader = READERS[request.path];
  if (request.path === '/who') return response.send(200, {}, await printClient(() => [request.remote, request.local]));
  if (request.path === '/field') return response.send(200, { 'X-Echo': request.header('x-echo') ?? '' }, '');
  return reader === undefined ? response.send(404) : response.send(200, {}, String(await reader(request.body)));
}

export async function application(environ, startResponse) {
  const path = environ.PATH_INFO;
  const reader = READERS[path];
  if (reader === undefined && !['/who', '/field'].includes(path)) {
    startResponse('404 Not Found', []);
    return '';
  }
  let body = '';
  if (path === '/who') {
    body = await printClient(() => [
      { address: environ.REMOTE_ADDR, port: Number(environ.REMOTE_PORT) },
      { address: environ.SERVER_NAME, port: Number(environ.SERVER_PORT) },
    ]);
  } else if (reader !== undefined) {
    body = String(await reader(environ['wsgi.input']));
  }
  startResponse('200 OK', path === '/field' ? [['X-Echo', environ.HTTP_X_ECHO ?? '']] : []);
  return body;
}

export default {
  async fetch(request, info) {
    const { pathname } = new URL(request.url);
    const reader = FETCH_READERS[pathname];
    if (pathname === '/who') return new Response(await printClient(() => [info.remote, info.local]));
    if (pathname === '/field') return new Response('', { headers: { 'X-Echo': request.headers.get('x-echo') ?? '' } });
    return reader === undefined ? new Response('', { status: 404 }) : new Response(String(await reader(request)));
  },
};

const MODULE = import.meta.filename;

/** The flags with which the built command runs this application, by adapter. */
export const ADAPTER_FLAGS = {
  raw: ['--app', `${MODULE}:raw`, '--adapter', 'raw'],
  wsgi: ['--app', `${MODULE}:application`],
  fetch: ['--app', `${MODULE}:default`],
};

/** The names of the body readers of each adapter. */
export const READER_NAMES = {
  raw: Object.keys(READERS).map((path) => path.slice(1)),
  wsgi: Object.keys(READERS).map((path) => path.slice(1)),
  fetch: Object.keys(FETCH_READERS).map((path) => path.slice(1)),
};
