// The access log of a run: every request that was handled has one line. It must not know how lines are made.

import { CheckFailure } from './failure.ts';

const ID = /[?&]id=(\d+\.\d+)/;

export class LoggedRequests {
  readonly #ids = new Set<string>();
  /** The first rule that was broken. */
  failure: CheckFailure | null = null;

  /** Takes lines of the log, as a sink does. */
  readonly take = (text: string): void => {
    for (const line of text.split('\n')) {
      const id = ID.exec(line)?.[1];
      if (id === undefined) continue;
      if (this.#ids.has(id)) this.failure ??= new CheckFailure('log', `request ${id} has two lines`);
      this.#ids.add(id);
    }
  };

  /** The run is over: these requests were handled. */
  checkEnd(handled: ReadonlySet<string>): void {
    for (const id of handled) {
      if (!this.#ids.has(id)) throw new CheckFailure('log', `request ${id} has no line`);
    }
  }
}
