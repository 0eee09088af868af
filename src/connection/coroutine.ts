// A client served by a coroutine: the scheduler. The reactor says what became ready; the coroutine goes on when
// it waits for that, or when somebody has work for it. It must not know what the coroutine does.

import { FAILED, HANGUP, READABLE, WRITABLE } from '../kernel/kernel.ts';
import { Connection, OPEN } from './connection.ts';
import type { ConnectionContext } from './context.ts';

/** What a coroutine yields: the readiness without which it cannot go on. */
export type Wait = number;

export const readable: Wait = READABLE;
export const writable: Wait = WRITABLE;

/** One client's conversation, from its beginning to its end. */
export type Conversation = (client: CoroutineClient) => Generator<Wait, void, void>;

export class CoroutineClient extends Connection {
  readonly #coroutine: Generator<Wait, void, void>;
  #waitsFor: Wait;
  /** Somebody has work for it: a handler's late answer, a time that is up, bytes that were kept. */
  #isWoken = false;

  /** Begins `conversation`, which runs until its first `yield`. */
  constructor(context: ConnectionContext, fd: number, generation: number, conversation: Conversation) {
    super(context, fd, generation);
    this.#coroutine = conversation(this);
    this.#waitsFor = this.#coroutine.next().value ?? 0;
  }

  /** The conversation is over. */
  get isGone(): boolean {
    return this.buried;
  }

  /** Receives once, has what was asked answered, and sends. Never blocks. */
  receiveAndAnswer(): void {
    super.serve();
  }

  override wake(): void {
    this.#isWoken = true;
    super.wake();
  }

  /** Called by the reactor. Readiness that the conversation does not wait for stays set: it is reported once. */
  override serve(): void {
    // A connection that is ending throws away what comes, whatever its conversation waits for.
    const awaited = this.state === OPEN ? this.#waitsFor : READABLE | WRITABLE;
    const isReady = (this.readiness & (awaited | HANGUP | FAILED)) !== 0;
    // Prefetched bytes are valid in this turn only.
    if (!isReady && this.prefetchIndex < 0 && !this.#isWoken) return;
    this.#isWoken = false;
    this.#waitsFor = this.#coroutine.next().value ?? 0;
  }
}
