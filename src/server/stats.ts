// The counters of a running server, gathered from its layers.

import type { Acceptor, AcceptorCounters } from '../connection/acceptor.ts';
import type { FileStats } from '../files/file-counters.ts';
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
import type { HandshakeCounters, ServerTls } from '../tls/server-tls.ts';
import type { Composition } from './composition.ts';

/**
 * Counters since the start, and current gauges. `connections`, `requests`, `timeouts` and `bytes` keep their names and
 * meanings; the others may change in any release.
 */
export interface ServerStats {
  /** Connections: numbers of clients. */
  readonly connections: {
    /** Open now. */
    readonly open: number;
    /** Connections among `open` whose last response was sent, while further input is discarded. */
    readonly lingering: number;
    /** Clients that were accepted since the start. */
    readonly accepted: number;
    /** Beyond `maxConnections` or `maxConnectionsPerAddress`. */
    readonly refused: number;
    /** They did not begin with a header of the PROXY protocol from a trusted proxy, where the listener needs one. */
    readonly unproxied: number;
    /** accept(2) failed for them. */
    readonly failed: number;
    /** Clients that sent TLS where plaintext is spoken, and were closed. */
    readonly misdirected: number;
    /** Pauses of accepting because descriptors or memory ran out. */
    readonly pauses: number;
  };
  /** Handshakes of TLS; null: the server has no certificate. */
  readonly tls: (HandshakeCounters & { readonly timeouts: number }) | null;
  /** Requests since the start. */
  readonly requests: {
    /** Requests for which a handler was called. */
    readonly handled: number;
    /** Rejected with an error before a handler was called, or instead of its response. */
    readonly refused: number;
    /** The handler threw, rejected, or broke the rules of a response. */
    readonly failed: number;
    /** The client closed the connection before the response ended. */
    readonly aborted: number;
  };
  /** Connections ended by a time-out. */
  readonly timeouts: {
    /** The sum of the others. */
    readonly total: number;
    /** Each is named after the time-out. */
    readonly firstByte: number;
    readonly header: number;
    readonly body: number;
    readonly send: number;
    readonly keepAlive: number;
    readonly halfClosed: number;
    readonly handler: number;
  };
  /** Bytes received and sent on all connections since the start. */
  readonly bytes: {
    readonly received: number;
    readonly sent: number;
  };
  /** Work of the event loop since the start. */
  readonly loop: {
    /** Turns: each waits once and serves all ready sources. */
    readonly turns: number;
    /** Calls from native code into JavaScript. */
    readonly entries: number;
    /** Readiness events that the kernel reported. */
    readonly events: number;
    /** Events of closed descriptors, which were dropped. */
    readonly staleEvents: number;
    /** Calls of close(2) that failed. */
    readonly failedCloses: number;
  };
  /** System calls of the server since the start; those of files are not counted. */
  readonly systemCalls: {
    readonly waits: number;
    readonly receives: number;
    readonly sends: number;
    readonly accepts: number;
    /** System calls that changed the poller's interest list (`epoll_ctl`). */
    readonly registrations: number;
  };
  /** The files of this `serve` call. A static handler made elsewhere has its own counters. */
  readonly files: FileStats;
}

const NO_FILES: FileStats = Object.freeze({
  cacheHits: 0,
  cacheMisses: 0,
  openHits: 0,
  sendfileBytes: 0,
  memoryReads: 0,
  poolReads: 0,
  poolOpens: 0,
  compressions: 0,
  cacheBytes: 0,
  cacheEntries: 0,
  open: 0,
});

export function statsOf(
  kernel: Kernel,
  reactor: Reactor,
  acceptors: readonly Acceptor[],
  { sessions: { counters }, connections }: Composition,
  files: StaticHandler | null,
  tls: ServerTls | null,
): ServerStats {
  const word = (index: number): number => kernel.control[index] ?? 0;
  const accepts = (name: keyof AcceptorCounters): number =>
    acceptors.reduce((sum, acceptor) => sum + acceptor.counters[name], 0);
  const { turns, events, staleEvents, failedCloses } = reactor.counters;
  return {
    connections: {
      open: connections.size,
      lingering: connections.lingering,
      accepted: accepts('accepted'),
      refused: connections.refused,
      unproxied: counters.unproxied,
      failed: accepts('failed'),
      misdirected: counters.misdirected,
      pauses: accepts('exhausted'),
    },
    tls: tls === null ? null : { ...tls.counters, timeouts: connections.handshakeTimeouts },
    requests: {
      handled: counters.requests,
      refused: counters.refused,
      failed: counters.handlerErrors,
      aborted: counters.aborted,
    },
    timeouts: {
      total: counters.timeouts,
      firstByte: counters.firstByteTimeouts,
      header: counters.headerTimeouts,
      body: counters.bodyTimeouts,
      send: counters.sendTimeouts,
      keepAlive: counters.keepAliveTimeouts,
      halfClosed: counters.halfClosedTimeouts,
      handler: counters.handlerTimeouts,
    },
    bytes: { received: word(BYTES_RECEIVED), sent: word(BYTES_SENT) },
    loop: { turns, entries: word(ENTRIES), events, staleEvents, failedCloses },
    systemCalls: {
      waits: word(WAITS),
      receives: word(RECEIVES),
      sends: word(SENDS),
      accepts: word(ACCEPTS),
      registrations: word(REGISTRATIONS),
    },
    files: files?.stats() ?? NO_FILES,
  };
}
