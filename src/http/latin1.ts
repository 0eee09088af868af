// Strings out of bytes, one character a byte (Latin-1), which is how fields and targets are read.

/** Buffer's own slice, without the dispatch over encodings in `toString` (170 instructions on Node 20). */
const slice: (this: Buffer, start: number, end: number) => string = Reflect.get(Buffer.prototype, 'latin1Slice');

/** Up to here a string is made without leaving JavaScript (250 instead of 680 instructions on Node 20). */
const SHORT = 12;

/** `bytes[start, end)` as text. */
export function latin1(bytes: Buffer, start: number, end: number): string {
  return end - start <= SHORT ? short(bytes, start, end - start) : slice.call(bytes, start, end);
}

/** One call with as many arguments as there are bytes: a loop would make a string for every byte. */
function short(b: Uint8Array, at: number, length: number): string {
  const text = String.fromCharCode;
  if (length >= 4) return length === 4 ? four(b, at) : four(b, at) + short(b, at + 4, length - 4);
  if (length === 3) return text(b[at] ?? 0, b[at + 1] ?? 0, b[at + 2] ?? 0);
  if (length === 2) return text(b[at] ?? 0, b[at + 1] ?? 0);
  return length === 1 ? text(b[at] ?? 0) : '';
}

function four(b: Uint8Array, at: number): string {
  return String.fromCharCode(b[at] ?? 0, b[at + 1] ?? 0, b[at + 2] ?? 0, b[at + 3] ?? 0);
}
