// A result that several clients wait for. Clients that have left are removed, so that blocked work does not accumulate
// their requests.

/** A client that waits for a response. */
export interface WaitingClient {
  /** It needs no response any more: it left, or got one. */
  readonly ended: boolean;
}

interface Waiter<T> {
  readonly client: WaitingClient;
  readonly resolve: (result: T | null) => void;
}

/**
 * Clients that left are removed when this many wait, and again whenever the number of the remaining ones has doubled.
 */
const MIN_SWEPT = 16;

export class SharedWait<T> {
  #waiters: Waiter<T>[] = [];
  #sweepAt = MIN_SWEPT;

  /** Whether any client still waits. */
  get isWanted(): boolean {
    return this.#waiters.some(({ client }) => !client.ended);
  }

  /** Resolves to the result of the work. Null: `client` has left. */
  wait(client: WaitingClient): Promise<T | null> {
    if (this.#waiters.length >= this.#sweepAt) this.#sweep();
    return new Promise((resolve) => this.#waiters.push({ client, resolve }));
  }

  /** Passes the result to all waiting clients. */
  settle(result: T): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { client, resolve } of waiters) resolve(client.ended ? null : result);
  }

  #sweep(): void {
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ client }) => !client.ended);
    this.#sweepAt = Math.max(MIN_SWEPT, 2 * this.#waiters.length);
    for (const { client, resolve } of waiters) if (client.ended) resolve(null);
  }
}
