// Checks the access log of a run: every handled request must have one line.

import { CheckFailure } from './failure.ts';

const ID = /[?&]id=(\d+\.\d+)/;

export class LoggedRequests {
  readonly #ids = new Set<string>();
  /** The first broken rule. */
  failure: CheckFailure | null = null;

  /** Receives log lines, as a sink does. */
  readonly take = (text: string): void => {
    for (const line of text.split('\n')) {
      const id = ID.exec(line)?.[1];
      if (id === undefined) continue;
      if (this.#ids.has(id)) this.failure ??= new CheckFailure('log', `request ${id} has two lines`);
      this.#ids.add(id);
    }
  };

  /** Checks at the end of the run. `handled`: the ids of handled requests. */
  checkEnd(handled: ReadonlySet<string>): void {
    for (const id of handled) {
      if (!this.#ids.has(id)) throw new CheckFailure('log', `request ${id} has no line`);
    }
  }
}
