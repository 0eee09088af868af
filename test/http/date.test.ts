// Tests that HTTP dates are parsed in their three forms, and that all other texts are rejected.

import { expect, test } from 'vitest';
import { formatHttpDate, parseHttpDate } from '../../src/http/date.ts';

const NOVEMBER_6_1994 = 784_111_777_000;
const NOW = Date.UTC(2026, 6, 1);

test.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
  '%s is read',
  (text) => {
    expect(parseHttpDate(text, NOW)).toBe(NOVEMBER_6_1994);
  },
);

test('a formatted date is parsed back to the same time', () => {
  for (let ms = 0; ms < 4e12; ms += 86_411_000_000) expect(parseHttpDate(formatHttpDate(ms), NOW)).toBe(ms);
});

test('a year of two digits lies at most 50 years ahead', () => {
  const year = (digits: string): number =>
    new Date(parseHttpDate(`Monday, 01-Jan-${digits} 00:00:00 GMT`, NOW) ?? Number.NaN).getUTCFullYear();
  expect([year('26'), year('76'), year('77'), year('00'), year('99')]).toEqual([2026, 2076, 1977, 2000, 1999]);
});

test('a leap second is the last one of its minute', () => {
  expect(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT', NOW)).toBe(Date.UTC(2016, 11, 31, 23, 59, 59));
});

test.each([
  '',
  'yesterday',
  '784111777',
  '1994-11-06T08:49:37Z',
  'Sun, 06 Nov 1994 08:49:37',
  'Sun, 06 Nov 1994 08:49:37 UTC',
  'Sun, 06 Nov 1994 08:49:37 +0000',
  'Sun, 6 Nov 1994 08:49:37 GMT',
  'sun, 06 nov 1994 08:49:37 gmt',
  'Sun, 06 Foo 1994 08:49:37 GMT',
  'Sun, 31 Feb 2021 08:49:37 GMT',
  'Sun, 00 Nov 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 24:00:00 GMT',
  'Sun, 06 Nov 1994 08:60:00 GMT',
  'Sun, 06 Nov 1994 08:49:61 GMT',
  'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
])('"%s" is not a date', (text) => {
  expect(parseHttpDate(text, NOW)).toBeUndefined();
});
