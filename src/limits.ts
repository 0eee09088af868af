// Every bound of the server by name, as a number. What each means, and why, says docs/options.md.
// Generated from src/options/table.ts by `npm run generate`: do not edit.

/** A value for every bound, with its unit at the end of its name. */
export interface Limits {
  /** Maximum size of request line and fields together, in bytes; if exceeded: 431. */
  readonly maxHeaderBytes: number;
  /** Maximum size of the request target, in bytes; if exceeded: 414. */
  readonly maxTargetBytes: number;
  /** Maximum number of field lines of a request, and of its trailers; if exceeded: 431. */
  readonly maxFields: number;
  /** Maximum size of a request body, in bytes; if exceeded: 413. */
  readonly maxBodyBytes: number;
  /** Unread request body of known length that is discarded after the response; if larger: the connection is closed. */
  readonly maxDiscardBytes: number;
  /** Maximum number of concurrent connections; if exceeded: 503 and closed. */
  readonly maxConnections: number;
  /** Maximum number of concurrent connections from one address (0: unlimited); if exceeded: 503. */
  readonly maxConnectionsPerAddress: number;
  /** Maximum number of TLS handshakes in progress; if exceeded: the one that waits longest is closed. */
  readonly maxHandshakes: number;
  /** Connections that wait to be accepted, as in listen(2). */
  readonly backlog: number;
  /** Clients accepted from one listener in one turn of the loop. */
  readonly maxAcceptsPerTurn: number;
  /** Requests of one connection handled in one turn of the loop. */
  readonly maxRequestsPerTurn: number;
  /** Unsent output of one connection above which reading pauses and writers wait. */
  readonly maxUnsentBytes: number;
  /** Bytes of a file sent to one client in one turn of the loop. */
  readonly maxFileBytesPerTurn: number;
  /** Minimum rate of a request body while the server waits for it (0: none); if slower: 408. */
  readonly minReceiveBytesPerSecond: number;
  /** Minimum rate at which a client reads its response (0: none); if slower: closed. */
  readonly minSendBytesPerSecond: number;
  /** Bytes discarded from a client after its last response (0: unlimited); if exceeded: closed. */
  readonly maxLingerBytes: number;
  /** Maximum number of connections that linger after their last response; if exceeded: the oldest is closed. */
  readonly maxLingeringConnections: number;
  /** Requests that may wait for a thread of the pool (--offload); if exceeded: 503. */
  readonly maxOffloadQueue: number;
  /** Concurrent connections to a program behind this server (--proxy); if exceeded: requests wait. */
  readonly maxUpstreamConnections: number;
  /** Requests that may wait for such a connection; if exceeded: 503. */
  readonly maxUpstreamQueue: number;
  /**
   * Temporary files for requests and responses of --proxy; if exceeded: requests get 503, responses wait for their
   * clients.
   */
  readonly maxSpoolBytes: number;
  /** Concurrent processes or threads in models with one per client; if exceeded: clients wait. */
  readonly maxChildren: number;
  /** Memory for cached files, in bytes; the least recently used are removed first. */
  readonly maxCacheBytes: number;
  /** The largest file that is cached in memory; larger ones are streamed. */
  readonly maxCachedFileBytes: number;
  /** The largest file that the server compresses; larger ones need a compressed sibling. */
  readonly maxCompressedFileBytes: number;
  /** Bytes compressed per second, on average; if exceeded: files are sent uncompressed. */
  readonly maxCodingBytesPerSecond: number;
  /** Requests that may wait for a file to be found or read; if exceeded: 503. */
  readonly maxFileQueue: number;
  /** Files kept open between two responses, at most a quarter of ulimit -n; 0: none. */
  readonly maxOpenFiles: number;
  /** From accept to the first byte; if exceeded: closed. */
  readonly firstByteTimeoutMs: number;
  /** From accept to the end of the TLS handshake; if exceeded: closed. */
  readonly handshakeTimeoutMs: number;
  /** From the first byte of a request to the end of its fields; if exceeded: 408. */
  readonly headerTimeoutMs: number;
  /** Without progress of a request body while the server waits for it; if exceeded: 408. */
  readonly bodyTimeoutMs: number;
  /** Until the handler begins its response (0: unlimited); if exceeded: 504. */
  readonly handlerTimeoutMs: number;
  /**
   * Silence of a program behind this server (--proxy) in the middle of its response (0: unlimited); if exceeded: cut
   * off.
   */
  readonly upstreamTimeoutMs: number;
  /** Without progress of the client in reading its response; if exceeded: closed. */
  readonly sendTimeoutMs: number;
  /** Between two requests of a connection; if exceeded: closed. */
  readonly keepAliveTimeoutMs: number;
  /** Without a byte of the response to a client that has finished sending; if exceeded: aborted. */
  readonly halfClosedTimeoutMs: number;
  /** From the FIN of a client until request.signal aborts (0: never). */
  readonly halfClosedSignalMs: number;
  /** Without a byte from a client after its last response; if exceeded: closed. */
  readonly lingerTimeoutMs: number;
  /** Total time for discarding bytes of a client after its last response; if exceeded: closed. */
  readonly maxLingerMs: number;
  /**
   * Before a server that closes stops accepting: it serves on, each response is the last of its connection, and /readyz
   * says 503.
   */
  readonly drainDelayMs: number;
  /** Without a turn of a worker of --workers (0: unlimited); if exceeded: it is killed and replaced. */
  readonly hangTimeoutMs: number;
  /** For requests in flight when the server closes; if exceeded: cut off. */
  readonly shutdownTimeoutMs: number;
  /** For a last request on an idle connection when the server closes; if exceeded: closed. */
  readonly shutdownGraceMs: number;
  /** For loading the module of an application; if exceeded: loading fails. */
  readonly loadTimeoutMs: number;
  /** Silence of a pool thread after its response began (0: unlimited); if exceeded: the thread is replaced. */
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
    maxHandshakes: value('maxHandshakes'),
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
    maxUpstreamConnections: value('maxUpstreamConnections'),
    maxUpstreamQueue: value('maxUpstreamQueue'),
    maxSpoolBytes: value('maxSpoolBytes'),
    maxChildren: value('maxChildren'),
    maxCacheBytes: value('maxCacheBytes'),
    maxCachedFileBytes: value('maxCachedFileBytes'),
    maxCompressedFileBytes: value('maxCompressedFileBytes'),
    maxCodingBytesPerSecond: value('maxCodingBytesPerSecond'),
    maxFileQueue: value('maxFileQueue'),
    maxOpenFiles: value('maxOpenFiles'),
    firstByteTimeoutMs: value('firstByteTimeoutMs'),
    handshakeTimeoutMs: value('handshakeTimeoutMs'),
    headerTimeoutMs: value('headerTimeoutMs'),
    bodyTimeoutMs: value('bodyTimeoutMs'),
    handlerTimeoutMs: value('handlerTimeoutMs'),
    upstreamTimeoutMs: value('upstreamTimeoutMs'),
    sendTimeoutMs: value('sendTimeoutMs'),
    keepAliveTimeoutMs: value('keepAliveTimeoutMs'),
    halfClosedTimeoutMs: value('halfClosedTimeoutMs'),
    halfClosedSignalMs: value('halfClosedSignalMs'),
    lingerTimeoutMs: value('lingerTimeoutMs'),
    maxLingerMs: value('maxLingerMs'),
    drainDelayMs: value('drainDelayMs'),
    hangTimeoutMs: value('hangTimeoutMs'),
    shutdownTimeoutMs: value('shutdownTimeoutMs'),
    shutdownGraceMs: value('shutdownGraceMs'),
    loadTimeoutMs: value('loadTimeoutMs'),
    offloadTimeoutMs: value('offloadTimeoutMs'),
  };
}
