// The value of a Content-Length field (RFC 9110 section 8.6): digits and nothing else.

/** Fifteen digits stay below 2^53. */
const MAX_DIGITS = 15;

/** The number of bytes; -1: no sign, space or list belongs there. */
export function parseContentLength(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > MAX_DIGITS) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
