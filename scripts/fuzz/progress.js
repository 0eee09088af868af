// Prints the progress of a run on standard error: a line that is overwritten on a terminal, elsewhere a line every ten
// seconds. It has no colours, so NO_COLOR does not matter.

const TERMINAL_MS = 500;
const ELSEWHERE_MS = 10_000;

export class Progress {
  #timer;
  #isTerminal = process.stderr.isTTY === true;

  /** `state()` returns the line. */
  constructor(state) {
    this.#timer = setInterval(
      () => process.stderr.write(this.#isTerminal ? `\r${state()}\x1b[K` : `${state()}\n`),
      this.#isTerminal ? TERMINAL_MS : ELSEWHERE_MS,
    );
    this.#timer.unref();
  }

  /** Clears the line before other output. */
  clear() {
    if (this.#isTerminal) process.stderr.write('\r\x1b[K');
  }

  end() {
    clearInterval(this.#timer);
    this.clear();
  }
}
