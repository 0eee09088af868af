// The application that the tests of the pool run in its threads.

import { threadId } from 'node:worker_threads';

const routes = {
  '/thread': () => new Response(String(threadId)),
  '/url': (request) => new Response(request.url),
  '/echo': async (request) => new Response(`${request.method} ${request.headers.get('x-y')} ${await request.text()}`),
  '/count': async (request) => {
    let bytes = 0;
    for await (const piece of request.body) bytes += piece.length;
    return new Response(String(bytes));
  },
  '/stream': () => {
    let left = 100;
    return new Response(
      new ReadableStream({
        pull: (controller) => {
          controller.enqueue(new Uint8Array(100_000).fill(97));
          left--;
          if (left === 0) controller.close();
        },
      }),
    );
  },
  '/throw': () => {
    throw new Error('boom in the thread');
  },
  '/nothing': () => undefined,
  '/exit': () => process.exit(3),
  '/crash': () => {
    setTimeout(() => {
      throw new Error('uncaught on purpose');
    }, 1);
    return new Promise(() => {});
  },
  // Responds at once, and ends its thread when the content of the request has arrived.
  '/half': (request) =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array([97])),
        pull: async () => {
          await request.text();
          process.exit(4);
        },
      }),
    ),
  // Blocks its thread like a long computation, without using the processor.
  '/burn': (request) => {
    const ms = Number(new URL(request.url).searchParams.get('ms'));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    return new Response('burnt');
  },
  '/burn-later': () => {
    setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500), 20);
    return new Response('later');
  },
  '/wait': (request) =>
    new Promise((resolve) => {
      const onAbort = () => {
        aborted++;
        resolve(new Response('too late'));
      };
      if (request.signal.aborted) onAbort();
      request.signal.addEventListener('abort', onAbort);
      console.log('waiting');
    }),
  '/aborted': () => new Response(String(aborted)),
};

let aborted = 0;

export default { fetch: (request) => routes[new URL(request.url).pathname](request) };

export function application(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [`${environ.PATH_INFO} ${environ['wsgi.multiprocess']} ${environ['wsgi.multithread']}`];
}

export function variables(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return `${environ.HTTP_PROXY} ${Object.keys(environ).filter((key) => key.startsWith('HTTP_'))}`;
}
