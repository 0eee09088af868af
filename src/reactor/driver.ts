// What a connection asks of whoever drives it: the reactor, or a program that serves one client at a time.
// It must not know how anybody waits.

import type { Deadline } from './deadline.ts';
import type { Source } from './source.ts';

export interface Driver {
  /** Its turns so far: what a turn may do at most is counted anew in the next. */
  readonly counters: { readonly turns: number };
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** The tick by which `ms` milliseconds from now have passed; never 0. */
  tickAfter(ms: number): number;
  /** Has `source` served once more, before anything blocks. */
  wake(source: Source): void;
  /** Sets the tick at which the owner of `deadline` is called; 0: never. */
  setDeadline(deadline: Deadline, tick: number): void;
  /** Forgets `deadline`, whose owner is being closed. */
  dropDeadline(deadline: Deadline): void;
  /** Closes the descriptor of `source` when no event can meet a reused number any more. */
  bury(source: Source): void;
  /** Calls `callback` when everyone who was to be served has been. */
  onServed(callback: () => void): void;
  /** Calls `callback` whenever what was gathered since should be written. */
  onTurnEnd(callback: () => void): void;
}
