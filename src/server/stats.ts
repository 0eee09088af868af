// The counters of a running server, gathered from its layers.

import type { Acceptor, AcceptorCounters } from '../connection/acceptor.ts';
import type { StaticHandler } from '../files/static-files.ts';
import {
  ACCEPTS,
  BYTES_RECEIVED,
  BYTES_SENT,
  ENTRIES,
  type Kernel,
  RECEIVES,
  REGISTRATIONS,
  SENDS,
  WAITS,
} from '../kernel/kernel.ts';
import type { Reactor } from '../reactor/reactor.ts';
import type { Composition } from './composition.ts';

/** Counts since the server started, but for `openConnections` and `lingeringConnections`. */
export interface ServerStats {
  readonly openConnections: number;
  /** Those of them whose last answer was sent, while what they still send is thrown away. */
  readonly lingeringConnections: number;
  /** Clients beyond `maxConnections` or `maxConnectionsPerAddress`. */
  readonly refusedConnections: number;
  readonly accepted: number;
  /** Times accepting paused because descriptors or memory ran out. */
  readonly acceptPauses: number;
  readonly failedAccepts: number;
  readonly requests: number;
  /** Answered with an error before any handler saw them. */
  readonly refused: number;
  readonly handlerErrors: number;
  /** Requests whose client left before the answer ended. */
  readonly aborted: number;
  /** Connections ended because a time was up: the sum of the seven below. */
  readonly timeouts: number;
  /** Each named after the bound that ended it. */
  readonly firstByteTimeouts: number;
  readonly headerTimeouts: number;
  readonly bodyTimeouts: number;
  readonly sendTimeouts: number;
  readonly keepAliveTimeouts: number;
  readonly halfClosedTimeouts: number;
  readonly handlerTimeouts: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Turns of the loop, and entries into JavaScript for them. */
  readonly turns: number;
  readonly entries: number;
  readonly events: number;
  readonly staleEvents: number;
  readonly failedCloses: number;
  /** System calls. */
  readonly waits: number;
  readonly recvCalls: number;
  readonly sendCalls: number;
  readonly acceptCalls: number;
  /** Calls that changed what the poller watches (`epoll_ctl`). */
  readonly registrations: number;
  /** Requests for files: answered from what was kept, and looked for. */
  readonly fileCacheHits: number;
  readonly fileCacheMisses: number;
  /** What is kept in memory now, and how many. */
  readonly fileCacheBytes: number;
  readonly fileCacheEntries: number;
  /** Answers from files that were open already, and how many are kept open now. */
  readonly fileOpenHits: number;
  readonly openFiles: number;
  /** Bytes of files that went from the system's memory to clients (`sendfile`). */
  readonly fileSendfileBytes: number;
  /** Pieces of files read from the system's memory, and in the thread pool. */
  readonly fileMemoryReads: number;
  readonly filePoolReads: number;
  /** Files opened in the thread pool. */
  readonly filePoolOpens: number;
  readonly fileCompressions: number;
}

export function statsOf(
  kernel: Kernel,
  reactor: Reactor,
  acceptors: readonly Acceptor[],
  { sessions, connections }: Composition,
  files: StaticHandler | null,
): ServerStats {
  const sites = files?.stats();
  const word = (index: number): number => kernel.control[index] ?? 0;
  const accepts = (name: keyof AcceptorCounters): number =>
    acceptors.reduce((sum, { counters }) => sum + counters[name], 0);
  return {
    openConnections: connections.size,
    lingeringConnections: connections.lingering,
    refusedConnections: connections.refused,
    accepted: accepts('accepted'),
    acceptPauses: accepts('exhausted'),
    failedAccepts: accepts('failed'),
    ...sessions.counters,
    bytesReceived: word(BYTES_RECEIVED),
    bytesSent: word(BYTES_SENT),
    ...reactor.counters,
    entries: word(ENTRIES),
    waits: word(WAITS),
    recvCalls: word(RECEIVES),
    sendCalls: word(SENDS),
    acceptCalls: word(ACCEPTS),
    registrations: word(REGISTRATIONS),
    fileCacheHits: sites?.cacheHits ?? 0,
    fileCacheMisses: sites?.cacheMisses ?? 0,
    fileCacheBytes: sites?.cacheBytes ?? 0,
    fileCacheEntries: sites?.cacheEntries ?? 0,
    fileOpenHits: sites?.openHits ?? 0,
    openFiles: sites?.open ?? 0,
    fileSendfileBytes: sites?.sendfileBytes ?? 0,
    fileMemoryReads: sites?.memoryReads ?? 0,
    filePoolReads: sites?.poolReads ?? 0,
    filePoolOpens: sites?.poolOpens ?? 0,
    fileCompressions: sites?.compressions ?? 0,
  };
}
