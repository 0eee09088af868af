// The interface of a protocol to its connection. The connection transfers bytes, and the protocol interprets them. An
// exception from a protocol ends its own connection only, with one logged line.

/** What is spoken on a connection. The connection calls these members, one call at a time. */
export interface Protocol {
  /** Whether the protocol can use bytes, new or kept ones. While false, the connection is not read. */
  readonly wantsInput: boolean;

  /** The protocol stopped on purpose, and kept bytes suffice for another turn: no more are received until then. */
  readonly paused: boolean;

  /** A request or response would be lost if the connection ended now. */
  readonly isBusy: boolean;

  /**
   * Called while {@link wantsInput}. Uses as many of `bytes[start, end)` as it can; they are valid only during the
   * call. Returns the offset of the first unused byte, from `start` to `end`. The connection keeps the rest and passes
   * it again, before later bytes. A protocol that wants more and leaves more than `maxUnusedBytes` fails. After
   * `Channel.speak`, the rest goes to the next protocol.
   */
  receive(bytes: Buffer, start: number, end: number): number;

  /** The client finished sending, and some of its bytes are unused. Called after every turn until {@link ended}. */
  ending(): void;

  /** The client finished sending; it still gets its responses. Called after every turn from then on. */
  ended(): void;

  /** Pending output was sent, all of it or to below `maxUnsentBytes`: writers may continue. */
  drained(): void;

  /** The time-out of `Channel.setTimeout` has passed. */
  expired(): void;

  /** The server is closing: ends the connection as soon as its last response has been sent. */
  stop(): void;

  /** There is no room for this client: sends a refusal in the protocol, and ends the connection. */
  refuse(status: number, why: string): void;

  /**
   * The connection was aborted, for `reason`; `isTimeout`: a time-out passed. Called once, unless the protocol itself
   * closed the connection normally.
   */
  aborted(reason: string, isTimeout: boolean): void;

  /** The descriptor is about to be closed. Called once, after all other calls. */
  closed(): void;
}
