// A raw handler, and the other exports of the package.

import {
  type Channel,
  EpollServerError,
  type Handler,
  loadApplication,
  mount,
  type Protocol,
  precompileFields,
  type ServerStats,
  serve,
  withAsyncContext,
} from 'epoll-server';
import { staticFiles } from 'epoll-server/static';
import { simulate } from 'epoll-server/testing';

const PLAIN = precompileFields({ 'Content-Type': 'text/plain' });

const handler: Handler = async (request, response) => {
  const content = await request.body.bytes(1_000);
  response.inform(103, { Link: '</a.css>; rel=preload' });
  response.reasonPhrase = `${request.scheme} ${request.rawHeaders().length} ${request.body.rawTrailers.length}`;
  response.whenSent((error) => console.log(error?.message));
  if (request.path === '/up') return response.upgrade({ Upgrade: 'silence' }, silent);
  response.start(200, PLAIN);
  if (!response.write(content)) await response.drained();
  response.end('', { 'X-Sum': 1 });
};

/** Bytes are thrown away. */
function silent(channel: Channel): Protocol {
  const end = (): void => channel.finish();
  return {
    ...{ wantsInput: true, paused: false, isBusy: false },
    receive: (_bytes, _start, end) => end,
    ...{ ending() {}, ended: end, drained() {}, expired() {}, stop: end, refuse() {}, aborted() {}, closed() {} },
  };
}

const server = await serve({
  port: 0,
  handler: withAsyncContext(handler),
  log: {
    error: (error, request) => console.error(error instanceof EpollServerError ? error.code : error, request?.path),
  },
});
export const stats: ServerStats = server.stats();
export const { port, hostname }: { port: number | undefined; hostname: string | undefined } = server;
export const path: string = server.url.pathname;
server.unref();
export const application: Handler = mount({ '/api': handler }, await loadApplication('./app.js', { threads: 2 }));
export const files = await staticFiles({ root: '.', listing: true }, application);
// @ts-expect-error What a type of this package is made of is its own.
export const { lines } = PLAIN;
export const world = simulate({ handler });
await server.close({ now: true });
