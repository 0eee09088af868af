// The types of options: as they are given, and as they are once they are checked.
// Generated from src/options/table.ts by `npm run generate`: do not edit.

import type { Handler, HttpRequest } from '../http/handler.ts';
import type { Limits } from '../limits.ts';
import type { AccessRule, AccessRuleOptions, RateRule, RateRuleOptions } from './access-rule.ts';
import type { CacheRule } from './cache-rule.ts';
import type { AdapterName, ClientCertificates, LogFormat, ModelName, ProxyFields } from './choices.ts';
import type { CorsRule, CorsRuleOptions } from './cors-rule.ts';
import type {
  AuthRule,
  AuthRuleOptions,
  ErrorPageRule,
  ErrorPageRuleOptions,
  MaintenanceRule,
  MaintenanceRuleOptions,
} from './file-rule.ts';
import type { HeaderRule, HeaderRuleOptions } from './header-rule.ts';
import type { ListenOption } from './listen-address.ts';
import type { MountedModule } from './mounted-module.ts';
import type {
  RedirectRule,
  RedirectRuleOptions,
  RewriteRuleOptions,
  SlashRule,
  SlashRuleOptions,
} from './redirect-rule.ts';
import type { TlsOption } from './tls-option.ts';

/** Receives complete lines of text, once per turn of the loop. It must not block. */
export type Sink = (text: string) => void;

