// The counters of a running server, gathered from its layers.

import type { Acceptor } from '../connection/acceptor.ts';
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
import type { SessionContext } from '../session/context.ts';

/** Counts since the server started, but for `openConnections`. */
export interface ServerStats {
  readonly openConnections: number;
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
}

export function statsOf(
  kernel: Kernel,
  reactor: Reactor,
  acceptor: Acceptor,
  sessions: SessionContext,
  openConnections: number,
  refusedConnections: number,
): ServerStats {
  const word = (index: number): number => kernel.control[index] ?? 0;
  const { accepted, exhausted, failed } = acceptor.counters;
  return {
    openConnections,
    refusedConnections,
    accepted,
    acceptPauses: exhausted,
    failedAccepts: failed,
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
  };
}
