// `epoll-server/wsgi`: WSGI-style applications as handlers.

export type { Environ } from './adapters/environ.ts';
export { type StartResponse, type WsgiApplication, type WsgiBody, wsgi } from './adapters/wsgi.ts';
export { wsgiValidator } from './adapters/wsgi-validator.ts';
export type { Handler, RequestBody } from './http/handler.ts';
