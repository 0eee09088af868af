// File names as strings. They are bytes that need not be UTF-8: each byte that is not part of UTF-8 becomes a lone
// surrogate, U+DC80 to U+DCFF, which valid text cannot contain (native/name_text.h decodes it again; PEP 383 of
// Python).

const ESCAPE = 0xdc00;

const BROKEN = -1;

/** A lone surrogate. */
const LONE = /\p{Cs}/u;

/** Marks, which combine with the character before them, and characters that some file systems ignore between them. */
const MANY_MARKS = /[\p{M}\p{Default_Ignorable_Code_Point}]{31}/u;

/** Percent-decodes one name of a path, once. Null: an invalid escape. */
export function decodeName(part: string): string | null {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    const bytes = bytesOf(part);
    return bytes === null ? null : nameOfBytes(bytes);
  }
}

/** Whether a name is valid UTF-8 text. */
export function isTextName(name: string): boolean {
  return !LONE.test(name);
}

/**
 * Whether Unicode normalization of `text` takes linear time: it sorts the marks of a run. Text has at most 30 in a row
 * (Stream-Safe Text Format, Unicode Standard Annex 15 section 13).
 */
export function isStreamSafe(text: string): boolean {
  return !MANY_MARKS.test(text);
}

/** Percent-encodes a name, as one segment of a link or of a Location. */
export function encodeName(name: string): string {
  if (isTextName(name)) return encodeURIComponent(name);
  let text = '';
  for (const character of name) {
    const unit = character.charCodeAt(0);
    text += isEscape(character) ? `%${(unit - ESCAPE).toString(16).toUpperCase()}` : encodeURIComponent(character);
  }
  return text;
}

/** The bytes of a name or path. */
export function bytesOfName(name: string): Buffer {
  if (isTextName(name)) return Buffer.from(name);
  const pieces = Array.from(name, (character) =>
    isEscape(character) ? Buffer.of(character.charCodeAt(0) - ESCAPE) : Buffer.from(character),
  );
  return Buffer.concat(pieces);
}

/** A name for display: U+FFFD replaces control characters and bytes that are not text. */
export function printableName(name: string): string {
  return name.replaceAll(/[\p{Cs}\p{Cc}]/gu, '\ufffd');
}

/** Whether one code point of a string is a lone surrogate. */
function isEscape(character: string): boolean {
  const unit = character.charCodeAt(0);
  return character.length === 1 && unit >= ESCAPE + 0x80 && unit <= ESCAPE + 0xff;
}

/** The bytes of percent-encoded text. Null: an invalid escape. */
function bytesOf(part: string): Buffer | null {
  const bytes = Buffer.alloc(part.length);
  let length = 0;
  for (let at = 0; at < part.length; at++) {
    let byte = part.charCodeAt(at);
    if (byte === 0x25) {
      byte = hexDigit(part.charCodeAt(at + 1)) * 16 + hexDigit(part.charCodeAt(at + 2));
      if (Number.isNaN(byte)) return null;
      at += 2;
    }
    bytes[length++] = byte;
  }
  return bytes.subarray(0, length);
}

function hexDigit(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  const letter = unit | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : Number.NaN;
}

/** The name that has these bytes. */
export function nameOfBytes(bytes: Buffer): string {
  const text = bytes.toString();
  // U+FFFD may be part of the name itself, or a replacement of invalid UTF-8.
  return text.includes('\ufffd') ? escapedName(bytes) : text;
}

function escapedName(bytes: Buffer): string {
  let name = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === BROKEN) name += String.fromCharCode(ESCAPE + (bytes[at] ?? 0));
    else name += bytes.toString('utf8', at, at + length);
    at += length === BROKEN ? 1 : length;
  }
  return name;
}

/** The length of the UTF-8 character that begins at `at` (RFC 3629 section 4). */
function sequenceLength(bytes: Buffer, at: number): number {
  const [first = 0, second = 0] = [bytes[at], bytes[at + 1]];
  if (first < 0x80) return 1;
  const length = first >= 0xf5 || first < 0xc2 ? 0 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (length === 0) return BROKEN;
  // Overlong forms, surrogates, and code points beyond U+10FFFF are invalid.
  if ((first === 0xe0 && second < 0xa0) || (first === 0xed && second > 0x9f)) return BROKEN;
  if ((first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f)) return BROKEN;
  for (let i = 1; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return BROKEN;
  return length;
}
