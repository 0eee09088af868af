// What serve() takes, and the checks that turn it into what the server runs on.

import { ADAPTERS, type AdapterName } from '../adapters/adapter-names.ts';
import type { FetchFunction } from '../adapters/fetch.ts';
import { checkSuffix } from '../app/dynamic-folder.ts';
import { EpollServerError, messageOf } from '../errors.ts';
import { checkSite, type SiteOptions } from '../files/site-options.ts';
import { precompileFields } from '../http/fields.ts';
import type { Handler, HttpRequest } from '../http/handler.ts';
import { type GivenLimits, type GivenNumber, isLimitName, type Limits, resolveLimits, wholeNumber } from '../limits.ts';
import { isLogFormat, LOG_FORMATS, type LogFormat } from '../log/access-log.ts';
import type { Sink } from '../log/watcher.ts';
import { type CheckedListen, checkListen, type ListenOption, MAX_PORT } from './listen-address.ts';

/** Every bound of `limits.ts` is an option too, under its own name. */
export interface ServeOptions extends GivenLimits {
  /** The TCP port; 0 lets the system choose. A text of digits, as `process.env.PORT` is, is a number. Default: 8080. */
  readonly port?: GivenNumber | undefined;
  /** A name or an address to listen on; `::` takes IPv6 and IPv4. Default: `127.0.0.1`. */
  readonly host?: string;
  /**
   * Where to listen instead of on one `host` and `port`: `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/x.sock,mode=660`,
   * `fd:3`, or objects that say the same: `{ host, port }`, `{ path, mode }`, `{ fd }`. Each may have a `backlog` of its
   * own.
   */
  readonly listen?: readonly ListenOption[];
  /**
   * The folder whose files are served. At least one of this, `dynamic`, `handler`, `fetch` and `app` is there; files
   * come first, then the modules of `dynamic`, then the one of the others that is given.
   */
  readonly root?: string;
  /** How its files are served. */
  readonly site?: SiteOptions;
  /** Answers every request. See {@link Handler}; `wsgi(application)` makes one. */
  readonly handler?: Handler;
  /** Answers every request with a Response, in the shape of Bun, Deno, Hono and h3. See `fetchHandler`. */
  readonly fetch?: FetchFunction;
  /**
   * MODULE[:NAME] of an application: see {@link loadApplication}. The folder that its module lies in is never served
   * as files.
   */
  readonly app?: string;
  /** What `app` is written for. Default: what its shape says. */
  readonly adapter?: AdapterName;
  /** A folder whose modules answer at URLs of their own: see {@link DynamicFolder}. */
  readonly dynamic?: string;
  /** What may stand behind their names in a URL too, such as `.py`. Default: nothing. */
  readonly dynamicSuffix?: string;
  /** Threads in which `app` runs while this one keeps the connections; 0: none. Default: 0. */
  readonly offload?: GivenNumber | undefined;
  /** Make the light Headers, Request and Response the globals for a fetch application. Default: true. */
  readonly overrideGlobals?: boolean;
  /** `epoll`, `poll`, `select` or `scan`. Default: `EPOLL_SERVER_BACKEND` of the environment, or the best here. */
  readonly backend?: string;
  /** The Server field's value; empty for none. An application's own wins. Default: `epoll-server`. */
  readonly serverHeader?: string;
  /** Takes access log lines, once a turn. Default: none. */
  readonly accessLog?: Sink;
  /** How those lines look. Default: `common`. */
  readonly logFormat?: LogFormat;
  /** Takes the trace (heads, and who connects and leaves), once a turn. Default: none. */
  readonly trace?: Sink;
  /** Told what a handler threw. Default: one line on standard error; on a terminal, one for each frame too. */
  readonly onError?: (error: unknown, request: HttpRequest | null) => void;
}

/** Each has a heap of its own; more than the processors of any machine do not help. */
export const MAX_OFFLOAD_THREADS = 256;

const NAMES = new Set([
  'port',
  'host',
  'listen',
  'root',
  'site',
  'handler',
  'fetch',
  'app',
  'adapter',
  'dynamic',
  'dynamicSuffix',
  'offload',
  'overrideGlobals',
  'backend',
  'serverHeader',
  'accessLog',
  'logFormat',
  'trace',
  'onError',
]);

