// Tests that a mistyped name gets a suggestion, and that an unrelated name gets none.

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
  // With two of four letters changed it is another word.
  ['cert', undefined],
  ['tls', undefined],
  ['quite-another', undefined],
  ['', undefined],
  ['x'.repeat(10_000), undefined],
] as const)('%s is %s', (name, near) => {
  expect(nearest(name, KNOWN)).toBe(near);
});
