// Files that stay open between two answers, so that sending one costs neither a search for its name nor an open(2).
// Bounded in number; who was used longest ago is closed first, and whoever is not used for a while is closed in
// any case: the disk space of a deleted file is free only when nobody has it open. It must not know HTTP.

import { offerDescriptors } from '../kernel/spare-descriptors.ts';
import type { OpenFile } from './file-source.ts';
import { type LruLinks, LruList } from './lru-list.ts';

/** Who has a file kept open for it. */
export interface Holder extends LruLinks<Holder> {
  file: OpenFile | null;
  /** When it was last known to be used, in monotonic milliseconds. */
  usedMs: number;
}

/** Closed after so long without use; opening once more costs about 10 us. */
const IDLE_MS = 10_000;

/** The order of use is known to a second: a file that is sent ten thousand times a second moves once. */
const ORDER_MS = 1_000;

/** When descriptors run out, one in so many is given back, at least one. */
const RELIEF = 8;

export interface OpenFilesOptions {
  /** How many; 0: none. */
  readonly max: number;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Calls back later; nobody waits for it. */
  readonly later: (ms: number, callback: () => void) => void;
}

export class OpenFiles {
  readonly max: number;
  readonly #options: OpenFilesOptions;
  readonly #holders = new LruList<Holder>();
  readonly #withdraw: () => void;
  #isSweeping = false;

  constructor(options: OpenFilesOptions) {
    this.max = options.max;
    this.#options = options;
    this.#withdraw = offerDescriptors(() => this.relieve());
  }

  get size(): number {
    return this.#holders.size;
  }

  /** Keeps `file`, which is now this one's to close, until {@link drop}, or until there is no room for it. */
  keep(holder: Holder, file: OpenFile): void {
    this.drop(holder);
    if (this.max === 0) return file.close();
    holder.file = file;
    holder.usedMs = this.#options.nowMs();
    this.#holders.add(holder);
    if (this.#holders.size > this.max) this.#dropOldest(1);
    this.#sweepLater();
  }

  /** The file that is kept, to be closed by the caller too; null when there is none, or it changed since it was opened. */
  use(holder: Holder): OpenFile | null {
    const { file } = holder;
    if (file === null) return null;
    if (!file.isUnchanged()) {
      this.drop(holder);
      return null;
    }
    const nowMs = this.#options.nowMs();
    if (nowMs - holder.usedMs >= ORDER_MS) {
      holder.usedMs = nowMs;
      this.#holders.renew(holder);
    }
    return file.share();
  }

  drop(holder: Holder): void {
    if (holder.file === null) return;
    this.#holders.remove(holder);
    holder.file.close();
    holder.file = null;
  }

  /** Gives some back, since the process has no descriptors left. False: there are none to give. */
  relieve(): boolean {
    return this.#dropOldest(Math.ceil(this.#holders.size / RELIEF)) > 0;
  }

  clear(): void {
    this.#dropOldest(this.#holders.size);
  }

  /** Closes all of them. What is kept afterwards is not given back when descriptors run out. */
  close(): void {
    this.#withdraw();
    this.clear();
  }

  #dropOldest(count: number): number {
    let dropped = 0;
    for (let at = this.#holders.oldest; at !== null && dropped < count; at = this.#holders.oldest) {
      this.drop(at);
      dropped++;
    }
    return dropped;
  }

  #sweepLater(): void {
    if (this.#isSweeping || this.#holders.size === 0) return;
    this.#isSweeping = true;
    this.#options.later(IDLE_MS, () => {
      this.#isSweeping = false;
      this.#sweep();
      this.#sweepLater();
    });
  }

  #sweep(): void {
    const idleSince = this.#options.nowMs() - IDLE_MS;
    for (let at = this.#holders.oldest; at !== null && at.usedMs <= idleSince; at = this.#holders.oldest) this.drop(at);
  }
}
