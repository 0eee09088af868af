// Tests that a mistyped name is recognised, and that another name is not taken for a mistyped one.

import { expect, test } from 'vitest';
import { nearest } from '../../src/options/nearest.ts';

const KNOWN = ['port', 'host', 'hostname', 'keepAliveMs', 'maxBodyBytes', 'max-header-bytes', 'root'];

test.each([
  ['prot', 'port'],
  ['pot', 'port'],
  ['hostnme', 'hostname'],
  ['keepAlvie', 'keepAliveMs'],
  ['keepAlive', 'keepAliveMs'],
  ['keep_alive_ms', 'keepAliveMs'],
  ['KEEP_ALIVE_MS', 'keepAliveMs'],
  ['maxBody', 'maxBodyBytes'],
  ['maxHeaderBytes', 'max-header-bytes'],
  // Two of four letters are another word.
  ['cert', undefined],
  ['tls', undefined],
  ['quite-another', undefined],
  ['', undefined],
  ['x'.repeat(10_000), undefined],
] as const)('%s is %s', (name, near) => {
  expect(nearest(name, KNOWN)).toBe(near);
});
