// What a client says in Accept (RFC 9110 section 12.5.1), as far as one representation or another depends on it.

import { trimBlanks } from './blanks.ts';
import { weightOf } from './weight.ts';

/** Whether `accept` names the media type `type`, which is in lower case, and does not refuse it. Wildcards do not count. */
export function namesMediaType(accept: string | undefined, type: string): boolean {
  if (accept === undefined) return false;
  const lowerCase = accept.toLowerCase();
  return lowerCase.includes(type) && lowerCase.split(',').some((range) => isRangeOf(range, type));
}

function isRangeOf(range: string, type: string): boolean {
  const [name, ...parameters] = range.split(';').map(trimBlanks);
  return name === type && weightOf(parameters) > 0;
}
