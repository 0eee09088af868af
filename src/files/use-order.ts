// Things in the order of their use: who was used longest ago leaves first. The links are in the things themselves, so
// that moving one costs no search and no memory. It must not know what they are.

import { assert } from '../errors.ts';

/** The neighbours of a thing in the one order that it is in; null: there is none. */
export interface Ordered<T> {
  older: T | null;
  newer: T | null;
}

export class UseOrder<T extends Ordered<T>> {
  #oldest: T | null = null;
  #newest: T | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get oldest(): T | null {
    return this.#oldest;
  }

  /** `thing` comes in, as the one that was used last. It must be in no order. */
  add(thing: T): void {
    const before = this.#newest;
    thing.older = before;
    if (before === null) this.#oldest = thing;
    else before.newer = thing;
    this.#newest = thing;
    this.#size++;
  }

  /** `thing`, which is in this order, was used just now. */
  renew(thing: T): void {
    if (thing === this.#newest) return;
    this.remove(thing);
    this.add(thing);
  }

  /** `thing`, which is in this order, leaves it. */
  remove(thing: T): void {
    const { older, newer } = thing;
    assert((older === null ? this.#oldest : older.newer) === thing, 'who leaves an order is in it');
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    thing.older = null;
    thing.newer = null;
    this.#size--;
  }
}
