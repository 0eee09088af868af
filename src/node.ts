// `epoll-server/node`: node:http whose servers are those of this package.

import http from 'node:http';
import type https from 'node:https';
import { type createEpollServer, EpollServerClass } from './node/create-server.ts';
import { EpollHttpsServer } from './node/secure-server.ts';

export {
  Agent,
  ClientRequest,
  get,
  globalAgent,
  IncomingMessage,
  METHODS,
  maxHeaderSize,
  OutgoingMessage,
  request,
  ServerResponse,
  STATUS_CODES,
  setMaxIdleHTTPParsers,
  validateHeaderName,
  validateHeaderValue,
} from 'node:http';
export { type NodeApplication, nodeApplication } from './adapters/node/application.ts';
export { EpollServerClass as Server } from './node/create-server.ts';

/** As that of node:http; with `cert` and `key` as that of node:https. */
export const createServer: typeof createEpollServer & typeof https.createServer = function createServer(
  ...values: unknown[]
) {
  const [options] = values;
  const isSecure = typeof options === 'object' && options !== null && 'cert' in options && 'key' in options;
  return Reflect.construct(isSecure ? EpollHttpsServer : EpollServerClass, values);
};

/** All of node:http, with our `createServer` and `Server`. */
const whole: typeof http = { ...http, createServer, Server: EpollServerClass };
export default whole;
