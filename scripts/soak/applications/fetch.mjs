// The fetch application of the soak: echo, stream, wait and fail.
import { setTimeout as sleep } from 'node:timers/promises';

const PIECE = new Uint8Array(10_000).fill(97);

const routes = {
  '/echo': async (request) => new Response(await request.text()),
  '/wait': async () => {
    await sleep(15);
    return new Response('waited');
  },
  '/stream': () => {
    let left = 20;
    return new Response(
      new ReadableStream({
        pull: (controller) => {
          controller.enqueue(PIECE);
          left--;
          if (left === 0) controller.close();
        },
      }),
    );
  },
  '/throw': () => {
    throw new Error('on purpose');
  },
};

export default {
  fetch(request) {
    const { pathname } = new URL(request.url);
    const route = routes[pathname.slice(pathname.lastIndexOf('/'))];
    return route === undefined ? new Response('hello') : route(request);
  },
};
