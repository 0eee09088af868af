// Tests the order and the comparisons of RFC 9110 section 13, case by case.

import { describe, expect, test } from 'vitest';
import { evaluateConditions, rangeStillHolds, type Validators } from '../../src/http/conditions.ts';

const STRONG: Validators = { etag: '"abc"', lastModifiedMs: 784_111_777_000 };
const WEAK: Validators = { etag: 'W/"abc"', lastModifiedMs: 784_111_777_000 };
const SAME = 'Sun, 06 Nov 1994 08:49:37 GMT';
const EARLIER = 'Sun, 06 Nov 1994 08:49:36 GMT';
const LATER = 'Sun, 06 Nov 1994 08:49:38 GMT';

function evaluate(fields: Readonly<Record<string, string>>, current: Validators): number {
  return evaluateConditions({ header: (name) => fields[name] }, current, () => 0);
}

/** Fields, the status for a strong tag, and for a weak one if it differs. */
type Case = readonly [Readonly<Record<string, string>>, number, number?];

const CASES: readonly Case[] = [
  [{}, 0],
  [{ 'if-none-match': '"abc"' }, 304],
  [{ 'if-none-match': 'W/"abc"' }, 304],
  [{ 'if-none-match': '*' }, 304],
  [{ 'if-none-match': '"x", "abc"' }, 304],
  [{ 'if-none-match': '"x" ,, W/"abc", "y"' }, 304],
  [{ 'if-none-match': '"a,b", "abc"' }, 304],
  [{ 'if-none-match': '"ab"' }, 0],
  [{ 'if-none-match': '"abcd"' }, 0],
  [{ 'if-none-match': 'abc' }, 0],
  [{ 'if-none-match': '"x" junk "abc"' }, 0],
  [{ 'if-none-match': '' }, 0],
  [{ 'if-none-match': '"ABC"' }, 0],
  [{ 'if-none-match': 'w/"abc"' }, 0],
  [{ 'if-modified-since': SAME }, 304],
  [{ 'if-modified-since': LATER }, 304],
  [{ 'if-modified-since': EARLIER }, 0],
  [{ 'if-modified-since': 'yesterday' }, 0],
  [{ 'if-none-match': '"x"', 'if-modified-since': SAME }, 0],
  [{ 'if-none-match': '"abc"', 'if-modified-since': EARLIER }, 304],
  [{ 'if-match': '"abc"' }, 0, 412],
  [{ 'if-match': '*' }, 0],
  [{ 'if-match': 'W/"abc"' }, 412],
  [{ 'if-match': '"x", "abc"' }, 0, 412],
  [{ 'if-match': '"x"' }, 412],
  [{ 'if-match': '' }, 412],
  [{ 'if-unmodified-since': SAME }, 0],
  [{ 'if-unmodified-since': EARLIER }, 412],
  [{ 'if-unmodified-since': 'soon' }, 0],
  [{ 'if-match': '*', 'if-unmodified-since': EARLIER }, 0],
  [{ 'if-match': '"x"', 'if-none-match': '"abc"' }, 412],
  [{ 'if-match': '*', 'if-none-match': '"abc"' }, 304],
];

describe('a request with', () => {
  for (const [fields, ofStrong, ofWeak = ofStrong] of CASES) {
    test(JSON.stringify(fields), () => {
      expect(evaluate(fields, STRONG)).toBe(ofStrong);
      expect(evaluate(fields, WEAK), 'of a weak tag').toBe(ofWeak);
    });
  }

  test('a thousand tags: each is compared, in linear time', () => {
    const many = Array.from({ length: 100_000 }, (_, i) => `"t${i}"`).join(',');
    expect(evaluate({ 'if-none-match': `${many},"abc"` }, STRONG)).toBe(304);
    expect(evaluate({ 'if-none-match': `${many}${' ,'.repeat(100_000)}x` }, STRONG)).toBe(0);
  });
});

test.each<readonly [string | undefined, boolean]>([
  [undefined, true],
  ['"abc"', true],
  ['W/"abc"', false],
  ['"x"', false],
  ['"abc", "x"', false],
  [SAME, true],
  [EARLIER, false],
  [LATER, false],
  ['', false],
])('If-Range: %s', (value, holds) => {
  expect(rangeStillHolds(value, STRONG)).toBe(holds);
  expect(rangeStillHolds(value, WEAK), 'a weak tag proves no bytes').toBe(value === undefined);
});
