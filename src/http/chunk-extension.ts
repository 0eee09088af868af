// The state machine of chunk extensions (RFC 9112 section 7.1.1): `*( BWS ";" BWS name [ BWS "=" BWS value ] )`. Their
// values are ignored, but their end must be found exactly. A byte that one server skips, and that ends the line for
// another, allows request smuggling. One state and one byte give the next state.

import { HTAB, SP } from './blanks.ts';
import { CR, FIELD_VALUE, TOKEN } from './characters.ts';

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Blanks after a size or a value: only another extension may follow. */
export const EXTENSION_GAP = 0;
/** After a semicolon. */
export const EXTENSION_NAME_START = 1;
const NAME = 2;
const NAME_GAP = 3;
const VALUE_START = 4;
const VALUE = 5;
const QUOTED = 6;
const ESCAPED = 7;
const QUOTED_END = 8;
/** After the CR that ends the line. */
export const EXTENSION_END = 9;
export const EXTENSION_WRONG = 10;

/** The state after `byte`. */
export function nextExtensionState(state: number, byte: number): number {
  const isSpace = byte === SP || byte === HTAB;
  switch (state) {
    case EXTENSION_GAP:
      return isSpace ? EXTENSION_GAP : byte === SEMICOLON ? EXTENSION_NAME_START : EXTENSION_WRONG;
    case EXTENSION_NAME_START:
      return isSpace ? EXTENSION_NAME_START : TOKEN[byte] === 1 ? NAME : EXTENSION_WRONG;
    case NAME:
      return TOKEN[byte] === 1 ? NAME : byte === EQUALS ? VALUE_START : isSpace ? NAME_GAP : afterItem(byte);
    case NAME_GAP:
      if (isSpace) return NAME_GAP;
      return byte === EQUALS ? VALUE_START : byte === SEMICOLON ? EXTENSION_NAME_START : EXTENSION_WRONG;
    case VALUE_START:
      return isSpace ? VALUE_START : byte === QUOTE ? QUOTED : TOKEN[byte] === 1 ? VALUE : EXTENSION_WRONG;
    case VALUE:
      return TOKEN[byte] === 1 ? VALUE : isSpace ? EXTENSION_GAP : afterItem(byte);
    case QUOTED:
      if (byte === QUOTE) return QUOTED_END;
      return byte === BACKSLASH ? ESCAPED : FIELD_VALUE[byte] === 1 ? QUOTED : EXTENSION_WRONG;
    case ESCAPED:
      return FIELD_VALUE[byte] === 1 ? QUOTED : EXTENSION_WRONG;
    default:
      return isSpace ? EXTENSION_GAP : afterItem(byte);
  }
}

function afterItem(byte: number): number {
  if (byte === CR) return EXTENSION_END;
  return byte === SEMICOLON ? EXTENSION_NAME_START : EXTENSION_WRONG;
}
