// The types of options: as they are given, and as they are once they are checked.
// Generated from src/options/table.ts by `npm run generate`: do not edit.

import type { Handler, HttpRequest } from '../http/handler.ts';
import type { Limits } from '../limits.ts';
import type { CacheRule } from './cache-rule.ts';
import type { AdapterName, LogFormat, ModelName } from './choices.ts';
import type { ListenOption } from './listen-address.ts';
import type { MountedModule } from './mounted-module.ts';

/** Takes text, in lines, once a turn of the loop. */
export type Sink = (text: string) => void;

/** Bounds in bytes and counts. */
export interface LimitOptions {
  /**
   * Request line and fields together, in bytes; beyond: 431. 256 to 1,048,576 bytes; default: 16,384. nginx takes 4 x 8
   * KiB of fields and 8 KiB of request line, node:http 16 KiB in all.
   */
  readonly maxHeaderBytes?: number | string | undefined;
  /**
   * The request target, in bytes; beyond: 414. 16 to 1,048,576 bytes; default: 8,192. RFC 9112 section 3 recommends at
   * least 8,000.
   */
  readonly maxTargetBytes?: number | string | undefined;
  /**
   * Field lines of one request, and of its trailers; beyond: 431. 1 to 10,000; default: 200. Browsers send 10 to 25;
   * Apache allows 100.
   */
  readonly maxFields?: number | string | undefined;
  /**
   * A request body, in bytes; beyond: 413. 0 to 9,007,199,254,740,991 bytes; default: 134,217,728. Bodies are streamed,
   * so this bounds what an application is asked to read, not memory.
   */
  readonly maxBodyBytes?: number | string | undefined;
  /**
   * Unread request body of known length that a whole answer leaves; beyond: it closes. 0 to 1,073,741,824 bytes;
   * default: 262,144. A body that the application left unread is discarded, so that the connection can serve the next
   * request. Chunked bodies are always discarded.
   */
  readonly maxDiscardBytes?: number | string | undefined;
  /**
   * Clients at once; beyond: 503 and closed. 1 to 4,194,304; default: 65,536. A small part of Linux's default limit of
   * 1,048,576 descriptors for one process.
   */
  readonly maxConnections?: number | string | undefined;
  /**
   * Clients at once from one address (0: any number); beyond: 503. 0 to 4,194,304; default: 0. Off, since all clients
   * behind a proxy or a NAT have one address. An IPv6 /64 counts as one address.
   */
  readonly maxConnectionsPerAddress?: number | string | undefined;
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
   * Requests of one connection served in one turn of the loop. 1 to 65,536; default: 256. After so many answers to a
   * client that pipelines, the other clients have their turn.
   */
  readonly maxRequestsPerTurn?: number | string | undefined;
  /**
   * Unsent output of one connection above which it is not read and writers wait. 1,024 to 1,073,741,824 bytes; default:
   * 65,536. Four times the initial send buffer of Linux.
   */
  readonly maxUnsentBytes?: number | string | undefined;
  /**
   * Bytes of a file sent to one client in one turn of the loop. 65,536 to 1,073,741,824 bytes; default: 1,048,576. A
   * fast client of a large file would make the others wait; this takes well below a millisecond.
   */
  readonly maxFileBytesPerTurn?: number | string | undefined;
  /**
   * A request body that is waited for comes at least this fast (0: any); beyond: 408. 0 to 1,073,741,824 bytes per
   * second; default: 240. Kestrel's default; Apache's mod_reqtimeout asks for 500. A slower client uses up
   * timeouts.bodyMs, byte by byte or not.
   */
  readonly minReceiveBytesPerSecond?: number | string | undefined;
  /**
   * A client reads its response at least this fast (0: any); beyond: closed. 0 to 1,073,741,824 bytes per second;
   * default: 240. Kestrel's default. A slower client uses up timeouts.sendMs.
   */
  readonly minSendBytesPerSecond?: number | string | undefined;
  /**
   * Bytes that a client may send after its last response, which are discarded (0: any number); beyond: closed. 0 to
   * 1,073,741,824 bytes; default: 0. The time is bounded by maxLingerMs.
   */
  readonly maxLingerBytes?: number | string | undefined;
  /**
   * Such clients at once; beyond: the one that lingers longest is closed. 0 to 4,194,304; default: 1024. Each costs a
   * descriptor and a receive buffer. They do not count as connections of maxConnections.
   */
  readonly maxLingeringConnections?: number | string | undefined;
  /**
   * Files kept in memory, in bytes; the least recently used leave. 0 to 17,179,869,184 bytes; default: 33,554,432.
   * Whole small files are kept; see maxCachedFileBytes.
   */
  readonly maxCacheBytes?: number | string | undefined;
  /**
   * The largest file that is kept in memory; larger ones are streamed. 0 to 1,073,741,824 bytes; default: 131,072.
   * Above this, sendfile(2) from the page cache costs about the same.
   */
  readonly maxCachedFileBytes?: number | string | undefined;
  /**
   * The largest file that is compressed here; larger ones need a sibling. 0 to 1,073,741,824 bytes; default: 8,388,608.
   * A client waits for it, once: a megabyte takes the thread pool about 20 ms with Brotli.
   */
  readonly maxCompressedFileBytes?: number | string | undefined;
  /**
   * Bytes compressed here in a second, in the long run; beyond: sent as they are. 0 to 17,179,869,184 bytes per second;
   * default: 8,388,608. A fifth of a processor with gzip or Brotli. Eight seconds of it may come at once, as after a
   * deployment.
   */
  readonly maxCodingBytesPerSecond?: number | string | undefined;
  /**
   * Requests that wait for a file to be found or read; beyond: 503. 1 to 1,048,576; default: 4096. A disk that takes 10
   * ms needs 14 s for so many in the three threads that files have by default.
   */
  readonly maxFileQueue?: number | string | undefined;
  /**
   * Files kept open between two answers, at most a quarter of ulimit -n; 0: none. 0 to 1,048,576; default: 8192. As
   * many small files as fit the cache twice over; each costs 2 KiB here and 1 KiB in the system: 24 MiB.
   */
  readonly maxOpenFiles?: number | string | undefined;
}

