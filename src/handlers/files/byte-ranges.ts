// Which parts of a file a Range field asks for (RFC 9110 section 14). The library parses and combines; what it
// takes too lightly is settled in front of it: its grammar, positions beyond exact numbers, suffixes longer
// than the file, other units, and how many ranges there are.

import parseRange from 'range-parser';
import { trimBlanks } from '../../http/blanks.ts';

/** From its first to its last byte, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Specifiers in one field; more are no honest request (RFC 9110 section 17.15), and the whole is sent. */
const MAX_SPECIFIERS = 64;

/** Parts of one answer, once overlapping ones are combined; more cost more than the whole. */
const MAX_PARTS = 16;

const UNIT = /^bytes=/i;
const SPECIFIER = /^(?:(\d+)-(\d*)|-(\d+))$/;

/** Beyond every file, and still an exact number. */
const FAR = 999_999_999_999_999;

/**
 * The ranges in the order asked for, overlapping and adjacent ones combined. `whole`: ignore the field, since it
 * is malformed, of another unit, or too much; `unsatisfiable`: answer 416.
 */
export function selectRanges(field: string, size: number): readonly ByteRange[] | 'whole' | 'unsatisfiable' {
  if (!UNIT.test(field)) return 'whole';
  const specifiers = field.slice('bytes='.length).split(',', MAX_SPECIFIERS + 1);
  if (specifiers.length > MAX_SPECIFIERS) return 'whole';
  const exact: string[] = [];
  for (const specifier of specifiers) {
    const text = trimBlanks(specifier);
    // A list may have empty members (RFC 9110 section 5.6.1).
    if (text === '') continue;
    const one = toExact(text, size);
    if (one === undefined) return 'whole';
    exact.push(one);
  }
  if (exact.length === 0) return 'whole';
  const ranges = parseRange(size, `bytes=${exact.join(',')}`, { combine: true });
  if (ranges === -1) return 'unsatisfiable';
  return ranges === -2 || ranges.length > MAX_PARTS ? 'whole' : [...ranges];
}

/** The specifier with numbers that the library cannot mistake; undefined when it is none. */
function toExact(text: string, size: number): string | undefined {
  const match = SPECIFIER.exec(text);
  if (match === null) return undefined;
  const [, first = '', last = '', suffix] = match;
  if (suffix !== undefined) return `-${Math.min(toNumber(suffix), size)}`;
  const start = toNumber(first);
  if (last === '') return `${start}-`;
  const end = toNumber(last);
  return start > end ? undefined : `${start}-${end}`;
}

function toNumber(digits: string): number {
  const significant = digits.replace(/^0+/, '');
  return significant.length > 15 ? FAR : Number(significant);
}