/** Limits in bytes, bytes per second and counts. */
export interface LimitOptions {
  /**
   * Maximum size of request line and fields together, in bytes; if exceeded: 431. 256 to 1,048,576 bytes; default:
   * 16,384. nginx allows 4 x 8 KiB of fields and 8 KiB of request line, node:http 16 KiB in all.
   */
  readonly maxHeaderBytes?: number | string | undefined;
  /**
   * Maximum size of the request target, in bytes; if exceeded: 414. 16 to 1,048,576 bytes; default: 8,192. RFC 9112
   * section 3 recommends at least 8,000.
   */
  readonly maxTargetBytes?: number | string | undefined;
  /**
   * Maximum number of field lines of a request, and of its trailers; if exceeded: 431. 1 to 10,000; default: 200.
   * Browsers send 10 to 25; Apache allows 100.
   */
  readonly maxFields?: number | string | undefined;
  /**
   * Maximum size of a request body, in bytes; if exceeded: 413. 0 to 9,007,199,254,740,991 bytes; default: 134,217,728.
   * Bodies are streamed, so this bounds how much an application has to read, not memory.
   */
  readonly maxBodyBytes?: number | string | undefined;
  /**
   * Unread request body of known length that is discarded after the response; if larger: the connection is closed. 0 to
   * 1,073,741,824 bytes; default: 262,144. A body that the application left unread is discarded, so that the connection
   * can serve the next request. Chunked bodies are always discarded.
   */
  readonly maxDiscardBytes?: number | string | undefined;
  /**
   * Maximum number of concurrent connections; if exceeded: 503 and closed. 1 to 4,194,304; default: 65,536. A small
   * part of Linux's default limit of 1,048,576 descriptors for one process.
   */
  readonly maxConnections?: number | string | undefined;
  /**
   * Maximum number of concurrent connections from one address (0: unlimited); if exceeded: 503. 0 to 4,194,304;
   * default: 0. Off, since all clients behind a proxy or a NAT have one address. An IPv6 /64 counts as one address.
   */
  readonly maxConnectionsPerAddress?: number | string | undefined;
  /**
   * Maximum number of TLS handshakes in progress; if exceeded: the one that waits longest is closed. 1 to 4,194,304;
   * default: 4096. An unfinished handshake holds about 60 KiB. Clients that finish theirs are not affected.
   */
  readonly maxHandshakes?: number | string | undefined;
  /**
   * Connections that wait to be accepted, as in listen(2). 1 to 65,535; default: 4096. SOMAXCONN of Linux since 5.4;
   * the system may lower it.
   */
  readonly backlog?: number | string | undefined;
  /**
   * Clients accepted from one listener in one turn of the loop. 1 to 65,536; default: 64. New clients must not use up a
   * whole turn.
   */
  readonly maxAcceptsPerTurn?: number | string | undefined;
  /**
   * Requests of one connection handled in one turn of the loop. 1 to 65,536; default: 256. After this many responses to
   * a pipelining client, the other clients have their turn.
   */
  readonly maxRequestsPerTurn?: number | string | undefined;
  /**
   * Unsent output of one connection above which reading pauses and writers wait. 1,024 to 1,073,741,824 bytes; default:
   * 65,536. Four times the initial send buffer of Linux.
   */
  readonly maxUnsentBytes?: number | string | undefined;
  /**
   * Bytes of a file sent to one client in one turn of the loop. 65,536 to 1,073,741,824 bytes; default: 1,048,576. A
   * fast client of a large file would delay the others; sending this much takes well below a millisecond.
   */
  readonly maxFileBytesPerTurn?: number | string | undefined;
  /**
   * Minimum rate of a request body while the server waits for it (0: none); if slower: 408. 0 to 1,073,741,824 bytes
   * per second; default: 240. Kestrel's default; Apache's mod_reqtimeout requires 500. A slower client uses up
   * timeouts.bodyMs, byte by byte or not.
   */
  readonly minReceiveBytesPerSecond?: number | string | undefined;
  /**
   * Minimum rate at which a client reads its response (0: none); if slower: closed. 0 to 1,073,741,824 bytes per
   * second; default: 240. Kestrel's default. A slower client uses up timeouts.sendMs.
   */
  readonly minSendBytesPerSecond?: number | string | undefined;
  /**
   * Bytes discarded from a client after its last response (0: unlimited); if exceeded: closed. 0 to 1,073,741,824
   * bytes; default: 0. The time is bounded by maxLingerMs.
   */
  readonly maxLingerBytes?: number | string | undefined;
  /**
   * Maximum number of connections that linger after their last response; if exceeded: the oldest is closed. 0 to
   * 4,194,304; default: 1024. Each costs a descriptor and a receive buffer. They do not count as connections of
   * maxConnections.
   */
  readonly maxLingeringConnections?: number | string | undefined;
  /**
   * Concurrent connections to a program behind this server (--proxy); if exceeded: requests wait. 1 to 65,536; default:
   * 256. Each is a request that the program handles, or that waits in its backlog: 100 by default for uWSGI.
   */
  readonly maxUpstreamConnections?: number | string | undefined;
  /**
   * Requests that may wait for such a connection; if exceeded: 503. 1 to 1,048,576; default: 1024. As maxOffloadQueue:
   * clients at the end of a longer queue have given up by then.
   */
  readonly maxUpstreamQueue?: number | string | undefined;
  /**
   * Temporary files for requests and responses of --proxy; if exceeded: requests get 503, responses wait for their
   * clients. 0 to 9,007,199,254,740,991 bytes; default: 4,294,967,296. A thousand clients of 4 MiB each. Requests above
   * 32 KiB and responses to slow clients wait in unlinked files of the system's temporary folder (TMPDIR). One response
   * may use an eighth.
   */
  readonly maxSpoolBytes?: number | string | undefined;
  /**
   * Memory for cached files, in bytes; the least recently used are removed first. 0 to 17,179,869,184 bytes; default:
   * 33,554,432. Whole small files are kept; see maxCachedFileBytes.
   */
  readonly maxCacheBytes?: number | string | undefined;
  /**
   * The largest file that is cached in memory; larger ones are streamed. 0 to 1,073,741,824 bytes; default: 131,072.
   * Above this, sendfile(2) from the page cache costs about the same.
   */
  readonly maxCachedFileBytes?: number | string | undefined;
  /**
   * The largest file that the server compresses; larger ones need a compressed sibling. 0 to 1,073,741,824 bytes;
   * default: 8,388,608. A client waits for it, once: a megabyte takes the thread pool about 20 ms with Brotli.
   */
  readonly maxCompressedFileBytes?: number | string | undefined;
  /**
   * Bytes compressed per second, on average; if exceeded: files are sent uncompressed. 0 to 17,179,869,184 bytes per
   * second; default: 8,388,608. A fifth of a processor with gzip or Brotli. Eight seconds of it may come at once, as
   * after a deployment.
   */
  readonly maxCodingBytesPerSecond?: number | string | undefined;
  /**
   * Requests that may wait for a file to be found or read; if exceeded: 503. 1 to 1,048,576; default: 4096. A disk that
   * takes 10 ms needs 14 s for that many in the three threads that files have by default.
   */
  readonly maxFileQueue?: number | string | undefined;
  /**
   * Files kept open between two responses, at most a quarter of ulimit -n; 0: none. 0 to 1,048,576; default: 8192.
   * Twice as many small files as fit in the cache; each costs 2 KiB here and 1 KiB in the system: 24 MiB.
   */
  readonly maxOpenFiles?: number | string | undefined;
}

