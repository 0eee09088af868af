// Splits what a process writes into lines of bounded length.

/** A longer line is cut: without line feeds the memory for it would have no bound. */
const MAX_LINE_BYTES = 65_536;

const LINE_FEED = 0x0a;

export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #pieces: Buffer[] = [];
  #length = 0;

  /** `onLine` gets each line as UTF-8, without its line feed; empty lines are left out. */
  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(data: Buffer): void {
    let from = 0;
    for (let at = data.indexOf(LINE_FEED); at >= 0; at = data.indexOf(LINE_FEED, from)) {
      this.#keep(data.subarray(from, at));
      this.end();
      from = at + 1;
    }
    this.#keep(data.subarray(from));
  }

  /** What came last is a line, too. */
  end(): void {
    const line = Buffer.concat(this.#pieces).toString('utf8').trimEnd();
    this.#pieces = [];
    this.#length = 0;
    if (line !== '') this.#onLine(line);
  }

  #keep(piece: Buffer): void {
    const kept = piece.subarray(0, MAX_LINE_BYTES - this.#length);
    if (kept.length === 0) return;
    this.#length += kept.length;
    this.#pieces.push(kept);
  }
}
