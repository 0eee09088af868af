// A server whose handlers fail in the way that the path names. With `listen` it survives uncaught errors.
import { serve } from '../../../dist/index.js';

const uncaught = [];
if (process.argv[2] === 'listen') {
  process.on('uncaughtException', (error) => uncaught.push(error.message));
  process.on('unhandledRejection', (error) => uncaught.push(error.message));
}

function fail(where) {
  throw new Error(`boom in ${where}`);
}

/** Errors that are thrown after the handler returned, so that only the process can catch them. */
const LATER = {
  '/nextTick': () => process.nextTick(fail, 'nextTick'),
  '/setTimeout': () => setTimeout(fail, 0, 'setTimeout'),
  '/setImmediate': () => setImmediate(fail, 'setImmediate'),
  '/microtask': () => queueMicrotask(() => fail('microtask')),
  '/rejection': () => void Promise.resolve().then(() => fail('rejection')),
  '/abort-listener': () => {
    const controller = new AbortController();
    controller.signal.addEventListener('abort', () => fail('abort-listener'));
    controller.abort();
  },
};

const server = await serve({
  port: 0,
  handler: (request, response) => {
    const { path } = request;
    if (path === '/throw') fail('handler');
    if (path === '/reject') return Promise.reject(new Error('boom in promise'));
    if (path === '/throw-late')
      return new Promise((resolve) => setTimeout(resolve, 5)).then(() => fail('late promise'));
    LATER[path]?.();
    if (path === '/uncaught') response.send(200, {}, JSON.stringify(uncaught));
    else response.send(200, {}, path);
  },
});
process.stdout.write(`${server.port}\n`);
