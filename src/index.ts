// The public API and nothing else. Servers, adapters, static files and the loader of modules are loaded at their first
// use, not at import.

import type { LoadedApplication } from './app/application.ts';
import type { ApplicationOptions } from './options/option-types.ts';
import type { ServeOptions } from './server/serve-options.ts';
import type { Server } from './server/server.ts';

export type { Environ } from './adapters/environ.ts';
export type { AnyResponse, FetchApplication, FetchFunction, FetchInfo } from './adapters/fetch.ts';
export { withAsyncContext } from './adapters/with-async-context.ts';
export type { StartResponse, WsgiApplication, WsgiBody } from './adapters/wsgi.ts';
export { mount } from './app/mount.ts';
export type { Channel, ProtocolFactory } from './connection/channel.ts';
export type { Protocol } from './connection/protocol.ts';
export { EpollServerError, type ErrorCode } from './errors.ts';
export type { FileStats } from './files/file-counters.ts';
export { type FieldInput, type PrecompiledFields, precompileFields } from './http/fields.ts';
export type {
  Endpoint,
  FileReceipt,
  Handler,
  HttpRequest,
  HttpResponse,
  RequestBody,
  TlsConnection,
} from './http/handler.ts';
export type { AccessRuleOptions, RateRuleOptions } from './options/access-rule.ts';
export type { CacheRule } from './options/cache-rule.ts';
export type { AdapterName, LogFormat, ProxyFields } from './options/choices.ts';
export type { CorsRuleOptions } from './options/cors-rule.ts';
export type { AuthRuleOptions, ErrorPageRuleOptions, MaintenanceRuleOptions } from './options/file-rule.ts';
export type { HeaderRuleOptions } from './options/header-rule.ts';
export type { ListenOption } from './options/listen-address.ts';
export type {
  HostOptions,
  LimitOptions,
  LogOptions,
  RuleOptions,
  Sink,
  StaticOptions,
  TimeoutOptions,
} from './options/option-types.ts';
export type { RedirectRuleOptions, RewriteRuleOptions, SlashRuleOptions } from './options/redirect-rule.ts';
export type { PemOrPath, TlsFolderOptions, TlsOption, TlsOptions, TlsPairOptions } from './options/tls-option.ts';
export type { ErrorHandler, FailureResponse } from './server/failure-response.ts';
export type { ServerStats } from './server/stats.ts';
export type { ApplicationOptions, LoadedApplication, ServeOptions, Server };

/**
 * Starts a server; resolves when it listens. Rejects with the reason of `signal` when that aborts before.
 * @throws EpollServerError `ERR_OPTION`, `ERR_ROOT`, `ERR_LISTEN` (port taken, address unknown), `ERR_BACKEND`,
 * `ERR_TLS`, `ERR_ADDON`, `ERR_PLATFORM`.
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const { startServer } = await import('./admin/administered-server.ts');
  return startServer(options);
}

/**
 * Loads the application MODULE[:NAME] as a handler. NAME is one of its exports; without it, `application`, `fetch` or
 * `default`. With `dynamic`, `name` is a folder of modules.
 * @throws EpollServerError `ERR_OPTION`; `ERR_APPLICATION_MODULE`: there is none, or it does not load; `ERR_ROOT`: no folder.
 */
export async function loadApplication(name: string, options: ApplicationOptions = {}): Promise<LoadedApplication> {
  const { applicationByName } = await import('./app/application.ts');
  return applicationByName(name, options);
}
