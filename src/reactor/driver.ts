// The interface of the loop that drives connections: the reactor, or the blocking driver of one client at a time.

import type { Deadline } from './deadline.ts';
import type { Source } from './source.ts';

export interface Driver {
  /** The turns so far. Budgets of a turn start again when the number changes. */
  readonly counters: { readonly turns: number };
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** The tick by which `ms` milliseconds from now have passed; never 0. */
  tickAfter(ms: number): number;
  /** Schedules another call of `source.serve`, before the next wait that blocks. */
  wake(source: Source): void;
  /** Sets the tick at which the owner of `deadline` is called; 0: never. */
  setDeadline(deadline: Deadline, tick: number): void;
  /** Removes `deadline`, whose owner is being closed. */
  dropDeadline(deadline: Deadline): void;
  /** Closes the descriptor of `source` when no pending event can refer to a reused number. */
  closeLater(source: Source): void;
  /** Whether a turn is under way. Between turns, output may wait for the next one. */
  readonly turning: boolean;
  /** Calls `callback` before each turn that follows after {@link turning} was false. */
  onTurnBegin(callback: () => void): void;
  /** Calls `callback` in each turn when all its sources have been served. */
  onServed(callback: () => void): void;
  /** Calls `callback` at the end of each turn, to write what was buffered since. */
  onTurnEnd(callback: () => void): void;
}