/** Time limits in milliseconds. */
export interface TimeoutOptions {
  /**
   * From accept to the first byte; if exceeded: closed. 100 to 86,400,000 ms; default: 30,000. Browsers open spare
   * connections without sending on them, so this is not too short.
   */
  readonly firstByteMs?: number | string | undefined;
  /**
   * From accept to the end of the TLS handshake; if exceeded: closed. 100 to 86,400,000 ms; default: 10,000. It takes
   * three round trips at most. nginx waits 60 s, Go 10 s by habit.
   */
  readonly handshakeMs?: number | string | undefined;
  /**
   * From the first byte of a request to the end of its fields; if exceeded: 408. 100 to 86,400,000 ms; default: 20,000.
   * Slow-loris (CVE-2018-12122): a total, not a pause between bytes. nginx and node:http: 60 s.
   */
  readonly headerMs?: number | string | undefined;
  /**
   * Without progress of a request body while the server waits for it; if exceeded: 408. 100 to 86,400,000 ms; default:
   * 30,000. nginx's client_body_timeout is 60 s.
   */
  readonly bodyMs?: number | string | undefined;
  /**
   * Until the handler begins its response (0: unlimited); if exceeded: 504. 0 to 86,400,000 ms; default: 60,000.
   * nginx's proxy_read_timeout is 60 s. Once the response has begun, timeouts.sendMs applies.
   */
  readonly handlerMs?: number | string | undefined;
  /**
   * Silence of a program behind this server (--proxy) in the middle of its response (0: unlimited); if exceeded: cut
   * off. 0 to 86,400,000 ms; default: 60,000. nginx's uwsgi_read_timeout is 60 s. Until the response begins,
   * timeouts.handlerMs applies.
   */
  readonly upstreamMs?: number | string | undefined;
  /**
   * Without progress of the client in reading its response; if exceeded: closed. 100 to 86,400,000 ms; default: 30,000.
   * nginx's send_timeout is 60 s.
   */
  readonly sendMs?: number | string | undefined;
  /**
   * Between two requests of a connection; if exceeded: closed. 100 to 86,400,000 ms; default: 75,000. nginx: 75 s.
   * node:http's 5 s races with proxies that keep theirs for 60 s.
   */
  readonly keepAliveMs?: number | string | undefined;
  /**
   * Without a byte of the response to a client that has finished sending; if exceeded: aborted. 100 to 86,400,000 ms;
   * default: 5,000. FIN far more often means that the client has left than that it waits for the response.
   */
  readonly halfClosedMs?: number | string | undefined;
  /**
   * From the FIN of a client until request.signal aborts (0: never). 0 to 86,400,000 ms; default: 500.
   * @hono/node-server waits 500 ms.
   */
  readonly halfClosedSignalMs?: number | string | undefined;
  /**
   * Without a byte from a client after its last response; if exceeded: closed. 100 to 86,400,000 ms; default: 5,000.
   * RFC 9112 section 9.6: a client that still sends would lose the response to RST. nginx's lingering_timeout is 5 s.
   */
  readonly lingerMs?: number | string | undefined;
  /**
   * Total time for discarding bytes of a client after its last response; if exceeded: closed. 100 to 86,400,000 ms;
   * default: 30,000. nginx's lingering_time is 30 s.
   */
  readonly maxLingerMs?: number | string | undefined;
  /**
   * Before a server that closes stops accepting: it serves on, each response is the last of its connection, and /readyz
   * says 503. 0 to 86,400,000 ms; default: 0. A load balancer sends new clients until it has noticed: use two periods
   * of its health check. 0, since a server without one would only end later.
   */
  readonly drainDelayMs?: number | string | undefined;
  /**
   * For requests in flight when the server closes; if exceeded: cut off. 0 to 86,400,000 ms; default: 8,000. gunicorn's
   * graceful_timeout is 30 s; container runtimes kill after 10 s.
   */
  readonly shutdownMs?: number | string | undefined;
  /**
   * For a last request on an idle connection when the server closes; if exceeded: closed. 0 to 86,400,000 ms; default:
   * 500. A request may be on its way, and would be lost. Go waits 5 s for the first request of a connection; more than
   * a round trip around the world only delays the end.
   */
  readonly shutdownGraceMs?: number | string | undefined;
}

