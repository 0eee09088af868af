// The pool of free threads, and a queue of waits for one.

import type { Thread } from './child-thread.ts';

export class Pool {
  readonly #free: Thread[] = [];
  #isClosed = false;
  #onChange = (): void => {};

  /** Adds `thread` to the pool now and whenever it is free. */
  add(thread: Thread): Thread {
    thread.onFree = () => {
      this.#free.push(thread);
      this.#onChange();
    };
    void thread.ended.then(() => {
      const at = this.#free.indexOf(thread);
      if (at >= 0) this.#free.splice(at, 1);
    });
    return thread;
  }

  /** Waits for a free thread; null: closed. */
  async free(): Promise<Thread | null> {
    while (!this.#isClosed) {
      const thread = this.#free.shift();
      if (thread !== undefined) return thread;
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
    return null;
  }

  /** From now on no thread is handed out. */
  close(): void {
    this.#isClosed = true;
    this.#onChange();
  }
}
