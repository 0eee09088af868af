// Tests the small vocabularies of HTTP: dates, status codes, Host values.

import { describe, expect, test } from 'vitest';
import { formatHttpDate } from '../../src/http/date.ts';
import { isHost } from '../../src/http/host.ts';
import { HttpClock } from '../../src/http/http-clock.ts';
import { hasNoContent, reasonPhrase } from '../../src/http/status.ts';

describe('dates', () => {
  test('have the form of RFC 9110 section 5.6.7', () => {
    expect(formatHttpDate(Date.UTC(1994, 10, 6, 8, 49, 37))).toBe('Sun, 06 Nov 1994 08:49:37 GMT');
    expect(formatHttpDate(0)).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
  });

  test('change when the second of the wall clock has passed, and not before', () => {
    let calls = 0;
    const startMs = Date.UTC(2026, 0, 1, 0, 0, 0, 400);
    let monotonicMs = 10_000;
    const clock = new HttpClock(() => {
      calls++;
      return startMs + monotonicMs - 10_000;
    });
    const seen: string[] = [];
    for (; monotonicMs < 13_000; monotonicMs += 100) {
      clock.update(monotonicMs);
      if (seen.at(-1) !== clock.text) seen.push(clock.text);
      const wallSecond = formatHttpDate(startMs + monotonicMs - 10_000);
      expect(clock.text).toBe(wallSecond);
    }
    expect(seen.length).toBe(4);
    expect(calls).toBe(4);
    expect(clock.version).toBe(4);
  });
});

describe('status codes', () => {
  test('have the reason phrases of the registry', () => {
    expect([200, 404, 413, 414, 431, 501].map(reasonPhrase)).toEqual([
      'OK',
      'Not Found',
      'Content Too Large',
      'URI Too Long',
      'Request Header Fields Too Large',
      'Not Implemented',
    ]);
    expect(reasonPhrase(299)).toBe('');
  });

  test('determine which responses have no content', () => {
    expect([100, 101, 199, 204, 304].every(hasNoContent)).toBe(true);
    expect([200, 205, 206, 301, 404, 500].some(hasNoContent)).toBe(false);
  });
});

describe('Host', () => {
  const good = [
    '',
    'a',
    'a.b-c_d~e',
    '127.0.0.1',
    'a:80',
    'a:',
    'a:65535',
    '[::1]',
    '[::1]:80',
    '[::ffff:1.2.3.4]',
    '%41b',
    "!$&'()*+,;=",
    'xn--4ca',
  ];
  const bad = [
    'a b',
    'a/b',
    'a?b',
    'a#b',
    'u@a',
    'a:b',
    'a:80:80',
    'a:123456',
    ':80',
    '[::1',
    '::1',
    '[]',
    '[a]',
    '[:g:]',
    '[::1]x',
    '[::1]80',
    '[::1]:x',
    'a[b',
    'a]b',
    '%4',
    '%zz',
    '%',
    'a%',
    'ä',
    'a\tb',
    'a\x00',
    '"a"',
    '<a>',
    'a\\b',
    '{a}',
    'a|b',
    'a^b',
    'a`b',
  ];
  const check = (text: string): boolean => {
    const bytes = Buffer.from(`]0:${text}:1]`, 'latin1');
    return isHost(bytes, 3, 3 + Buffer.byteLength(text, 'latin1'));
  };

  test.each(good)('%j is valid', (text) => {
    expect(check(text)).toBe(true);
  });

  test.each(bad)('%j is malformed', (text) => {
    expect(check(text)).toBe(false);
  });
});
