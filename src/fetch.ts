// `epoll-server/fetch`: fetch applications as handlers, and the light classes of the Fetch standard.

export {
  type AnyResponse,
  type FetchApplication,
  type FetchFunction,
  type FetchInfo,
  type FetchOptions,
  fetchHandler,
} from './adapters/fetch.ts';
export type { BodyInit } from './fetch/content.ts';
export { Headers, type HeadersInit } from './fetch/headers.ts';
export { Request } from './fetch/request.ts';
export type { RequestInit } from './fetch/request-init.ts';
export { Response, type ResponseInit } from './fetch/response.ts';
export type { Endpoint, Handler } from './http/handler.ts';
