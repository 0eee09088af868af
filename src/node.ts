// `epoll-server/node`: node:http whose servers are those of this package.

import http from 'node:http';
import { createEpollServer, EpollServerClass } from './node/create-server.ts';

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
export { createEpollServer as createServer, EpollServerClass as Server } from './node/create-server.ts';

/** All of node:http, with our `createServer` and `Server`. */
const whole: typeof http = { ...http, createServer: createEpollServer, Server: EpollServerClass };
export default whole;