/** The logs: access, trace and errors. */
export interface LogOptions {
  /**
   * Append one line per response to FILE; "-" is standard output, syslog the system log (default: only on a terminal).
   */
  readonly access?: Sink | undefined;
  /** Format of the access log: common, combined, json. Default: common. */
  readonly format?: LogFormat | undefined;
  /** Print message heads, and when clients connect and disconnect, on standard error. */
  readonly trace?: Sink | undefined;
  /**
   * Called with an error thrown by the application, or the reason why a file cannot be sent (default: one line on
   * standard error).
   */
  readonly error?: ((error: unknown, request: HttpRequest | null) => void) | undefined;
}

/** Rules by path and host, each kind in the order written; docs/rules.md describes them. */
export interface RuleOptions {
  /** Respond with 503 while this file exists, with its content as the page unless it is empty. Default: none. */
  readonly maintenance?: string | MaintenanceRuleOptions | readonly (string | MaintenanceRuleOptions)[] | undefined;
  /**
   * Respond with 403 to clients of these networks: addresses, 10.0.0.0/8, all, private, loopback, unix; wins over
   * --allow. Default: none.
   */
  readonly deny?: string | AccessRuleOptions | readonly (string | AccessRuleOptions)[] | undefined;
  /** Respond with 403 to clients of all other networks than those of the matching rules. Default: none. */
  readonly allow?: string | AccessRuleOptions | readonly (string | AccessRuleOptions)[] | undefined;
  /**
   * Respond with 429 to more requests, as in "/api/** 10/s burst 20 by address" or "by field X-Api-Key". Default: none.
   */
  readonly rateLimits?: string | RateRuleOptions | readonly (string | RateRuleOptions)[] | undefined;
  /** Require a name and password of this file, as htpasswd -B writes it. Default: none. */
  readonly auth?: string | AuthRuleOptions | readonly (string | AuthRuleOptions)[] | undefined;
  /**
   * Redirect to another path or URL, as in "/old/:page -> /new/:page 308" or "/docs/** -> /manual/:splat" (status:
   * 301). Default: none.
   */
  readonly redirects?: string | RedirectRuleOptions | readonly (string | RedirectRuleOptions)[] | undefined;
  /** Redirect to the path with a slash at its end (add), or without one (remove). Default: none. */
  readonly trailingSlash?: string | SlashRuleOptions | readonly (string | SlashRuleOptions)[] | undefined;
  /** Serve another path in place of the requested one; if-missing: where the response would be 404. Default: none. */
  readonly rewrites?: string | RewriteRuleOptions | readonly (string | RewriteRuleOptions)[] | undefined;
  /**
   * Set a response field; "+Name: value" adds one, "-Name" removes it; @hsts, @csp and @cross-origin-isolation are
   * presets. Default: none.
   */
  readonly headers?: string | HeaderRuleOptions | readonly (string | HeaderRuleOptions)[] | undefined;
  /**
   * Let scripts of other origins read responses: all, or as in "/api/** from https://a.example methods GET,PUT
   * credentials". Default: none.
   */
  readonly cors?: boolean | string | CorsRuleOptions | readonly (string | CorsRuleOptions)[] | undefined;
  /** Send this file as the page of a status such as 404, 4xx or 5xx. Default: none. */
  readonly errorPages?: string | ErrorPageRuleOptions | readonly (string | ErrorPageRuleOptions)[] | undefined;
  /**
   * Apply the files _headers and _redirects of a root (syntax of Netlify and Cloudflare Pages); never serve them.
   * Default: false.
   */
  readonly siteFiles?: boolean | undefined;
}

/** Limits of an application, in counts. */
export interface ApplicationLimitOptions {
  /**
   * Requests that may wait for a thread of the pool (--offload); if exceeded: 503. 1 to 1,048,576; default: 1024. At 50
   * ms each and 4 threads, 1,024 requests wait 13 s; clients at the end of a longer queue have given up by then.
   */
  readonly maxOffloadQueue?: number | string | undefined;
}

