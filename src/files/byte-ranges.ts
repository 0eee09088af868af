// Which parts of a file a Range field asks for (RFC 9110 section 14).

import { trimBlanks } from '../http/blanks.ts';

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

/**
 * The ranges in the order asked for, overlapping and adjacent ones combined. `whole`: ignore the field, since it
 * is malformed, of another unit, or too much; `unsatisfiable`: answer 416.
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
 * The bytes that the file has of it, which are none where `start` is beyond `end`. Undefined: it is malformed. Positions
 * too large for exact numbers are rounded, which leaves them beyond every file.
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

/** Overlapping and adjacent ranges made one, in the order asked for. */
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
