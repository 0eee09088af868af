// The options of serve().
// Generated from src/options/table.ts by `npm run generate`: do not edit.

import type { FetchApplication } from '../adapters/fetch.ts';
import type { WsgiApplication } from '../adapters/wsgi.ts';
import type { Handler } from '../http/handler.ts';
import type { ProxyFields } from '../options/choices.ts';
import type { ListenOption } from '../options/listen-address.ts';
import type { LimitOptions, LogOptions, RuleOptions, StaticOptions, TimeoutOptions } from '../options/option-types.ts';
import type { TlsOption } from '../options/tls-option.ts';
import type { ErrorHandler } from './failure-response.ts';

/** The options of serve(). */
export interface ServeOptions {
  /** TCP port to listen on; 0 lets the system choose. 0 to 65,535; default: 8080. */
  readonly port?: number | string | undefined;
  /** Name or address to listen on (:: for all). Default: 127.0.0.1. */
  readonly hostname?: string | undefined;
  /**
   * Listen on this address instead of --host and --port: 127.0.0.1:8080, [::1]:8080, unix:/run/x.sock?mode=660, fd:3,
   * systemd, systemd:NAME; may be repeated.
   */
  readonly listen?: ListenOption | readonly ListenOption[] | undefined;
  /** Also answer /livez, /readyz, /metrics and /status, on this address alone: 127.0.0.1:9901, unix:/run/x.sock. */
  readonly admin?: ListenOption | undefined;
  /**
   * Serve HTTPS with the certificates of this folder, in the layout of certbot or lego, by server name; may be
   * repeated.
   */
  readonly tls?: TlsOption | readonly TlsOption[] | undefined;
  /**
   * Listen for HTTP on this port too, and redirect to HTTPS (308), except for /.well-known/acme-challenge/. 0 to
   * 65,535.
   */
  readonly httpsRedirect?: number | string | undefined;
  /**
   * Send Strict-Transport-Security over HTTPS: for a year, browsers use HTTPS alone for this host; as --header @hsts.
   * Default: false.
   */
  readonly hsts?: boolean | undefined;
  /**
   * Proxies whose word on the client, scheme and host counts: addresses, blocks such as 10.0.0.0/8, loopback, private,
   * unix. Default: none. A client could forge these fields, so they are ignored unless the connection comes from such a
   * proxy.
   */
  readonly trustedProxies?: string | readonly string[] | undefined;
  /**
   * The fields of trusted proxies: x-forwarded (X-Forwarded-For, -Proto, -Host), or forwarded (RFC 7239). Default:
   * x-forwarded. One of them: a proxy that sets one passes on the other as its client sent it.
   */
  readonly proxyFields?: ProxyFields | undefined;
  /**
   * Give each request an id: from X-Request-Id or traceparent, else a new one; it is in the response, the JSON log and
   * the application. Default: false.
   */
  readonly requestIds?: boolean | undefined;
  /** Handles every request, or those that no file answers; set at most one of handler, fetch and wsgi. */
  readonly handler?: Handler | undefined;
  /** A function from a Request to a Response, or an object with such a method, as in Bun, Deno, Hono and h3. */
  readonly fetch?: FetchApplication | undefined;
  /** A WSGI-style application (PEP 3333). */
  readonly wsgi?: WsgiApplication | undefined;
  /** Makes the response when the application throws before its response begins (default: a page with status 500). */
  readonly error?: ErrorHandler | undefined;
  /** Closes the server when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Make the light Headers, Request and Response the globals for a fetch application. Default: false. */
  readonly overrideGlobals?: boolean | undefined;
  /**
   * Give requests to a program that speaks uwsgi, such as uWSGI: uwsgi:unix:/run/app.sock, uwsgi:127.0.0.1:3031; with a
   * folder, those that no file answers; with /PATH=, those below that path; may be repeated. Default: none.
   */
  readonly proxy?: string | readonly string[] | undefined;
  /** Readiness back end: epoll, poll, select, scan (default: the best available). */
  readonly backend?: string | undefined;
  /** The Server field; empty removes it, a field set by the application replaces it. Default: epoll-server. */
  readonly serverHeader?: string | undefined;
  /** Files to serve: they come first, then the application. A string is the folder. */
  readonly static?: string | StaticOptions | undefined;
  /** Limits in bytes, bytes per second and counts. */
  readonly limits?: LimitOptions | undefined;
  /** Time limits in milliseconds. */
  readonly timeouts?: TimeoutOptions | undefined;
  /** The logs: access, trace and errors. */
  readonly log?: LogOptions | undefined;
  /** Rules by path and host, each kind in the order written; docs/rules.md describes them. */
  readonly rules?: RuleOptions | undefined;
}
