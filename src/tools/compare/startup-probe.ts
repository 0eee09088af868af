// Whether a server still spawns children. Some start a process or a thread for each client, which takes longer than
// everything else that is measured. A measurement before the last spawn would show the cost of spawning.
// Two signs tell it from outside: the number of threads grows (/proc/PID/stat), and requests lie unread (/proc/net/tcp)
// while the child of their client does not read yet.

import { readFileSync } from 'node:fs';
import { threadsOf } from './processes.ts';

/** A request that lies unread for so long is not one of those that are about to be read. */
const UNHEARD_MS = 1_000;

/** As many threads as before for so long: longer, for the request of the last one's client may have come behind it. */
const SETTLED_MS = 1_500;

/** Longer than a spawn takes among others: a request that is unread for longer waits for something else. */
const MAX_SPAWN_MS = 5_000;

/** Connections of both IP versions, one a line: see proc_net_tcp.txt in the kernel's documentation. */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];

/** `0: 0100007F:1F90 0100007F:D431 01 00000000:0000002A`: both ends, the state, what is unsent and unread. */
const CONNECTION = /^ *\d+: [\dA-F]+:([\dA-F]{4}) ([\dA-F]+:[\dA-F]{4}) 01 [\dA-F]{8}:([\dA-F]{8})/gm;

export class StartupProbe {
  readonly #group: number;
  readonly #port: string;
  #fewestThreads = Number.POSITIVE_INFINITY;
  #mostThreads = 0;
  #mostThreadsMs = 0;
  /** The fewest that were unheard at a look, and when. */
  #fewestUnheard = Number.POSITIVE_INFINITY;
  #fewestUnheardMs = 0;
  /** When a client was first seen to wait, by its address. */
  #waitingMs = new Map<string, number>();

  /** `group`: the server's processes. `port`: where it listens. */
  constructor(group: number, port: number) {
    this.#group = group;
    this.#port = port.toString(16).toUpperCase().padStart(4, '0');
  }

  /** Looks: no child is being spawned any more. */
  isQuiet(): boolean {
    const now = Date.now();
    const threads = threadsOf(this.#group);
    this.#fewestThreads = Math.min(threads, this.#fewestThreads);
    if (threads > this.#mostThreads) {
      this.#mostThreads = threads;
      this.#mostThreadsMs = now;
    }
    if (this.#mostThreads === this.#fewestThreads) return true;
    return this.#areHeard(now) && now - this.#mostThreadsMs >= SETTLED_MS;
  }

  /** No client waits, or none was served for longer than a spawn takes: there are more clients than the server takes. */
  #areHeard(now: number): boolean {
    const unheard = this.#countUnheard(now);
    if (unheard < this.#fewestUnheard) {
      this.#fewestUnheard = unheard;
      this.#fewestUnheardMs = now;
    }
    return unheard === 0 || now - this.#fewestUnheardMs > MAX_SPAWN_MS;
  }

  /** Clients that have waited for {@link UNHEARD_MS}. One that is served meanwhile begins to wait anew. */
  #countUnheard(now: number): number {
    const waiting = new Map<string, number>();
    for (const client of TABLES.flatMap((table) => this.#unreadIn(table))) {
      waiting.set(client, this.#waitingMs.get(client) ?? now);
    }
    this.#waitingMs = waiting;
    return [...waiting.values()].filter((sinceMs) => now - sinceMs >= UNHEARD_MS).length;
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
