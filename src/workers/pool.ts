// The threads that have no client, and who waits for one. It must not know what they do.

import type { Thread } from './child-thread.ts';

export class Pool {
  readonly #free: Thread[] = [];
  #isClosed = false;
  #onChange = (): void => {};

  /** `thread` is in the pool whenever it is free. */
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

  /** Nobody is handed out any more. */
  close(): void {
    this.#isClosed = true;
    this.#onChange();
  }
}
