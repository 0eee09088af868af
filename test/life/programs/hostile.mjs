// A server with a callback that throws: `onError`, `accessLog`, `trace`, or the `then` of a handler's result. With
// `listen` as second argument it survives uncaught errors.
import { serve } from '../../../dist/index.js';

const [what, listen] = process.argv.slice(2);
const uncaught = [];
if (listen === 'listen') process.on('uncaughtException', (error) => uncaught.push(error.message));

function boom() {
  throw new Error(`boom in ${what}`);
}

/** Thenables that a handler may return instead of a promise: `then` as a method, and as a getter. */
const RESULTS = {
  thenable: () => Object.defineProperty({}, 'then', { value: boom }),
  'thenable getter': () => Object.defineProperty({}, 'then', { get: boom }),
};

function answer(request, response) {
  const { path } = request;
  if (path === '/uncaught') response.send(200, {}, JSON.stringify(uncaught));
  else if (path !== '/bad') response.send(200, {}, path);
  else if (RESULTS[what] !== undefined) return RESULTS[what]();
  else throw new Error('bad request');
}

const OPTIONS = {
  onError: { log: { error: boom } },
  accessLog: { log: { access: boom, error: () => {} } },
  trace: { log: { trace: boom, error: () => {} } },
};

const server = await serve({ port: 0, handler: answer, ...(OPTIONS[what] ?? { log: { error: () => {} } }) });
process.stdout.write(`${server.port}\n`);
