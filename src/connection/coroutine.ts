// A connection that a coroutine serves. The reactor reports readiness, and the coroutine continues when it waits for
// that, or when it has other work.

import { FAILED, HANGUP, READABLE, WRITABLE } from '../kernel/kernel.ts';
import { Connection, OPEN } from './connection.ts';
import type { ConnectionContext } from './context.ts';

/** The value that a coroutine yields: the readiness that it waits for. */
export type Wait = number;

export const readable: Wait = READABLE;
export const writable: Wait = WRITABLE;

/** One client's conversation, from its beginning to its end. */
export type Conversation = (client: CoroutineClient) => Generator<Wait, void, void>;

export class CoroutineClient extends Connection {
  readonly #coroutine: Generator<Wait, void, void>;
  #waitsFor: Wait;
  /** There is work without an event: a late response of a handler, a time-out, kept bytes. */
  #isWoken = false;

  /** Begins `conversation`, which runs until its first `yield`. */
  constructor(context: ConnectionContext, fd: number, generation: number, conversation: Conversation) {
    super(context, fd, generation);
    this.#coroutine = conversation(this);
    this.#waitsFor = this.#coroutine.next().value ?? 0;
  }

  /** Whether the connection is closed. */
  get isGone(): boolean {
    return this.isDisposed;
  }

  /** Receives once, passes the bytes to the protocol, and sends. Never blocks. */
  receiveAndAnswer(): void {
    super.serve();
  }

  override wake(): void {
    this.#isWoken = true;
    super.wake();
  }

  /** Called by the reactor. Readiness that the conversation does not wait for stays set: it is reported once. */
  override serve(): void {
    // A connection that is ending discards its input, whatever its conversation waits for.
    const awaited = this.state === OPEN ? this.#waitsFor : READABLE | WRITABLE;
    const isReady = (this.readiness & (awaited | HANGUP | FAILED)) !== 0;
    // Prefetched bytes are valid in this turn only.
    if (!isReady && this.prefetchIndex < 0 && !this.#isWoken) return;
    this.#isWoken = false;
    this.#waitsFor = this.#coroutine.next().value ?? 0;
  }
}
