// Tests the table of cases: enough of them, each with a unique id, a section and a reason.

import { expect, test } from 'vitest';
import { PARTS } from '../../../src/tools/conformance/case.ts';
import { CASES, GROUPS } from '../../../src/tools/conformance/cases.ts';
import { sendingsOf } from '../../../src/tools/conformance/deliver.ts';

test('there are at least 250 cases, and every id is one case', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(250);
  expect(new Set(CASES.map(({ id }) => id)).size).toBe(CASES.length);
});

test.each(GROUPS)('every case of %s has a rule and a reason', (group) => {
  for (const each of CASES.filter((one) => one.group === group)) {
    expect(each.id, each.id).toMatch(/^[a-z-]+\/[a-z0-9-]+$/);
    expect(each.rfc, each.id).toMatch(/^(?:9110|9112|9113|3986) \d+(?:\.\d+)*$/);
    expect(each.why.length, each.id).toBeGreaterThan(10);
    expect(each.expect.length, each.id).toBeGreaterThan(0);
    expect(
      each.needs.every((part) => Object.hasOwn(PARTS, part)),
      each.id,
    ).toBe(true);
    expect(each.bytes !== '' || (each.steps ?? []).length > 0, each.id).toBe(true);
  }
});

test('a short case is split at every byte, a longer one at evenly spread places', () => {
  const [plain] = CASES;
  if (plain === undefined) throw new Error('no cases');
  const cuts = sendingsOf(plain, 10_000).filter(({ delivery }) => delivery === 'split');
  expect(cuts.map(({ at }) => at)).toEqual(Array.from({ length: plain.bytes.length - 1 }, (_, i) => i + 1));
  const few = sendingsOf(plain, 5).filter(({ delivery }) => delivery === 'split');
  expect(few).toHaveLength(5);
  expect(new Set(few.map(({ at }) => at)).size).toBe(5);
});
