// The preference among the members of Accept and its siblings (RFC 9110 section 12.4.2).

import { trimBlanks } from './blanks.ts';

/** The `q` among a member's parameters: 1 without one; a malformed number counts as a refusal, 0. */
export function weightOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [name, value] = parameter.split('=', 2).map(trimBlanks);
    if (name === 'q') return Number(value) || 0;
  }
  return 1;
}