/** Bounds in milliseconds. */
export interface TimeoutOptions {
  /**
   * From accept to the first byte; beyond: closed. 100 to 86,400,000 ms; default: 30,000. Browsers open spare
   * connections and say nothing on them, so this is not too short.
   */
  readonly firstByteMs?: number | string | undefined;
  /**
   * From the first byte of a request to the end of its fields; beyond: 408. 100 to 86,400,000 ms; default: 20,000.
   * Slow-loris (CVE-2018-12122): a total, not a pause between bytes. nginx and node:http: 60 s.
   */
  readonly headerMs?: number | string | undefined;
  /**
   * Without a byte of a request body that is waited for, or too slow; beyond: 408. 100 to 86,400,000 ms; default:
   * 30,000. nginx's client_body_timeout is 60 s.
   */
  readonly bodyMs?: number | string | undefined;
  /**
   * For a handler to begin its answer; beyond: 504. 0: without end. 0 to 86,400,000 ms; default: 60,000. nginx's
   * proxy_read_timeout is 60 s. Once the answer has begun, timeouts.sendMs holds.
   */
  readonly handlerMs?: number | string | undefined;
  /**
   * Without the client taking a byte of its answer, or too slow; beyond: closed. 100 to 86,400,000 ms; default: 30,000.
   * nginx's send_timeout is 60 s.
   */
  readonly sendMs?: number | string | undefined;
  /**
   * Between two requests of a connection; beyond: closed. 100 to 86,400,000 ms; default: 75,000. nginx: 75 s.
   * node:http's 5 s races with proxies that keep theirs for 60 s.
   */
  readonly keepAliveMs?: number | string | undefined;
  /**
   * For the answer of a client that finished sending; beyond: aborted. 100 to 86,400,000 ms; default: 5,000. FIN comes
   * from clients that leave far more often than from those that wait.
   */
  readonly halfClosedMs?: number | string | undefined;
  /**
   * From FIN of such a client to the abort of request.signal (0: never). 0 to 86,400,000 ms; default: 500.
   * @hono/node-server waits 500 ms.
   */
  readonly halfClosedSignalMs?: number | string | undefined;
  /**
   * Without a byte of a client whose last answer was sent; beyond: closed. 100 to 86,400,000 ms; default: 5,000. RFC
   * 9112 section 9.6: a client that still sends would lose the answer to RST. nginx's lingering_timeout is 5 s.
   */
  readonly lingerMs?: number | string | undefined;
  /**
   * For that client to go on sending what is discarded; beyond: closed. 100 to 86,400,000 ms; default: 30,000. nginx's
   * lingering_time is 30 s.
   */
  readonly maxLingerMs?: number | string | undefined;
  /**
   * For requests in flight when the server closes; beyond: cut off. 0 to 86,400,000 ms; default: 8,000. gunicorn's
   * graceful_timeout is 30 s; container runtimes kill after 10 s.
   */
  readonly shutdownMs?: number | string | undefined;
  /**
   * For a request of an idle connection when the server closes; beyond: closed. 0 to 86,400,000 ms; default: 500. A
   * request may be on its way, and would be lost. Go waits 5 s for the first request of a connection; more than a round
   * trip around the world only delays the end.
   */
  readonly shutdownGraceMs?: number | string | undefined;
}

/** What is logged, and where. */
export interface LogOptions {
  /** Append one line per response; "-" is standard output (without it: only on a terminal). */
  readonly access?: Sink | undefined;
  /** How these lines look: common, combined, json. Default: common. */
  readonly format?: LogFormat | undefined;
  /** Show heads, and when clients connect and leave, on standard error. */
  readonly trace?: Sink | undefined;
  /** Called with what an application threw, or why a file cannot be sent (without it: one line on standard error). */
  readonly error?: ((error: unknown, request: HttpRequest | null) => void) | undefined;
}

/** Bounds of an application, in counts. */
export interface ApplicationLimitOptions {
  /**
   * Requests that wait for a thread of the pool (--offload); beyond: 503. 1 to 1,048,576; default: 1024. At 50 ms each
   * and 4 threads, 1,024 wait 13 s; the clients of a longer queue have left when it is their turn.
   */
  readonly maxOffloadQueue?: number | string | undefined;
}

