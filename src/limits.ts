// Every bound of the server: its unit (in the name), default, range, and the reason for the number.
// It must not import anything but errors; layers are handed the values.

import { EpollServerError } from './errors.ts';

/** One bound: what it is by default, what it may be, and why. */
export interface LimitSpec {
  readonly byDefault: number;
  readonly min: number;
  readonly max: number;
  /** One sentence for the table of options: what is bounded and what happens beyond. */
  readonly text: string;
}

const DAY_MS = 86_400_000;
const GIB = 2 ** 30;

/** The names of all bounds, in the order of the catalogue. */
export const LIMIT_NAMES = [
  'maxHeaderBytes',
  'maxTargetBytes',
  'maxFields',
  'maxBodyBytes',
  'maxDiscardBytes',
  'maxConnections',
  'maxConnectionsPerAddress',
  'backlog',
  'maxAcceptsPerTurn',
  'maxRequestsPerTurn',
  'maxUnsentBytes',
  'maxFileBytesPerTurn',
  'firstByteTimeoutMs',
  'headerTimeoutMs',
  'bodyTimeoutMs',
  'handlerTimeoutMs',
  'sendTimeoutMs',
  'minReceiveBytesPerSecond',
  'minSendBytesPerSecond',
  'keepAliveTimeoutMs',
  'halfClosedTimeoutMs',
  'halfClosedSignalMs',
  'lingerTimeoutMs',
  'maxLingerMs',
  'maxLingerBytes',
  'maxLingeringConnections',
  'shutdownTimeoutMs',
  'shutdownGraceMs',
  'loadTimeoutMs',
  'maxOffloadQueue',
  'offloadTimeoutMs',
  'maxChildren',
  'maxCacheBytes',
  'maxCachedFileBytes',
  'maxCompressedFileBytes',
  'maxCodingBytesPerSecond',
  'maxFileQueue',
  'maxOpenFiles',
] as const;

/** The name of a bound. */
export type LimitName = (typeof LIMIT_NAMES)[number];

/** A value for every bound. */
export type Limits = Readonly<Record<LimitName, number>>;

