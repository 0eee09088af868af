// Escapes untrusted text for a log or a terminal. This file imports nothing, because every folder may use it.

/**
 * Control characters (C0, DEL and C1), which terminals execute (ECMA-48), line and paragraph separators, and format
 * characters, which reorder or hide text (CVE-2021-42574).
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The longest part of an error message in a log line: a message may echo a whole request body. */
const MAX_LINE_LENGTH = 8_192;

/** `text` on one line, with visible escapes in place of characters that are not printable. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** As {@link printable}, for text of several lines: its line feeds stay. */
export function printableLines(text: string): string {
  return text.replace(UNPRINTABLE, (character) => (character === '\n' ? character : escaped(character)));
}

/**
 * Escapes JSON from `JSON.stringify`, which leaves DEL, C1 and format characters as they are. Its value is the same.
 */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) => {
    if (character === '\n') return character;
    const units = character.split('').map((unit) => `\\u${hexadecimal(unit.charCodeAt(0), 4)}`);
    return units.join('');
  });
}

/** Joins the lines of `text` with `separator` to one printable line; a long text is clipped. */
export function printableLine(text: string, separator = ' '): string {
  const lines = clipped(text, MAX_LINE_LENGTH).split('\n');
  const trimmed = lines.map((line) => line.trim()).filter((line) => line !== '');
  return printable(trimmed.join(separator));
}

/** Returns `text`, or its first `maxLength` characters and its length when it is longer. */
export function clipped(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}... (${text.length} characters)`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${hexadecimal(code, 2)}` : `\\u{${hexadecimal(code, 4)}}`;
}

function hexadecimal(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
