// The Accept field (RFC 9110 section 12.5.1), as far as the choice of a representation needs it.

import { trimBlanks } from './blanks.ts';
import { weightOf } from './weight.ts';

/** Whether `accept` lists the media type `type` (lower case) with a weight above 0. Wildcards do not count. */
export function namesMediaType(accept: string | undefined, type: string): boolean {
  if (accept === undefined) return false;
  const lowerCase = accept.toLowerCase();
  return lowerCase.includes(type) && lowerCase.split(',').some((range) => isRangeOf(range, type));
}

function isRangeOf(range: string, type: string): boolean {
  const [name, ...parameters] = range.split(';').map(trimBlanks);
  return name === type && weightOf(parameters) > 0;
}