/** The catalogue of bounds. Each is an option of `serve` and a flag of the command. */
export const LIMITS: Readonly<Record<LimitName, LimitSpec>> = {
  /** nginx takes 4 × 8 KiB of fields and 8 KiB of request line; node:http 16 KiB in all. */
  maxHeaderBytes: spec(16_384, 256, 1_048_576, 'Request line and fields together, in bytes; beyond: 431.'),
  /** RFC 9112 section 3 recommends at least 8,000. */
  maxTargetBytes: spec(8_192, 16, 1_048_576, 'The request target, in bytes; beyond: 414.'),
  /** Browsers send 10 to 25; Apache allows 100. */
  maxFields: spec(200, 1, 10_000, 'Field lines of one request, and of its trailers; beyond: 431.'),
  /** Bodies are streamed, so this bounds what an application is asked to take, not memory. */
  maxBodyBytes: spec(134_217_728, 0, Number.MAX_SAFE_INTEGER, 'A request body, in bytes; beyond: 413.'),
  /** What an application left unread is thrown away up to this, for the next request's sake. Of chunked bodies all is. */
  maxDiscardBytes: spec(
    262_144,
    0,
    GIB,
    'Unread request body of known length that a whole answer leaves; beyond: it closes.',
  ),
  /** Half of Linux's default limit of 1,048,576 descriptors for one process would be too brave. */
  maxConnections: spec(65_536, 1, 4_194_304, 'Clients at once; beyond: 503 and closed.'),
  /** Off, since behind a proxy or a NAT all clients have one address. An IPv6 /64 counts as one. */
  maxConnectionsPerAddress: spec(0, 0, 4_194_304, 'Clients at once from one address (0: any number); beyond: 503.'),
  /** SOMAXCONN of Linux since 5.4; the system may lower it. */
  backlog: spec(4_096, 1, 65_535, 'Connections that wait to be accepted, as in listen(2).'),
  /** One turn must not belong to newcomers alone. */
  maxAcceptsPerTurn: spec(64, 1, 65_536, 'Clients accepted from one listener in one turn.'),
  /** A pipelining client gets this many answers, then the others have their turn. */
  maxRequestsPerTurn: spec(256, 1, 65_536, 'Requests of one connection served in one turn of the loop.'),
  /** Four times a default Linux send buffer's start; above it, applications are told to wait. */
  maxUnsentBytes: spec(
    65_536,
    1_024,
    GIB,
    'Unsent output of one connection above which it is not read and writers wait.',
  ),
  /** A fast client of a large file would keep everyone else waiting; this is well below a millisecond. */
  maxFileBytesPerTurn: spec(1_048_576, 65_536, GIB, 'Bytes of a file sent to one client in one turn of the loop.'),
  /** A client that connects and says nothing; browsers open spare connections, so not too short. */
  firstByteTimeoutMs: spec(30_000, 100, DAY_MS, 'From accept to the first byte; beyond: closed.'),
  /** Slow-loris (CVE-2018-12122): a total, not a pause between bytes. nginx: 60 s, node:http: 60 s. */
  headerTimeoutMs: spec(20_000, 100, DAY_MS, 'From the first byte of a request to the end of its fields; beyond: 408.'),
  bodyTimeoutMs: spec(
    30_000,
    100,
    DAY_MS,
    'Without a byte of a request body that is waited for, or too slow; beyond: 408.',
  ),
  /** nginx's proxy_read_timeout is 60 s. What streams has begun its answer, and sendTimeoutMs takes over. */
  handlerTimeoutMs: spec(60_000, 0, DAY_MS, 'For a handler to begin its answer; beyond: 504. 0: for ever.'),
  sendTimeoutMs: spec(
    30_000,
    100,
    DAY_MS,
    'Without the client taking a byte of its answer, or too slow; beyond: closed.',
  ),
  /**
   * The rate of the slowest client that is still served; slower ones use up the time above, byte by byte
   * or not. Kestrel's default for both; Apache's mod_reqtimeout asks for 500. 0: any byte will do.
   */
  minReceiveBytesPerSecond: spec(240, 0, GIB, 'A request body that is waited for comes at least this fast (0: any).'),
  minSendBytesPerSecond: spec(240, 0, GIB, 'An answer is taken at least this fast (0: any); beyond: closed.'),
  /** nginx: 75 s. node:http's 5 s races with proxies that keep theirs for 60 s. */
  keepAliveTimeoutMs: spec(75_000, 100, DAY_MS, 'Between two requests of a connection; beyond: closed.'),
  halfClosedTimeoutMs: spec(5_000, 100, DAY_MS, 'For the answer of a client that finished sending; beyond: aborted.'),
  /** FIN comes from clients that leave far more often than from those that wait. @hono/node-server: 500 ms. */
  halfClosedSignalMs: spec(500, 0, DAY_MS, 'From FIN of such a client to the abort of request.signal (0: never).'),
  /**
   * RFC 9112 section 9.6: a client that still sends when its answer ends the connection would lose the answer to RST.
   * nginx's lingering_timeout and lingering_time are 5 s and 30 s.
   */
  lingerTimeoutMs: spec(5_000, 100, DAY_MS, 'Without a byte of a client whose last answer was sent; beyond: closed.'),
  maxLingerMs: spec(30_000, 100, DAY_MS, 'For that client to go on sending what is thrown away; beyond: closed.'),
  maxLingerBytes: spec(0, 0, GIB, 'Bytes of it that are thrown away (0: any number); beyond: closed.'),
  /** Each costs a descriptor and a receive buffer. They do not count as connections of maxConnections. */
  maxLingeringConnections: spec(
    1_024,
    0,
    4_194_304,
    'Such clients at once; beyond: the one that lingers longest is closed.',
  ),
  /** gunicorn's graceful_timeout is 30 s; container runtimes kill after 10 s. */
  shutdownTimeoutMs: spec(8_000, 0, DAY_MS, 'For requests in flight when the server closes; beyond: cut off.'),
  /**
   * A request may be on its way when its connection is closed, and would be lost. node:http waits for the first request of
   * a connection, Go for 5 s; more than a round trip around the world delays the end for nothing.
   */
  shutdownGraceMs: spec(500, 0, DAY_MS, 'For a request of an idle connection when the server closes; beyond: closed.'),
  /** gunicorn gives a worker 30 s to boot. A module that awaits what never comes would be waited for without end. */
  loadTimeoutMs: spec(30_000, 100, DAY_MS, 'For the module of an application to load; beyond: it is refused.'),
  /** At 50 ms each and 4 threads, 1,024 wait 13 s: longer queues answer those who have left. */
  maxOffloadQueue: spec(1_024, 1, 1_048_576, 'Requests that wait for a thread of the pool (offload); beyond: 503.'),
  /**
   * nginx's proxy_read_timeout is 60 s, between two reads too. A thread has one request at a time: one that computes, or
   * waits, for ever would be lost to all others. A stream of rare events says something in between, as a comment.
   */
  offloadTimeoutMs: spec(
    60_000,
    0,
    DAY_MS,
    'Silence of a pool thread in mid-answer; beyond: it is replaced. 0: for ever.',
  ),
  /** A Node.js process needs 40 MiB and a tenth of a second to start: 64 of them are 2.5 GiB. */
  maxChildren: spec(64, 1, 4_096, 'Processes or threads at once where each client has its own; beyond: they wait.'),
  /** Whole small files are kept; see maxCachedFileBytes. */
  maxCacheBytes: spec(33_554_432, 0, 16 * GIB, 'Files kept in memory, in bytes; least recently used leave.'),
  maxCachedFileBytes: spec(131_072, 0, GIB, 'The largest file that is kept in memory; larger ones are streamed.'),
  /** A client waits for it, once: a megabyte takes the thread pool about 20 ms with Brotli. */
  maxCompressedFileBytes: spec(
    8_388_608,
    0,
    GIB,
    'The largest file that is compressed here; larger ones need a sibling.',
  ),
  /** A fifth of a processor with gzip or Brotli. Eight seconds' worth may come at once, as after a deployment. */
  maxCodingBytesPerSecond: spec(
    8_388_608,
    0,
    16 * GIB,
    'Bytes compressed here in a second, in the long run; beyond: sent as they are.',
  ),
  /** A disk that takes 10 ms needs 14 s for so many in the three threads that files have by default. */
  maxFileQueue: spec(4_096, 1, 1_048_576, 'Requests that wait for a file to be found or read; beyond: 503.'),
  /** As many small files as fit the cache twice over; each costs 2 KiB here and 1 KiB in the system: 24 MiB. */
  maxOpenFiles: spec(
    8_192,
    0,
    1_048_576,
    'Files kept open between two answers, at most a quarter of ulimit -n; 0: none.',
  ),
};

