// Tests what proxies say about a client: which entries count, where the walk ends, and how they are written.

import { isIP } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type ForwardedTrust, fromForwarded, fromXForwarded } from '../../src/http/forwarded.ts';
import { expectLinear } from '../support/growth.ts';

/** Addresses that begin with 10. are proxies. */
const trust: ForwardedTrust = { has: (address) => address.startsWith('10.'), isAddress: (text) => isIP(text) !== 0 };

test.each([
  ['', '', 0],
  ['1.2.3.4', '1.2.3.4', 0],
  ['1.2.3.4:56', '1.2.3.4', 56],
  ['[2001:db8::1]:56', '2001:db8::1', 56],
  ['2001:db8::1', '2001:db8::1', 0],
  ['6.6.6.6, 1.2.3.4', '1.2.3.4', 0],
  ['6.6.6.6, 1.2.3.4, 10.0.0.1,10.0.0.2', '1.2.3.4', 0],
  ['10.0.0.9, 10.0.0.1', '10.0.0.9', 0],
  ['1.2.3.4, nonsense, 10.0.0.1', '10.0.0.1', 0],
  ['nonsense', '', 0],
  ['1.2.3.4, unknown', '', 0],
  ['1.2.3.4,', '', 0],
  ['1.2.3.4:70000', '', 0],
  ['1.2.3.4:', '', 0],
  ['[::1', '', 0],
  ['[::1]x', '', 0],
  ['1.2.3', '', 0],
])('X-Forwarded-For: %s', (value, address, port) => {
  expect(fromXForwarded([value, undefined, undefined], trust)).toMatchObject({ address, port });
});

test.each([
  ['1.2.3.4', 'https', 'a.example', 'https', 'a.example'],
  ['1.2.3.4', 'HTTPS', 'a.example:8443', 'https', 'a.example:8443'],
  // The first proxy was reached by HTTPS, the second one by HTTP.
  ['1.2.3.4, 10.0.0.1', 'https, http', 'a.example, inner', 'https', 'a.example'],
  // Only the last proxy, which overwrites the fields.
  ['1.2.3.4, 10.0.0.1', 'https', 'a.example', 'https', 'a.example'],
  // What the client itself sent is to the left of it.
  ['6.6.6.6, 1.2.3.4', 'http, https', 'evil, a.example', 'https', 'a.example'],
  [undefined, 'https', undefined, 'https', ''],
  ['1.2.3.4', 'gopher', 'a b', '', ''],
  ['1.2.3.4', undefined, 'user@a', '', ''],
])('X-Forwarded-For %s, -Proto %s, -Host %s', (forList, proto, host, scheme, expected) => {
  expect(fromXForwarded([forList, proto, host], trust)).toMatchObject({ scheme, host: expected });
});

test.each([
  ['for=1.2.3.4', '1.2.3.4', 0, '', ''],
  ['For="[2001:db8::1]:4711"; Proto=https;by=10.0.0.1;host=a.example', '2001:db8::1', 4711, 'https', 'a.example'],
  ['for=6.6.6.6;proto=http, for=1.2.3.4;proto=https, for=10.0.0.1;proto=http', '1.2.3.4', 0, 'https', ''],
  ['for="6.6.6.6, for=1.2.3.4', '1.2.3.4', 0, '', ''],
  ['for="6.6.6.6, for=10.0.0.1', '10.0.0.1', 0, '', ''],
  ['for=1.2.3.4, for=_hidden', '', 0, '', ''],
  ['for=1.2.3.4, for=unknown;proto=https', '', 0, 'https', ''],
  ['for=1.2.3.4;host="a.example:80"', '1.2.3.4', 0, '', 'a.example:80'],
  ['1.2.3.4', '', 0, '', ''],
  ['for=', '', 0, '', ''],
  ['', '', 0, '', ''],
])('Forwarded: %s', (value, address, port, scheme, host) => {
  expect(fromForwarded(value, trust)).toEqual({ address, port, scheme, host });
});

describe('time in proportion to the length', () => {
  test.each([
    ['trusted entries', (size: number) => '10.0.0.1,'.repeat(size / 9)],
    ['commas', (size: number) => ','.repeat(size)],
    ['quotes', (size: number) => 'for="'.repeat(size / 5)],
    ['semicolons', (size: number) => `for=10.0.0.1${';'.repeat(size)}`],
  ] as const)('%s', async (_name, make) => {
    await expectLinear((size) => {
      const value = make(size);
      return () => {
        fromXForwarded([value, value, value], trust);
        fromForwarded(value, trust);
      };
    }, 1_024);
  });
});
