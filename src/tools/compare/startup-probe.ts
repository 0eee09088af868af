// Detects whether a server still spawns children. Some servers start a process or a thread for each client, which takes
// longer than anything else that is measured. A measurement before the last spawn would show the cost of spawning. Two
// signs are visible from outside. The number of threads grows (/proc/PID/stat), and requests stay unread
// (/proc/net/tcp) while the child of their client does not read yet.

import { readFileSync } from 'node:fs';
import { threadsOf } from './processes.ts';

/** A request that is unread for this long is not merely about to be read. */
const UNREAD_MS = 1_000;

/**
 * How long the number of threads has to stay the same: longer than UNREAD_MS, as the last client may send its request
 * late.
 */
const SETTLED_MS = 1_500;

/** Longer than one spawn takes among others: a request that is unread for longer waits for something else. */
const MAX_SPAWN_MS = 5_000;

/** Connections of both IP versions, one a line: see proc_net_tcp.txt in the kernel's documentation. */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];

/** `0: 0100007F:1F90 0100007F:D431 01 00000000:0000002A`: both ends, the state, the unsent and unread bytes. */
const CONNECTION = /^ *\d+: [\dA-F]+:([\dA-F]{4}) ([\dA-F]+:[\dA-F]{4}) 01 [\dA-F]{8}:([\dA-F]{8})/gm;

export class StartupProbe {
  readonly #group: number;
  readonly #port: string;
  #fewestThreads = Number.POSITIVE_INFINITY;
  #mostThreads = 0;
  #mostThreadsMs = 0;
  /** The smallest number of unread requests so far, and when it was seen. */
  #fewestUnread = Number.POSITIVE_INFINITY;
  #fewestUnreadMs = 0;
  /** When a client was first seen with an unread request, by its address. */
  #waitingMs = new Map<string, number>();

  /** `group`: the process group of the server. `port`: its listening port. */
  constructor(group: number, port: number) {
    this.#group = group;
    this.#port = port.toString(16).toUpperCase().padStart(4, '0');
  }

  /** Samples the server: true when no child is being spawned any more. `now`: the time of the sample, in milliseconds. */
  isSettled(now: number = Date.now()): boolean {
    const threads = threadsOf(this.#group);
    this.#fewestThreads = Math.min(threads, this.#fewestThreads);
    if (threads > this.#mostThreads) {
      this.#mostThreads = threads;
      this.#mostThreadsMs = now;
    }
    if (this.#mostThreads === this.#fewestThreads) return true;
    return this.#areRead(now) && now - this.#mostThreadsMs >= SETTLED_MS;
  }

  /**
   * No client waits, or none was served for longer than a spawn takes: the server has reached its maximum of clients.
   */
  #areRead(now: number): boolean {
    const unread = this.#countUnread(now);
    if (unread < this.#fewestUnread) {
      this.#fewestUnread = unread;
      this.#fewestUnreadMs = now;
    }
    return unread === 0 || now - this.#fewestUnreadMs > MAX_SPAWN_MS;
  }

  /** Clients that have waited for {@link UNREAD_MS}. The time of a client starts again when its request is read. */
  #countUnread(now: number): number {
    const waiting = new Map<string, number>();
    for (const client of TABLES.flatMap((table) => this.#unreadIn(table))) {
      waiting.set(client, this.#waitingMs.get(client) ?? now);
    }
    this.#waitingMs = waiting;
    return [...waiting.values()].filter((sinceMs) => now - sinceMs >= UNREAD_MS).length;
  }

  #unreadIn(table: string): readonly string[] {
    return [...read(table).matchAll(CONNECTION)].flatMap(([, port, client = '', unread = '']) =>
      port === this.#port && Number.parseInt(unread, 16) > 0 ? [client] : [],
    );
  }
}

/** Empty where there is no such table. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
