// Parses the weight of a member of Accept and similar fields (RFC 9110 section 12.4.2).

import { trimBlanks } from './blanks.ts';

/** The grammar of RFC 9110, with any number of digits. */
const QVALUE = /^(?:0(?:\.\d*)?|1(?:\.0*)?)$/;

/** The `q` parameter of a member: 1 without one. A malformed number counts as 0, which rejects the member. */
export function weightOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [name, value] = parameter.split('=', 2).map(trimBlanks);
    if (name === 'q') return value !== undefined && QVALUE.test(value) ? Number(value) : 0;
  }
  return 1;
}
