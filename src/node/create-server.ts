// http.createServer and http.Server, with the types of Node.

import type http from 'node:http';
import { EpollHttpServer } from './server.ts';

/** `http.Server`: may be called without `new`, as Node's. */
export const EpollServerClass: typeof http.Server = new Proxy(EpollHttpServer, {
  apply: (Class, _self, values) => Reflect.construct(Class, values),
  // The type of Node is the promise: test/adapters/node compares what both do.
}) as unknown as typeof http.Server;

export const createEpollServer: typeof http.createServer = function createServer(...values: unknown[]) {
  return Reflect.construct(EpollHttpServer, values);
};
