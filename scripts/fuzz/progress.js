// How far a run has come, on standard error: a line that is written over on a terminal, a line every ten seconds
// elsewhere. No colours, so that there is nothing for NO_COLOR to turn off.

const TERMINAL_MS = 500;
const ELSEWHERE_MS = 10_000;

export class Progress {
  #timer;
  #isTerminal = process.stderr.isTTY === true;

  /** `state()` gives the line. */
  constructor(state) {
    this.#timer = setInterval(
      () => process.stderr.write(this.#isTerminal ? `\r${state()}\x1b[K` : `${state()}\n`),
      this.#isTerminal ? TERMINAL_MS : ELSEWHERE_MS,
    );
    this.#timer.unref();
  }

  /** Makes room for other lines. */
  clear() {
    if (this.#isTerminal) process.stderr.write('\r\x1b[K');
  }

  end() {
    clearInterval(this.#timer);
    this.clear();
  }
}
