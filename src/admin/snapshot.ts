// What a server has counted and what it holds at one moment. Snapshots of several workers are added up.

import { performance } from 'node:perf_hooks';
import type { DurationCounts } from '../exchange/duration-histogram.ts';
import type { RequestCounts } from '../exchange/request-metrics.ts';
import type { ReactorServer } from '../server/server.ts';
import type { ServerStats } from '../server/stats.ts';
import { NO_HANDSHAKES } from '../tls/server-tls.ts';

/** Numbers, in groups and lists. */
type Tree = number | readonly Tree[] | { readonly [key: string]: Tree };

/** What only grows: the sum over workers includes those that have ended. */
export interface SnapshotCounters {
  readonly connections: { readonly accepted: number; readonly failed: number; readonly pauses: number };
  /** Clients and requests that were rejected, by kind. */
  readonly refused: {
    readonly connections: number;
    readonly unproxied: number;
    readonly misdirected: number;
    readonly requests: number;
  };
  readonly requests: { readonly handled: number; readonly failed: number; readonly aborted: number };
  readonly measured: RequestCounts;
  readonly timeouts: Omit<ServerStats['timeouts'], 'total'>;
  /** Zeros without a certificate: after a reload there may be one. */
  readonly tls: NonNullable<ServerStats['tls']>;
  readonly bytes: ServerStats['bytes'];
  readonly loop: ServerStats['loop'];
  readonly turns: DurationCounts;
  readonly systemCalls: ServerStats['systemCalls'];
  readonly files: Omit<ServerStats['files'], 'cacheBytes' | 'cacheEntries' | 'open'>;
  readonly process: { readonly cpuSeconds: number };
}

/** What is held now: the sum is over the workers that live. */
export interface SnapshotGauges {
  readonly connections: { readonly active: number; readonly idle: number; readonly lingering: number };
  readonly files: Pick<ServerStats['files'], 'cacheBytes' | 'cacheEntries' | 'open'>;
  readonly process: { readonly residentBytes: number; readonly heapBytes: number };
  /** Servers that serve: workers, or the one process. */
  readonly serving: number;
  /** Those of them that have no room for another connection. */
  readonly full: number;
}

export interface Snapshot {
  readonly counters: SnapshotCounters;
  readonly gauges: SnapshotGauges;
}

const MICROSECONDS = 1_000_000;

/** The snapshot of a server that measures its requests. */
export function snapshotOf(server: ReactorServer): Snapshot | null {
  const { measured } = server;
  if (measured === null) return null;
  const { connections, requests, timeouts, bytes, loop, systemCalls, files, tls } = server.stats();
  const { total: _, ...kinds } = timeouts;
  const { cacheBytes, cacheEntries, open, ...fileCounters } = files;
  const active = server.countActive();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    counters: {
      connections: { accepted: connections.accepted, failed: connections.failed, pauses: connections.pauses },
      refused: {
        connections: connections.refused,
        unproxied: connections.unproxied,
        misdirected: connections.misdirected,
        requests: requests.refused,
      },
      requests: { handled: requests.handled, failed: requests.failed, aborted: requests.aborted },
      measured: measured.requests,
      timeouts: kinds,
      tls: tls ?? { ...NO_HANDSHAKES, timeouts: 0 },
      bytes,
      loop,
      turns: measured.turns,
      systemCalls,
      files: fileCounters,
      process: { cpuSeconds: (user + system) / MICROSECONDS },
    },
    gauges: {
      connections: {
        active,
        idle: Math.max(connections.open - active - connections.lingering, 0),
        lingering: connections.lingering,
      },
      files: { cacheBytes, cacheEntries, open },
      process: { residentBytes: rss, heapBytes: heapUsed },
      serving: server.isClosing ? 0 : 1,
      full: server.isFull ? 1 : 0,
    },
  };
}

/** The sums of the numbers of two trees of the same shape. */
export function added<T>(a: T, b: T): T {
  // Every value of a snapshot is a tree, and the sum has the shape of both.
  return sumOf(a as Tree, b as Tree) as T;
}

function sumOf(a: Tree, b: Tree): Tree {
  if (typeof a === 'number') return a + (typeof b === 'number' ? b : 0);
  if (isList(a)) return a.map((each, index) => sumOf(each, (isList(b) ? b[index] : undefined) ?? 0));
  const others = typeof b === 'object' && !isList(b) ? b : {};
  return Object.fromEntries(Object.entries(a).map(([key, each]) => [key, sumOf(each, others[key] ?? 0)]));
}

function isList(tree: Tree): tree is readonly Tree[] {
  return Array.isArray(tree);
}

/** When this process started. */
export const STARTED_AT_SECONDS: number = performance.timeOrigin / 1_000;