/** A number as an option is given: itself, or its digits, as in `process.env.PORT` or a quoted number of a file. */
export type GivenNumber = number | string;

/** The values of bounds, as far as they are given. */
export type GivenLimits = { readonly [Name in LimitName]?: GivenNumber | undefined };

/** What text is a whole number: its digits and nothing else. `Number` takes `0x10`, `1e3`, blanks and nothing too. */
export const DIGITS: RegExp = /^\d{1,16}$/;

/**
 * @throws EpollServerError `ERR_OPTION` when `given` is not a whole number from `min` to `max`; `what` is how that is
 * called, `name` is the option's.
 */
export function wholeNumber(name: string, given: unknown, min: number, max: number, what = 'a whole number'): number {
  const value = typeof given === 'string' && DIGITS.test(given) ? Number(given) : given;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const shown = typeof given === 'string' ? JSON.stringify(given) : String(given);
  throw new EpollServerError('ERR_OPTION', `${name} must be ${what} from ${min} to ${max}, not ${shown}`);
}

/** Whether `name` is a bound of the catalogue. */
export function isLimitName(name: string): name is LimitName {
  return Object.hasOwn(LIMITS, name);
}

/**
 * The given values over the defaults.
 * @throws EpollServerError `ERR_OPTION` when a value is not a whole number within its range.
 */
export function resolveLimits(given: GivenLimits): Limits {
  const resolve = (name: LimitName): number => {
    const { byDefault, min, max } = LIMITS[name];
    return wholeNumber(name, given[name] ?? byDefault, min, max);
  };
  return {
    maxHeaderBytes: resolve('maxHeaderBytes'),
    maxTargetBytes: resolve('maxTargetBytes'),
    maxFields: resolve('maxFields'),
    maxBodyBytes: resolve('maxBodyBytes'),
    maxDiscardBytes: resolve('maxDiscardBytes'),
    maxConnections: resolve('maxConnections'),
    maxConnectionsPerAddress: resolve('maxConnectionsPerAddress'),
    backlog: resolve('backlog'),
    maxAcceptsPerTurn: resolve('maxAcceptsPerTurn'),
    maxRequestsPerTurn: resolve('maxRequestsPerTurn'),
    maxUnsentBytes: resolve('maxUnsentBytes'),
    maxFileBytesPerTurn: resolve('maxFileBytesPerTurn'),
    firstByteTimeoutMs: resolve('firstByteTimeoutMs'),
    headerTimeoutMs: resolve('headerTimeoutMs'),
    bodyTimeoutMs: resolve('bodyTimeoutMs'),
    handlerTimeoutMs: resolve('handlerTimeoutMs'),
    sendTimeoutMs: resolve('sendTimeoutMs'),
    minReceiveBytesPerSecond: resolve('minReceiveBytesPerSecond'),
    minSendBytesPerSecond: resolve('minSendBytesPerSecond'),
    keepAliveTimeoutMs: resolve('keepAliveTimeoutMs'),
    halfClosedTimeoutMs: resolve('halfClosedTimeoutMs'),
    halfClosedSignalMs: resolve('halfClosedSignalMs'),
    lingerTimeoutMs: resolve('lingerTimeoutMs'),
    maxLingerMs: resolve('maxLingerMs'),
    maxLingerBytes: resolve('maxLingerBytes'),
    maxLingeringConnections: resolve('maxLingeringConnections'),
    shutdownTimeoutMs: resolve('shutdownTimeoutMs'),
    shutdownGraceMs: resolve('shutdownGraceMs'),
    loadTimeoutMs: resolve('loadTimeoutMs'),
    maxOffloadQueue: resolve('maxOffloadQueue'),
    offloadTimeoutMs: resolve('offloadTimeoutMs'),
    maxChildren: resolve('maxChildren'),
    maxCacheBytes: resolve('maxCacheBytes'),
    maxCachedFileBytes: resolve('maxCachedFileBytes'),
    maxCompressedFileBytes: resolve('maxCompressedFileBytes'),
    maxCodingBytesPerSecond: resolve('maxCodingBytesPerSecond'),
    maxFileQueue: resolve('maxFileQueue'),
    maxOpenFiles: resolve('maxOpenFiles'),
  };
}

function spec(byDefault: number, min: number, max: number, text: string): LimitSpec {
  return { byDefault, min, max, text };
}