/** Time limits of an application, in milliseconds. */
export interface ApplicationTimeoutOptions {
  /**
   * For loading the module of an application; if exceeded: loading fails. 100 to 86,400,000 ms; default: 30,000.
   * gunicorn gives a worker 30 s to boot. A module may await a promise that never settles.
   */
  readonly loadMs?: number | string | undefined;
  /**
   * Silence of a pool thread after its response began (0: unlimited); if exceeded: the thread is replaced. 0 to
   * 86,400,000 ms; default: 60,000. nginx's proxy_read_timeout is 60 s, between two reads too. A thread handles one
   * request at a time: without a limit an endless computation would block it for ever. A stream of rare events has to
   * send something in between, such as a comment.
   */
  readonly offloadMs?: number | string | undefined;
}

/** The log of an application. */
export interface ApplicationLogOptions {
  /**
   * Called with an error thrown by the application, or the reason why a file cannot be sent (default: one line on
   * standard error).
   */
  readonly error?: ((error: unknown, request: HttpRequest | null) => void) | undefined;
}

/** The options of loadApplication(). */
export interface ApplicationOptions {
  /** Make the light Headers, Request and Response the globals for a fetch application. Default: false. */
  readonly overrideGlobals?: boolean | undefined;
  /** The interface of the application: wsgi, fetch, node, raw (default: detected by its shape). */
  readonly adapter?: AdapterName | undefined;
  /** Serve each module of this folder at its own URL: clock.js at /clock. */
  readonly dynamic?: true | { readonly suffix?: string | undefined } | undefined;
  /** Handles requests that no module of a dynamic folder handles (default: 404). */
  readonly next?: Handler | undefined;
  /** Run the application in a pool of N threads; 0: without a pool. 0 to 256; default: 0. */
  readonly threads?: number | string | undefined;
  /** Limits of an application, in counts. */
  readonly limits?: ApplicationLimitOptions | undefined;
  /** Time limits of an application, in milliseconds. */
  readonly timeouts?: ApplicationTimeoutOptions | undefined;
  /** The log of an application. */
  readonly log?: ApplicationLogOptions | undefined;
}

/** How the files of one host are served. */
export interface HostOptions {
  /** Serve the files of this folder. */
  readonly root: string;
  /** Index files of a folder; the first that exists is sent. Default: index.html. */
  readonly index?: string | readonly string[] | undefined;
  /** List folders without an index, as a page or as JSON. Default: false. */
  readonly listing?: boolean | undefined;
  /** Serve about.html at /about, and redirect /about.html to it. Default: false. */
  readonly cleanUrls?: boolean | undefined;
  /** A file of the root that answers navigations to paths without a file or a handler. Default: false. */
  readonly spa?: string | false | undefined;
  /**
   * Cache-Control of matching files; the first matching rule applies; "@fingerprinted:immutable" for hashed names.
   * Default: none.
   */
  readonly cacheControl?: string | readonly (string | CacheRule)[] | Readonly<Record<string, string>> | undefined;
  /** Media type of a file name extension, as in .glsl=text/plain. Default: none. */
  readonly types?: string | readonly string[] | Readonly<Record<string, string>> | undefined;
  /** Charset of text files; empty: none is sent. Default: utf-8. */
  readonly charset?: string | undefined;
  /** Serve files and folders whose names begin with a dot (.well-known is always served). Default: false. */
  readonly dotfiles?: boolean | undefined;
  /** Send .br, .zst and .gz siblings, and compress text files without one. Default: true. */
  readonly compression?: boolean | undefined;
  /** Send X-Content-Type-Options and Referrer-Policy. Default: true. */
  readonly securityHeaders?: boolean | undefined;
  /** Serve another folder below a path, as in /assets=./dist. Default: none. */
  readonly mounts?: string | readonly string[] | Readonly<Record<string, string>> | undefined;
}

/** How files are served. A string stands for `root` alone. */
export interface StaticOptions extends HostOptions {
  /**
   * Never serve this file or folder of the root, nor its .br, .zst and .gz siblings; it need not exist yet. Default:
   * none.
   */
  readonly hide?: string | readonly string[] | undefined;
  /** The same for paths that may lie outside of all folders, such as a config file. Default: none. */
  readonly hideIfServed?: string | readonly string[] | undefined;
  /**
   * Another root for a host; *.example.org for all names below it; in code and config files, with options of its own.
   * Default: none.
   */
  readonly hosts?: string | readonly string[] | Readonly<Record<string, string | HostOptions>> | undefined;
}

