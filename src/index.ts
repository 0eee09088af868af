// The public API and nothing else.

export type { Environ } from './adapters/environ.ts';
export {
  type AnyResponse,
  type FetchApplication,
  type FetchFunction,
  type FetchInfo,
  type FetchOptions,
  fetchHandler,
} from './adapters/fetch.ts';
export { withAsyncContext } from './adapters/with-async-context.ts';
export { type StartResponse, type WsgiApplication, type WsgiBody, wsgi } from './adapters/wsgi.ts';
export { wsgiValidator } from './adapters/wsgi-validator.ts';
export { type LoadedApplication, loadApplication } from './app/application.ts';
export { mount } from './app/mount.ts';
export { EpollServerError, type ErrorCode } from './errors.ts';
export type { BodyInit } from './fetch/content.ts';
export { Headers, type HeadersInit } from './fetch/headers.ts';
export { Request } from './fetch/request.ts';
export type { RequestInit } from './fetch/request-init.ts';
export { Response, type ResponseInit } from './fetch/response.ts';
export { FieldNames } from './http/field-names.ts';
export { type FieldInput, type PrecompiledFields, precompileFields } from './http/fields.ts';
export type { Endpoint, FileReceipt, Handler, HttpRequest, HttpResponse, RequestBody } from './http/handler.ts';
export type { CacheRule } from './options/cache-rule.ts';
export type { AdapterName, LogFormat } from './options/choices.ts';
export type { ListenOption } from './options/listen-address.ts';
export type {
  ApplicationOptions,
  HostOptions,
  LimitOptions,
  LogOptions,
  StaticOptions,
  TimeoutOptions,
} from './options/option-types.ts';
export { tuneCompiler } from './server/compiler.ts';
export type { ServeOptions } from './server/serve-options.ts';
export { type Server, serve } from './server/server.ts';
export type { ServerStats } from './server/stats.ts';
