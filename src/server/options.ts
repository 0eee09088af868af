// What serve() takes, and the checks that turn it into what the server runs on.

import type { FetchApplication } from '../adapters/fetch.ts';
import type { WsgiApplication } from '../adapters/wsgi.ts';
import { EpollServerError, messageOf } from '../errors.ts';
import type { SiteOptions } from '../files/site-options.ts';
import { precompileFields } from '../http/fields.ts';
import type { Handler, HttpRequest } from '../http/handler.ts';
import { type GivenLimits, type GivenNumber, isLimitName, type Limits, resolveLimits, wholeNumber } from '../limits.ts';
import { isLogFormat, LOG_FORMATS, type LogFormat } from '../log/access-log.ts';
import type { Sink } from '../log/watcher.ts';
import type { AnswerFailure } from './failure-answer.ts';
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
   * The folder whose files are served. At least one of this, `handler`, `fetch` and `wsgi` is there; files come first,
   * then the one of the others that is given.
   */
  readonly root?: string;
  /** How its files are served. */
  readonly site?: SiteOptions;
  /** Answers every request. See {@link Handler}; `loadApplication`, `mount` and `staticFiles` make some. */
  readonly handler?: Handler;
  /** Answers every request with a Response, in the shape of Bun, Deno, Hono and h3. See `fetchHandler`. */
  readonly fetch?: FetchApplication;
  /** Answers every request as a WSGI-style application does. See `wsgi`. */
  readonly wsgi?: WsgiApplication;
  /** Make the light Headers, Request and Response the globals for a fetch application. Default: false. */
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
  /**
   * The answer to a request whose application threw or rejected before it answered: a Response, or
   * `{ status, fields, content }`; undefined: the standard page. The error is reported to `onError` all the same.
   */
  readonly error?: AnswerFailure;
  /** Closes the server when it aborts, as `close()` does. */
  readonly signal?: AbortSignal;
  /** Told what a handler threw. Default: one line on standard error; on a terminal, one for each frame too. */
  readonly onError?: (error: unknown, request: HttpRequest | null) => void;
}

const NAMES = new Set([
  'port',
  'host',
  'listen',
  'root',
  'site',
  'handler',
  'fetch',
  'wsgi',
  'overrideGlobals',
  'backend',
  'serverHeader',
  'accessLog',
  'logFormat',
  'trace',
  'onError',
  'error',
  'signal',
]);

const DEFAULT_PORT = 8080;
const DEFAULT_HOST = '127.0.0.1';

/** What the check makes of some options. */
export interface CheckedOptions {
  readonly limits: Limits;
  readonly listen: readonly CheckedListen[];
}

/** @throws EpollServerError `ERR_OPTION` that names the option, its value and what was expected. */
export function checkOptions(options: ServeOptions): CheckedOptions {
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name) && !isLimitName(name)) throw wrong(`there is no option "${name}"`);
  }
  const { serverHeader = '', logFormat = 'common', overrideGlobals = false } = options;
  const listen = checkAddresses(options);
  if (typeof overrideGlobals !== 'boolean') throw wrong('overrideGlobals must be true or false');
  if (!isLogFormat(logFormat)) throw wrong(`logFormat must be one of ${LOG_FORMATS.join(', ')}, not "${logFormat}"`);
  for (const sink of ['accessLog', 'trace', 'onError', 'error'] as const) {
    if (options[sink] !== undefined && typeof options[sink] !== 'function') throw wrong(`${sink} must be a function`);
  }
  checkServerHeader(serverHeader);
  checkSignal(options.signal);
  return { limits: resolveLimits(options), listen };
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

/** Another library's may do: what is asked of it is here. */
function checkSignal(signal: unknown): void {
  if (signal === undefined) return;
  const isSignal = typeof signal === 'object' && signal !== null && 'aborted' in signal && 'addEventListener' in signal;
  if (!isSignal) throw wrong('signal must be an AbortSignal');
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
