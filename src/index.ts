// The public API and nothing else.

export { EpollServerError, type ErrorCode } from './errors.ts';
export type { BodyInit } from './fetch/content.ts';
export { Headers, type HeadersInit } from './fetch/headers.ts';
export { Request } from './fetch/request.ts';
export type { RequestInit } from './fetch/request-init.ts';
export { Response, type ResponseInit } from './fetch/response.ts';
export type { Environ } from './handlers/environ.ts';
export {
  type AnyResponse,
  type FetchApplication,
  type FetchFunction,
  type FetchInfo,
  type FetchOptions,
  fetchHandler,
} from './handlers/fetch.ts';
export type { CacheRule } from './handlers/files/cache-rules.ts';
export { isolated } from './handlers/isolated.ts';
export { type StartResponse, type WsgiApplication, type WsgiBody, wsgi } from './handlers/wsgi.ts';
export { validator } from './handlers/wsgi-validator.ts';
export { FieldNames } from './http/field-names.ts';
export { type FieldInput, type PreparedFields, prepareFields } from './http/fields.ts';
export type { Endpoint, FileReceipt, Handler, HttpRequest, HttpResponse, RequestBody } from './http/handler.ts';
export { LIMITS, type LimitName, type LimitSpec, type Limits } from './limits.ts';
export type { LogFormat } from './server/access-log.ts';
export { tuneCompiler } from './server/compiler.ts';
export type { ServeOptions } from './server/options.ts';
export { type Server, serve } from './server/server.ts';
export type { HostOptions, SiteOptions } from './server/site-options.ts';
export type { ServerStats } from './server/stats.ts';
