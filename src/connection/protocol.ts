// What a connection asks of whoever speaks over it. The connection moves bytes; the protocol gives
// them a meaning.

export interface Protocol {
  /** Whether more bytes, or those kept, would let it go on. While false, the connection is not read. */
  readonly wantsInput: boolean;

  /** It stopped on purpose, and what is kept suffices for another serving: no more is received until then. */
  readonly paused: boolean;

  /** Something would be lost if the connection ended now. */
  readonly isBusy: boolean;

  /**
   * Called while {@link wantsInput}: uses `bytes[start, end)`, at least one, which are valid during the call only. Returns where it stopped; the
   * connection keeps the rest and offers it again, in front of what arrives later.
   */
  receive(bytes: Buffer, start: number, end: number): number;

  /** The client finished sending, though not everything it sent was used yet. Said after every serving until {@link ended}. */
  ending(): void;

  /** The client finished sending; it still gets its answers. Said after every serving from then on. */
  ended(): void;

  /** The output that was owed has gone, wholly or to below the mark: writers may go on. */
  drained(): void;

  /**
   * The connection is gone, why, and whether because a time was up. Called once, unless the protocol
   * itself closed it in order.
   */
  aborted(reason: string, isTimeout: boolean): void;

  /** The time given to `Connection.setTimeout` has passed. */
  expired(): void;

  /** The descriptor is about to be closed, in whichever way. Called once, after everything else. */
  closed(): void;
}
