// What a conversation waits for, and the time that it has: one wait at a time, each with its bound and its
// counter. It must not know what is said.

import type { Connection } from '../connection/connection.ts';
import type { Body } from '../exchange/body.ts';
import { type SessionContext, TIMEOUT_COUNTERS, WAIT } from './context.ts';

export abstract class Timed {
  readonly connection: Connection;
  readonly context: SessionContext;
  #waitsFor: number = WAIT.FIRST_BYTE;

  constructor(connection: Connection, context: SessionContext) {
    this.connection = connection;
    this.context = context;
  }

  /** Whatever comes next has the time that its bound gives it, counted from now. */
  protected await(what: number, ms: number = this.context.waitsMs[what] ?? 0): void {
    this.#waitsFor = what;
    this.connection.setTimeout(ms);
  }

  /** Whether that is what is waited for. */
  protected awaits(what: number): boolean {
    return this.#waitsFor === what;
  }

  /** A reader waits for the client from now on, which has what is left of its patience. */
  protected awaitBody(incoming: Body): void {
    this.#waitsFor = WAIT.BODY;
    this.connection.setTimeout(incoming.waitMs(this.context.nowMs()));
  }

  /** `bytes` of an awaited body came: the client has earned time, or nobody waits for it any more. */
  protected bodyProgressed(incoming: Body, bytes: number): void {
    const leftMs = incoming.progressMs(this.context.nowMs(), bytes);
    this.connection.setTimeout(incoming.awaited ? leftMs : 0);
  }

  /** A time was up. Returns which. */
  protected countTimeout(): number {
    const { counters } = this.context;
    counters.timeouts++;
    counters[TIMEOUT_COUNTERS[this.#waitsFor] ?? 'bodyTimeouts']++;
    return this.#waitsFor;
  }

  /** The client did not take its answer in time. */
  protected countSendTimeout(): void {
    this.context.counters.timeouts++;
    this.context.counters.sendTimeouts++;
  }
}
