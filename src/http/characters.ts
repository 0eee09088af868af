// Tables of the bytes that each part of a request head may contain (RFC 9110 section 5.6.2, RFC 9112 section 3).

/** A table that is 1 for the bytes that `allowed` accepts. */
function table(allowed: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (allowed(byte) ? 1 : 0));
}

const TOKEN_SYMBOLS = "!#$%&'*+-.^_`|~";
const isAlphanumeric = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

/** tchar: methods and field names. */
export const TOKEN: Uint8Array = table(
  (byte) => isAlphanumeric(byte) || (byte < 0x80 && TOKEN_SYMBOLS.includes(String.fromCharCode(byte))),
);

/** field-vchar, obs-text, SP and HTAB: no control byte, so neither CR, LF, NUL nor DEL. */
export const FIELD_VALUE: Uint8Array = table((byte) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f));

/** Bytes of a target up to its query: visible ASCII but `?`, and `#`, which begins no part of a target. */
export const TARGET_PATH: Uint8Array = table((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x3f && byte !== 0x23);

/** Bytes of a target from its query on. */
export const TARGET_QUERY: Uint8Array = table((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x23);

/** unreserved and sub-delims: a registered name or IPv4 address but for `%` (RFC 3986 section 3.2.2). */
export const REGISTERED_NAME: Uint8Array = table(
  (byte) => isAlphanumeric(byte) || (byte < 0x80 && "-._~!$&'()*+,;=".includes(String.fromCharCode(byte))),
);

export const CR = 0x0d;
export const LF = 0x0a;
export const COLON = 0x3a;

/**
 * Whether `bytes[start, end)` is `lowerCase` in any case. Only for names of letters, digits and `-`:
 * setting bit 0x20 maps nothing else onto them that a token may hold.
 */
export function equalsIgnoringCase(bytes: Uint8Array, start: number, end: number, lowerCase: string): boolean {
  if (end - start !== lowerCase.length) return false;
  for (let i = 0; i < lowerCase.length; i++) {
    if (((bytes[start + i] ?? 0) | 0x20) !== lowerCase.charCodeAt(i)) return false;
  }
  return true;
}
