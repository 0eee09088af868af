// Parses the Range field (RFC 9110 section 14).

import { trimBlanks } from '../http/blanks.ts';

/** From its first to its last byte, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The maximum number of range specifiers in one field. With more, the request is abusive (RFC 9110 section 17.15) and
 * the whole file is sent.
 */
const MAX_SPECIFIERS = 64;

/**
 * The maximum number of parts of one response, after overlapping ranges are combined. More parts cost more than the
 * whole.
 */
const MAX_PARTS = 16;

const UNIT = /^bytes=/i;
const SPECIFIER = /^(?:(\d+)-(\d*)|-(\d+))$/;

/**
 * Returns the ranges in the order of the field, with overlapping and adjacent ones combined. `whole`: the field is
 * ignored, since it is malformed, of another unit, or has too many ranges. `unsatisfiable`: respond with 416.
 */
export function selectRanges(field: string, size: number): readonly ByteRange[] | 'whole' | 'unsatisfiable' {
  if (!UNIT.test(field)) return 'whole';
  const specifiers = field.slice('bytes='.length).split(',', MAX_SPECIFIERS + 1);
  if (specifiers.length > MAX_SPECIFIERS) return 'whole';
  const ranges: ByteRange[] = [];
  for (const specifier of specifiers.map(trimBlanks)) {
    // A list may have empty members (RFC 9110 section 5.6.1).
    if (specifier === '') continue;
    const range = parseSpecifier(specifier, size);
    if (range === undefined) return 'whole';
    ranges.push(range);
  }
  if (ranges.length === 0) return 'whole';
  const satisfiable = ranges.filter(({ start, end }) => start <= end);
  if (satisfiable.length === 0) return 'unsatisfiable';
  const combined = combine(satisfiable);
  return combined.length > MAX_PARTS ? 'whole' : combined;
}

/**
 * The satisfiable bytes of a specifier; none if `start` is beyond `end`. Undefined: it is malformed. Positions too
 * large for exact numbers are rounded, and remain beyond every file.
 */
function parseSpecifier(text: string, size: number): ByteRange | undefined {
  const match = SPECIFIER.exec(text);
  if (match === null) return undefined;
  const [, first = '', last = '', suffix] = match;
  if (suffix !== undefined) return { start: Math.max(0, size - Number(suffix)), end: size - 1 };
  const start = Number(first);
  const end = last === '' ? Number.POSITIVE_INFINITY : Number(last);
  return start > end ? undefined : { start, end: Math.min(end, size - 1) };
}

/** Combines overlapping and adjacent ranges, in the order of the field. */
function combine(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const combined: { start: number; end: number; order: number }[] = [];
  const byStart = ranges.map((range, order) => ({ ...range, order })).sort((a, b) => a.start - b.start);
  for (const range of byStart) {
    const last = combined.at(-1);
    if (last === undefined || range.start > last.end + 1) combined.push(range);
    else if (range.end > last.end) {
      last.end = range.end;
      last.order = Math.min(last.order, range.order);
    }
  }
  return combined.sort((a, b) => a.order - b.order).map(({ start, end }) => ({ start, end }));
}
