// Keeps files open between two responses, so that sending one takes no name lookup and no open(2). Bounded in number:
// the least recently used file is closed first. Idle files are closed too, since the disk space of a deleted file is
// freed only when it is closed everywhere.

import { offerDescriptors } from '../kernel/spare-descriptors.ts';
import type { OpenFile } from './file-source.ts';
import { type LruLinks, LruList } from './lru-list.ts';

/** An owner of a file that is kept open. */
export interface Holder extends LruLinks<Holder> {
  file: OpenFile | null;
  /** The last known use, in monotonic milliseconds. */
  usedMs: number;
}

/** Idle files are closed after this time; opening one again costs about 10 us. */
const IDLE_MS = 10_000;

/** The LRU order is precise to a second, so that a file sent ten thousand times a second moves once. */
const ORDER_MS = 1_000;

/** When descriptors run out, one in this many files is closed, at least one. */
const RELIEF = 8;

export interface OpenFilesOptions {
  /** The maximum number; 0: none. */
  readonly max: number;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Calls back later. The timer does not keep the process alive. */
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

  /** Keeps `file` open until {@link drop}, or until it is evicted. This object closes it. */
  keep(holder: Holder, file: OpenFile): void {
    this.drop(holder);
    if (this.max === 0) return file.close();
    holder.file = file;
    holder.usedMs = this.#options.nowMs();
    this.#holders.add(holder);
    if (this.#holders.size > this.max) this.#dropOldest(1);
    this.#sweepLater();
  }

  /**
   * Returns the kept file, which the caller has to close too. Null: there is none, or it changed since it was opened.
   */
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

  /** Closes some files, since the process has no descriptors left. False: there are none to close. */
  relieve(): boolean {
    return this.#dropOldest(Math.ceil(this.#holders.size / RELIEF)) > 0;
  }

  clear(): void {
    this.#dropOldest(this.#holders.size);
  }

  /** Closes all files. Files kept after that are not closed when descriptors run out. */
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
