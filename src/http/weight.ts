// The preference among the members of Accept and its siblings (RFC 9110 section 12.4.2).

import { trimBlanks } from './blanks.ts';

/** RFC 9110's grammar, with more digits than it allows. */
const QVALUE = /^(?:0(?:\.\d*)?|1(?:\.0*)?)$/;

/** The `q` among a member's parameters: 1 without one; a malformed number counts as a refusal, 0. */
export function weightOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [name, value] = parameter.split('=', 2).map(trimBlanks);
    if (name === 'q') return value !== undefined && QVALUE.test(value) ? Number(value) : 0;
  }
  return 1;
}
