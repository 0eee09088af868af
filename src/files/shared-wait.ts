// One piece of work that several clients wait for. Nothing is kept of clients that left, so that work which is stuck
// does not collect their requests. It must not know what the work is.

/** A client that waits for an answer. */
export interface WaitingClient {
  /** It needs none any more: it left, or it was answered. */
  readonly ended: boolean;
}

interface Waiter<T> {
  readonly client: WaitingClient;
  readonly resolve: (result: T | null) => void;
}

/** Clients that left are looked for when so many wait, and again whenever the number of those left over has doubled. */
const MIN_SWEPT = 16;

export class SharedWait<T> {
  #waiters: Waiter<T>[] = [];
  #sweepAt = MIN_SWEPT;

  /** Whether any client still waits. */
  get isWanted(): boolean {
    return this.#waiters.some(({ client }) => !client.ended);
  }

  /** Resolves to the result of the work; to null, when `client` has left by then or it is noticed before. */
  wait(client: WaitingClient): Promise<T | null> {
    if (this.#waiters.length >= this.#sweepAt) this.#sweep();
    return new Promise((resolve) => this.#waiters.push({ client, resolve }));
  }

  /** The work is done. */
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
