// Decodes bytes as Latin-1, one character per byte, as for fields and targets.

/** Buffer's own slice, without the dispatch over encodings in `toString` (170 instructions on Node 20). */
const slice: (this: Buffer, start: number, end: number) => string = Reflect.get(Buffer.prototype, 'latin1Slice');

/**
 * Up to this length, a string is made without a call into C++ (250 instead of 680 instructions on Node 20). This is 3 %
 * of the processor time of a plaintext request with mixed heads, whose query has 11 characters.
 */
const SHORT = 12;

/** `bytes[start, end)` as text. */
export function latin1(bytes: Buffer, start: number, end: number): string {
  return end - start <= SHORT ? short(bytes, start, end - start) : slice.call(bytes, start, end);
}

/** A copy of Latin-1 text: part of a longer text, such as a field, would keep all of it in memory. */
export function detached(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** One call for up to twelve bytes: a loop would make a string for every byte. */
function short(b: Uint8Array, at: number, length: number): string {
  const text = String.fromCharCode;
  if (length >= 8) return length === 8 ? eight(b, at) : eight(b, at) + short(b, at + 8, length - 8);
  if (length >= 4) return length === 4 ? four(b, at) : four(b, at) + short(b, at + 4, length - 4);
  if (length === 3) return text(b[at] ?? 0, b[at + 1] ?? 0, b[at + 2] ?? 0);
  if (length === 2) return text(b[at] ?? 0, b[at + 1] ?? 0);
  return length === 1 ? text(b[at] ?? 0) : '';
}

function four(b: Uint8Array, i: number): string {
  return String.fromCharCode(b[i] ?? 0, b[i + 1] ?? 0, b[i + 2] ?? 0, b[i + 3] ?? 0);
}

function eight(b: Uint8Array, i: number): string {
  const text = String.fromCharCode;
  // biome-ignore format: two rows of four
  return text(b[i] ?? 0, b[i + 1] ?? 0, b[i + 2] ?? 0, b[i + 3] ?? 0,
    b[i + 4] ?? 0, b[i + 5] ?? 0, b[i + 6] ?? 0, b[i + 7] ?? 0);
}
