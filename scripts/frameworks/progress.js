// One line about a run that goes on: rewritten in a terminal, else written every ten seconds. Failures are red in a
// terminal, unless NO_COLOR is set (no-color.org).

const LINE_EVERY_MS = 10_000;
const { stdout } = process;
const isTerminal = stdout.isTTY === true;
const isColoured = isTerminal && (process.env.NO_COLOR ?? '') === '';

const count = (tests, state) => tests.filter((test) => test.state === state).length;

export class Progress {
  #name;
  #startedAt = Date.now();
  #writtenAt = Date.now();
  #tests = [];

  constructor(name) {
    this.#name = name;
  }

  #line() {
    const failed = `${count(this.#tests, 'failed')} failed`;
    const coloured = isColoured && !failed.startsWith('0 ') ? `\x1b[31m${failed}\x1b[39m` : failed;
    const seconds = Math.round((Date.now() - this.#startedAt) / 1000);
    return `${this.#name}: ${count(this.#tests, 'passed')} passed, ${coloured}, ${seconds} s`;
  }

  /** `tests`: those that have ended. */
  show(tests) {
    this.#tests = tests;
    if (isTerminal) stdout.write(`\r\x1b[K${this.#line()}`);
    else if (Date.now() - this.#writtenAt >= LINE_EVERY_MS) {
      this.#writtenAt = Date.now();
      stdout.write(`${this.#line()}\n`);
    }
  }

  end({ tests, counts, isHung }) {
    this.#tests = tests;
    const { servers, ours, native, secure } = counts;
    const requests = `${servers} servers replaced; requests: ${ours} ours, ${native} node:http, ${secure} node:https`;
    const hung = isHung ? '; it hung and was ended' : '';
    stdout.write(`${isTerminal ? '\r\x1b[K' : ''}${this.#line()}; ${requests}${hung}\n`);
  }
}
