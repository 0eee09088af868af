// Every bound of the server by name, as a number. What each means, and why, says docs/options.md.
// Generated from src/options/table.ts by `npm run generate`: do not edit.

/** A value for every bound, with its unit at the end of its name. */
export interface Limits {
  /** Request line and fields together, in bytes; beyond: 431. */
  readonly maxHeaderBytes: number;
  /** The request target, in bytes; beyond: 414. */
  readonly maxTargetBytes: number;
  /** Field lines of one request, and of its trailers; beyond: 431. */
  readonly maxFields: number;
  /** A request body, in bytes; beyond: 413. */
  readonly maxBodyBytes: number;
  /** Unread request body of known length that a whole answer leaves; beyond: it closes. */
  readonly maxDiscardBytes: number;
  /** Clients at once; beyond: 503 and closed. */
  readonly maxConnections: number;
  /** Clients at once from one address (0: any number); beyond: 503. */
  readonly maxConnectionsPerAddress: number;
  /** Connections that wait to be accepted, as in listen(2). */
  readonly backlog: number;
  /** Clients accepted from one listener in one turn of the loop. */
  readonly maxAcceptsPerTurn: number;
  /** Requests of one connection served in one turn of the loop. */
  readonly maxRequestsPerTurn: number;
  /** Unsent output of one connection above which it is not read and writers wait. */
  readonly maxUnsentBytes: number;
  /** Bytes of a file sent to one client in one turn of the loop. */
  readonly maxFileBytesPerTurn: number;
  /** A request body that is waited for comes at least this fast (0: any); beyond: 408. */
  readonly minReceiveBytesPerSecond: number;
  /** A client reads its response at least this fast (0: any); beyond: closed. */
  readonly minSendBytesPerSecond: number;
  /** Bytes that a client may send after its last response, which are discarded (0: any number); beyond: closed. */
  readonly maxLingerBytes: number;
  /** Such clients at once; beyond: the one that lingers longest is closed. */
  readonly maxLingeringConnections: number;
  /** Requests that wait for a thread of the pool (--offload); beyond: 503. */
  readonly maxOffloadQueue: number;
  /** Processes or threads at once where each client has its own; beyond: clients wait. */
  readonly maxChildren: number;
  /** Files kept in memory, in bytes; the least recently used leave. */
  readonly maxCacheBytes: number;
  /** The largest file that is kept in memory; larger ones are streamed. */
  readonly maxCachedFileBytes: number;
  /** The largest file that is compressed here; larger ones need a sibling. */
  readonly maxCompressedFileBytes: number;
  /** Bytes compressed here in a second, in the long run; beyond: sent as they are. */
  readonly maxCodingBytesPerSecond: number;
  /** Requests that wait for a file to be found or read; beyond: 503. */
  readonly maxFileQueue: number;
  /** Files kept open between two answers, at most a quarter of ulimit -n; 0: none. */
  readonly maxOpenFiles: number;
  /** From accept to the first byte; beyond: closed. */
  readonly firstByteTimeoutMs: number;
  /** From the first byte of a request to the end of its fields; beyond: 408. */
  readonly headerTimeoutMs: number;
  /** Without a byte of a request body that is waited for, or too slow; beyond: 408. */
  readonly bodyTimeoutMs: number;
  /** For a handler to begin its answer; beyond: 504. 0: without end. */
  readonly handlerTimeoutMs: number;
  /** Without the client taking a byte of its answer, or too slow; beyond: closed. */
  readonly sendTimeoutMs: number;
  /** Between two requests of a connection; beyond: closed. */
  readonly keepAliveTimeoutMs: number;
  /** For the answer of a client that finished sending; beyond: aborted. */
  readonly halfClosedTimeoutMs: number;
  /** From FIN of such a client to the abort of request.signal (0: never). */
  readonly halfClosedSignalMs: number;
  /** Without a byte of a client whose last answer was sent; beyond: closed. */
  readonly lingerTimeoutMs: number;
  /** For that client to go on sending what is discarded; beyond: closed. */
  readonly maxLingerMs: number;
  /** For requests in flight when the server closes; beyond: cut off. */
  readonly shutdownTimeoutMs: number;
  /** For a request of an idle connection when the server closes; beyond: closed. */
  readonly shutdownGraceMs: number;
  /** For the module of an application to load; beyond: it is refused. */
  readonly loadTimeoutMs: number;
  /** Silence of a pool thread in mid-answer; beyond: it is replaced. 0: without end. */
  readonly offloadTimeoutMs: number;
}

/** The name of a bound. */
export type LimitName = keyof Limits;

/** Makes an object of all bounds. It is written out, so that V8 gives it a shape of its own. */
export function makeLimits(value: (name: LimitName) => number): Limits {
  return {
    maxHeaderBytes: value('maxHeaderBytes'),
    maxTargetBytes: value('maxTargetBytes'),
    maxFields: value('maxFields'),
    maxBodyBytes: value('maxBodyBytes'),
    maxDiscardBytes: value('maxDiscardBytes'),
    maxConnections: value('maxConnections'),
    maxConnectionsPerAddress: value('maxConnectionsPerAddress'),
    backlog: value('backlog'),
    maxAcceptsPerTurn: value('maxAcceptsPerTurn'),
    maxRequestsPerTurn: value('maxRequestsPerTurn'),
    maxUnsentBytes: value('maxUnsentBytes'),
    maxFileBytesPerTurn: value('maxFileBytesPerTurn'),
    minReceiveBytesPerSecond: value('minReceiveBytesPerSecond'),
    minSendBytesPerSecond: value('minSendBytesPerSecond'),
    maxLingerBytes: value('maxLingerBytes'),
    maxLingeringConnections: value('maxLingeringConnections'),
    maxOffloadQueue: value('maxOffloadQueue'),
    maxChildren: value('maxChildren'),
    maxCacheBytes: value('maxCacheBytes'),
    maxCachedFileBytes: value('maxCachedFileBytes'),
    maxCompressedFileBytes: value('maxCompressedFileBytes'),
    maxCodingBytesPerSecond: value('maxCodingBytesPerSecond'),
    maxFileQueue: value('maxFileQueue'),
    maxOpenFiles: value('maxOpenFiles'),
    firstByteTimeoutMs: value('firstByteTimeoutMs'),
    headerTimeoutMs: value('headerTimeoutMs'),
    bodyTimeoutMs: value('bodyTimeoutMs'),
    handlerTimeoutMs: value('handlerTimeoutMs'),
    sendTimeoutMs: value('sendTimeoutMs'),
    keepAliveTimeoutMs: value('keepAliveTimeoutMs'),
    halfClosedTimeoutMs: value('halfClosedTimeoutMs'),
    halfClosedSignalMs: value('halfClosedSignalMs'),
    lingerTimeoutMs: value('lingerTimeoutMs'),
    maxLingerMs: value('maxLingerMs'),
    shutdownTimeoutMs: value('shutdownTimeoutMs'),
    shutdownGraceMs: value('shutdownGraceMs'),
    loadTimeoutMs: value('loadTimeoutMs'),
    offloadTimeoutMs: value('offloadTimeoutMs'),
  };
}
