// A wait that belongs to no descriptor: the same turns and the same clock as everything else.

import { Source } from './source.ts';

export class Pause extends Source {
  readonly #over: () => void;

  /** `over` is called once, within a turn. */
  constructor(over: () => void) {
    super(-1, 0);
    this.#over = over;
  }

  serve(): void {
    this.#over();
  }

  expire(): void {
    this.#over();
  }
}