/** Bounds of an application, in milliseconds. */
export interface ApplicationTimeoutOptions {
  /**
   * For the module of an application to load; beyond: it is refused. 100 to 86,400,000 ms; default: 30,000. gunicorn
   * gives a worker 30 s to boot. A module may await what never comes.
   */
  readonly loadMs?: number | string | undefined;
  /**
   * Silence of a pool thread in mid-answer; beyond: it is replaced. 0: without end. 0 to 86,400,000 ms; default:
   * 60,000. nginx's proxy_read_timeout is 60 s, between two reads too. A thread has one request at a time: one that
   * computes without end would be lost to all others. A stream of rare events says something in between, such as a
   * comment.
   */
  readonly offloadMs?: number | string | undefined;
}

/** What is logged of an application, and where. */
export interface ApplicationLogOptions {
  /** Called with what an application threw, or why a file cannot be sent (without it: one line on standard error). */
  readonly error?: ((error: unknown, request: HttpRequest | null) => void) | undefined;
}

/** What loadApplication() takes. */
export interface ApplicationOptions {
  /** Make the light Headers, Request and Response the globals for a fetch application. Default: false. */
  readonly overrideGlobals?: boolean | undefined;
  /** What the application is written for: wsgi, fetch, node, raw (without it: recognised by its shape). */
  readonly adapter?: AdapterName | undefined;
  /** Each module of this folder answers at its own URL: clock.js at /clock. */
  readonly dynamic?: true | { readonly suffix?: string | undefined } | undefined;
  /** Answers what the modules of a dynamic folder do not (without it: 404). */
  readonly next?: Handler | undefined;
  /** Run the application in a pool of N threads; 0: in this one. 0 to 256; default: 0. */
  readonly threads?: number | string | undefined;
  /** Bounds of an application, in counts. */
  readonly limits?: ApplicationLimitOptions | undefined;
  /** Bounds of an application, in milliseconds. */
  readonly timeouts?: ApplicationTimeoutOptions | undefined;
  /** What is logged of an application, and where. */
  readonly log?: ApplicationLogOptions | undefined;
}

/** How the files of one host are served. */
export interface HostOptions {
  /** Serve the files of this folder. */
  readonly root: string;
  /** What answers for a folder: the first of these files that is there. Default: index.html. */
  readonly index?: string | readonly string[] | undefined;
  /** List folders without an index, as a page or as JSON. Default: false. */
  readonly listing?: boolean | undefined;
  /** /about is answered by about.html, and /about.html redirects to it. Default: false. */
  readonly cleanUrls?: boolean | undefined;
  /** A file of the root that answers navigations to what is not there, nor known to an application. Default: false. */
  readonly spa?: string | false | undefined;
  /**
   * Cache-Control of files that match, the first rule that does; "@fingerprinted:immutable" for hashed names. Default:
   * none.
   */
  readonly cacheControl?: string | readonly (string | CacheRule)[] | Readonly<Record<string, string>> | undefined;
  /** Another media type for names with an ending, as in .glsl=text/plain. Default: none. */
  readonly types?: string | readonly string[] | Readonly<Record<string, string>> | undefined;
  /** The charset of text; empty: none is sent. Default: utf-8. */
  readonly charset?: string | undefined;
  /** Serve names that begin with a dot (.well-known is always served). Default: false. */
  readonly dotfiles?: boolean | undefined;
  /** Send .br, .zst and .gz siblings, and compress text that has none. Default: true. */
  readonly compression?: boolean | undefined;
  /** Send X-Content-Type-Options and Referrer-Policy. Default: true. */
  readonly securityHeaders?: boolean | undefined;
  /** Serve another folder below a path, as in /assets=./dist. Default: none. */
  readonly mounts?: string | readonly string[] | Readonly<Record<string, string>> | undefined;
}

/** How files are served. A string stands for `root` alone. */
export interface StaticOptions extends HostOptions {
  /**
   * Never serve this file or folder of the root, nor its .br, .zst and .gz siblings; it need not be there yet. Default:
   * none.
   */
  readonly hide?: string | readonly string[] | undefined;
  /** The same for what may lie outside of all folders, such as a config file. Default: none. */
  readonly hideIfServed?: string | readonly string[] | undefined;
  /**
   * Another root for a host; *.example.org for all below it; in code and files, with options of its own. Default: none.
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
  readonly root: string;
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
  readonly root?: string | undefined;
  readonly app?: readonly MountedModule[] | undefined;
  readonly adapter?: AdapterName | undefined;
  readonly dynamic?: string | undefined;
  readonly dynamicSuffix?: string | undefined;
  readonly watch: boolean;
  readonly offload: number;
  readonly model?: ModelName | undefined;
  readonly workers?: number | undefined;
  readonly backend?: string | undefined;
  readonly quiet: boolean;
  readonly serverHeader: string;
  readonly accessLog?: string | false | undefined;
  readonly logFormat: LogFormat;
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
}

/** The name of something that the command can be told. */
export type SettingName = keyof Settings;
