// What a connection asks of the protocol that is spoken over it. The connection moves bytes; the protocol gives them a
// meaning. Whatever a protocol throws ends its own connection only, with one logged line.

export interface Protocol {
  /** Whether more bytes, or those kept, would let it go on. While false, the connection is not read. */
  readonly wantsInput: boolean;

  /** It stopped on purpose, and what is kept suffices for another turn: no more is received until then. */
  readonly paused: boolean;

  /** Something would be lost if the connection ended now. */
  readonly isBusy: boolean;

  /**
   * Called while {@link wantsInput}: uses as many of `bytes[start, end)` as it can, which are valid during the call
   * only. Returns where it stopped, from `start` to `end`. The connection keeps the rest and offers it again, in front of what
   * arrives later. A protocol that wants more and leaves more than `maxUnusedBytes` fails. After `Channel.speak` the rest is the next protocol's.
   */
  receive(bytes: Buffer, start: number, end: number): number;

  /** The client finished sending, and bytes that it sent are unused. Called after every turn until {@link ended}. */
  ending(): void;

  /** The client finished sending; it still gets its responses. Called after every turn from then on. */
  ended(): void;

  /** Pending output was sent, wholly or to below the mark: writers may go on. */
  drained(): void;

  /** The time given to `Channel.setTimeout` has passed. */
  expired(): void;

  /** The server is closing: ends the connection as soon as nothing is lost by it. */
  stop(): void;

  /** There is no room for this client: says so in the protocol's own words, and ends the connection. */
  refuse(status: number, why: string): void;

  /**
   * The connection is gone, why, and whether because a time-out passed. Called once, unless the protocol itself closed
   * it in order.
   */
  aborted(reason: string, isTimeout: boolean): void;

  /** The descriptor is about to be closed, in whichever way. Called once, after everything else. */
  closed(): void;
}
