// The Connection field's options that this server knows (RFC 9110 section 7.6.1).

import { equalsIgnoringCase, HTAB, SP } from './characters.ts';

export const CLOSE = 1;
export const KEEP_ALIVE = 2;

const COMMA = 0x2c;

/** {@link CLOSE} and {@link KEEP_ALIVE} as far as the comma-separated list has them; others are ignored. */
export function connectionOptions(bytes: Uint8Array, start: number, end: number): number {
  let options = 0;
  let from = start;
  for (let at = start; at <= end; at++) {
    if (at < end && bytes[at] !== COMMA) continue;
    let [first, last] = [from, at];
    while (first < last && (bytes[first] === SP || bytes[first] === HTAB)) first++;
    while (first < last && (bytes[last - 1] === SP || bytes[last - 1] === HTAB)) last--;
    if (equalsIgnoringCase(bytes, first, last, 'close')) options |= CLOSE;
    else if (equalsIgnoringCase(bytes, first, last, 'keep-alive')) options |= KEEP_ALIVE;
    from = at + 1;
  }
  return options;
}
