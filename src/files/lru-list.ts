// An LRU list: entries ordered by last use, the least recently used first. The links are in the entries themselves, so
// that moving one takes no search and no memory.

import { assert } from '../errors.ts';

/** The neighbours of an entry in its list; null: there is none. An entry is in one list at most. */
export interface LruLinks<T> {
  older: T | null;
  newer: T | null;
}

export class LruList<T extends LruLinks<T>> {
  #oldest: T | null = null;
  #newest: T | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get oldest(): T | null {
    return this.#oldest;
  }

  /** Adds `entry` as the most recently used entry. It must be in no list. */
  add(entry: T): void {
    const before = this.#newest;
    entry.older = before;
    if (before === null) this.#oldest = entry;
    else before.newer = entry;
    this.#newest = entry;
    this.#size++;
  }

  /** Moves `entry`, which is in this list, to its newest end. */
  renew(entry: T): void {
    if (entry === this.#newest) return;
    this.remove(entry);
    this.add(entry);
  }

  /** Removes `entry`, which is in this list. */
  remove(entry: T): void {
    const { older, newer } = entry;
    assert((older === null ? this.#oldest : older.newer) === entry, 'a removed entry is in the list');
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    entry.older = null;
    entry.newer = null;
    this.#size--;
  }
}
