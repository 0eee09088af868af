// Removes blanks around a value, which belong to its line or list (OWS, RFC 9110 sections 5.5 and 5.6.3). A regular
// expression for blanks at an end starts anew at each blank, which costs quadratic time.

export const SP = 0x20;
export const HTAB = 0x09;

/** `text` without spaces and tabs at both ends. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}