const DEFAULT_PORT = 8080;
const DEFAULT_HOST = '127.0.0.1';

/** What the check makes of some options. */
export interface CheckedOptions {
  readonly limits: Limits;
  readonly offload: number;
  readonly listen: readonly CheckedListen[];
}

/** @throws EpollServerError `ERR_OPTION` that names the option, its value and what was expected. */
export function checkOptions(options: ServeOptions): CheckedOptions {
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name) && !isLimitName(name)) throw wrong(`there is no option "${name}"`);
  }
  const { handler, serverHeader = '', logFormat = 'common' } = options;
  const listen = checkAddresses(options);
  const offload = checkApplication(options);
  if (handler !== undefined && typeof handler !== 'function')
    throw wrong(`handler must be a function, not ${typeof handler}`);
  if (options.site !== undefined) {
    if (options.root === undefined) throw wrong('site says how the files of root are served: give root too');
    checkSite(options.site);
  }
  if (!isLogFormat(logFormat)) throw wrong(`logFormat must be one of ${LOG_FORMATS.join(', ')}, not "${logFormat}"`);
  for (const sink of ['accessLog', 'trace', 'onError'] as const) {
    if (options[sink] !== undefined && typeof options[sink] !== 'function') throw wrong(`${sink} must be a function`);
  }
  checkServerHeader(serverHeader);
  return { limits: resolveLimits(options), offload, listen };
}

/** The addresses of `listen`, or the one of `host` and `port`. */
function checkAddresses({ listen, host, port }: ServeOptions): readonly CheckedListen[] {
  if (listen === undefined) {
    if (host !== undefined && (typeof host !== 'string' || host === ''))
      throw wrong('host must be a name or an address');
    const number = wholeNumber('port', port ?? DEFAULT_PORT, 0, MAX_PORT);
    return [{ address: { host: host ?? DEFAULT_HOST, port: number }, options: {} }];
  }
  if (host !== undefined || port !== undefined) throw wrong('give listen, or host and port, not both');
  if (!Array.isArray(listen) || listen.length === 0) throw wrong('listen must be a list of one address or more');
  try {
    return listen.map(checkListen);
  } catch (error) {
    throw wrong(`listen ${messageOf(error)}`);
  }
}

/** One thing answers what files do not, and only what is named by its module can be sent to threads: to so many. */
function checkApplication(options: ServeOptions): number {
  const { root, dynamic, handler, fetch, app, adapter, overrideGlobals = true } = options;
  const applications = [handler, fetch, app].filter((given) => given !== undefined).length;
  if (applications > 1 || (applications === 0 && root === undefined && dynamic === undefined))
    throw wrong(
      'give root (a folder), dynamic (a folder), or one of handler (a function), fetch (a function) and app (MODULE:NAME)',
    );
  if (fetch !== undefined && typeof fetch !== 'function') throw wrong(`fetch must be a function, not ${typeof fetch}`);
  if (app !== undefined && (typeof app !== 'string' || app === '')) throw wrong('app must be MODULE or MODULE:NAME');
  if (adapter !== undefined && !ADAPTERS.includes(adapter))
    throw wrong(`adapter must be one of ${ADAPTERS.join(', ')}, not "${adapter}"`);
  if (adapter !== undefined && app === undefined) throw wrong('adapter says what app is written for: give app too');
  if (dynamic !== undefined && (typeof dynamic !== 'string' || dynamic === '')) throw wrong('dynamic must be a folder');
  checkSuffix(options.dynamicSuffix ?? '');
  if (options.dynamicSuffix !== undefined && dynamic === undefined)
    throw wrong('dynamicSuffix stands behind the names of modules in dynamic: give dynamic too');
  const offload = wholeNumber('offload', options.offload ?? 0, 0, MAX_OFFLOAD_THREADS, 'a whole number of threads');
  if (offload > 0 && app === undefined) throw wrong('offload needs app: functions cannot be sent to threads');
  if (typeof overrideGlobals !== 'boolean') throw wrong('overrideGlobals must be true or false');
  return offload;
}

function checkServerHeader(value: unknown): void {
  if (typeof value !== 'string') throw wrong('serverHeader must be a string');
  try {
    precompileFields({ Server: value });
  } catch {
    throw wrong('serverHeader holds a byte that no field value may');
  }
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
