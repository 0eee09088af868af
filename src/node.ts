// `epoll-server/node`: node:http whose servers are those of this package.

import http from 'node:http';
import { createEpollServer, EpollServerClass } from './node/create-server.ts';

export const Server: typeof http.Server = EpollServerClass;
export const createServer: typeof http.createServer = createEpollServer;

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

/** All of node:http, with our `createServer` and `Server`. */
const whole: typeof http = { ...http, createServer, Server };
export default whole;
