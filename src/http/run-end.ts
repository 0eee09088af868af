// Finds the end of a run of allowed bytes, which is most of the work of parsing a head.

/** The offset of the first byte of `bytes[from, stop)` for which `table` is not 1, or `stop`. */
export function runEnd(bytes: Uint8Array, from: number, stop: number, table: Uint8Array): number {
  let at = from;
  // V8 checks the type of the array and pending interrupts once per iteration; four bytes share that cost.
  while (
    at + 3 < stop &&
    table[bytes[at] ?? 0] === 1 &&
    table[bytes[at + 1] ?? 0] === 1 &&
    table[bytes[at + 2] ?? 0] === 1 &&
    table[bytes[at + 3] ?? 0] === 1
  ) {
    at += 4;
  }
  while (at < stop && table[bytes[at] ?? 0] === 1) at++;
  return at;
}