/** The options of one host, checked. What a host does not have is inherited, or has its default. */
export interface HostSettings {
  readonly root: string;
  readonly index?: readonly string[] | undefined;
  readonly listing?: boolean | undefined;
  readonly cleanUrls?: boolean | undefined;
  readonly spa?: string | false | undefined;
  readonly cacheControl?: readonly CacheRule[] | undefined;
  readonly types?: Readonly<Record<string, string>> | undefined;
  readonly charset?: string | undefined;
  readonly dotfiles?: boolean | undefined;
  readonly compression?: boolean | undefined;
  readonly securityHeaders?: boolean | undefined;
  readonly mounts?: Readonly<Record<string, string>> | undefined;
}

/** How files are served, checked and complete. */
export interface StaticSettings {
  /** Null: only the mounted folders are served. */
  readonly root: string | null;
  readonly index: readonly string[];
  readonly listing: boolean;
  readonly cleanUrls: boolean;
  readonly spa: string | false;
  readonly cacheControl: readonly CacheRule[];
  readonly types: Readonly<Record<string, string>>;
  readonly charset: string;
  readonly dotfiles: boolean;
  readonly compression: boolean;
  readonly securityHeaders: boolean;
  readonly mounts: Readonly<Record<string, string>>;
  readonly hide: readonly string[];
  readonly hideIfServed: readonly string[];
  readonly hosts: Readonly<Record<string, string | HostSettings>>;
}

/** The checked settings of the command from flags, variables and a config file, by name. */
export interface Settings extends Limits {
  readonly port: number;
  readonly host: string;
  readonly listen?: readonly ListenOption[] | undefined;
  readonly admin?: ListenOption | undefined;
  readonly tls?: readonly TlsOption[] | undefined;
  readonly tlsCert: readonly string[];
  readonly tlsKey: readonly string[];
  readonly tlsClientCa: readonly string[];
  readonly tlsClientCert?: ClientCertificates | undefined;
  readonly tlsSelfSigned: boolean;
  readonly httpsRedirect?: number | undefined;
  readonly hsts: boolean;
  readonly trustedProxies: readonly string[];
  readonly proxyFields: ProxyFields;
  readonly requestIds: boolean;
  readonly root?: string | undefined;
  readonly app?: readonly MountedModule[] | undefined;
  readonly proxy: readonly string[];
  readonly adapter?: AdapterName | undefined;
  readonly dynamic?: string | undefined;
  readonly dynamicSuffix?: string | undefined;
  readonly watch: boolean;
  readonly offload: number;
  readonly pythonWorkers?: number | undefined;
  readonly pythonThreads: number;
  readonly python?: string | undefined;
  readonly model?: ModelName | undefined;
  readonly workers?: number | undefined;
  readonly backend?: string | undefined;
  readonly pidFile?: string | undefined;
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly umask?: string | undefined;
  readonly quiet: boolean;
  readonly serverHeader: string;
  readonly accessLog?: string | false | undefined;
  readonly logFormat: LogFormat;
  readonly errorLog?: string | undefined;
  readonly trace?: boolean | undefined;
  readonly index: readonly string[];
  readonly listing: boolean;
  readonly cleanUrls: boolean;
  readonly spa: string | false;
  readonly cacheControl: readonly CacheRule[];
  readonly type: Readonly<Record<string, string>>;
  readonly charset: string;
  readonly dotfiles: boolean;
  readonly compression: boolean;
  readonly securityHeaders: boolean;
  readonly mount: Readonly<Record<string, string>>;
  readonly hide: readonly string[];
  readonly vhost: Readonly<Record<string, string | HostSettings>>;
  readonly maintenance: readonly MaintenanceRule[];
  readonly deny: readonly AccessRule[];
  readonly allow: readonly AccessRule[];
  readonly rateLimit: readonly RateRule[];
  readonly auth: readonly AuthRule[];
  readonly redirect: readonly RedirectRule[];
  readonly trailingSlash: readonly SlashRule[];
  readonly rewrite: readonly RedirectRule[];
  readonly header: readonly HeaderRule[];
  readonly cors: readonly CorsRule[];
  readonly errorPage: readonly ErrorPageRule[];
  readonly siteFiles: boolean;
}

/** The name of a setting of the command. */
export type SettingName = keyof Settings;
