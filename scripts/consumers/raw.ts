// A raw handler, and the other exports of the package.

import {
  EpollServerError,
  type Handler,
  LIMITS,
  precompileFields,
  type ServerStats,
  serve,
  withAsyncContext,
} from 'epoll-server';
import { simulate } from 'epoll-server/testing';

const PLAIN = precompileFields({ 'Content-Type': 'text/plain' });

const handler: Handler = async (request, response) => {
  const content = await request.body.bytes(LIMITS.maxBodyBytes.byDefault);
  response.send(200, PLAIN, content);
};

const server = await serve({
  port: 0,
  handler: withAsyncContext(handler),
  log: {
    error: (error, request) => console.error(error instanceof EpollServerError ? error.code : error, request?.path),
  },
});
export const stats: ServerStats = server.stats();
export const world = simulate({ handler });
await server.close({ now: true });
