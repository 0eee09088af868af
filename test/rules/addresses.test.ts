// Tests sets of addresses, and the limiter that counts requests of addresses.

import { BlockList, isIPv4 } from 'node:net';
import { memoryUsage } from 'node:process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Hosts } from '../../src/files/hosts.ts';
import { AddressSet, addressKey } from '../../src/options/address-set.ts';
import { KeyedHash } from '../../src/rules/keyed-hash.ts';
import { RateLimiter } from '../../src/rules/rate-limiter.ts';
import { collect } from '../support/collect.ts';

test.each([
  [['10.0.0.0/8'], ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'], ['9.255.255.255', '11.0.0.0', '::10.1.2.3', '']],
  [['192.0.2.7'], ['192.0.2.7'], ['192.0.2.6', '192.0.2.8']],
  [['2001:db8::/32'], ['2001:db8::', '2001:db8:ffff::1'], ['2001:db9::', '10.0.0.1']],
  [
    ['::1', '127.0.0.0/8'],
    ['::1', '127.9.9.9', '0:0:0:0:0:0:0:1'],
    ['::2', '128.0.0.1'],
  ],
  [['all'], ['1.2.3.4', '::', ''], []],
  [['0.0.0.0/0'], ['1.2.3.4'], ['::1', '']],
  [['private'], ['192.168.1.1', '172.31.0.1', 'fd00::1', 'fe80::1%eth0'], ['172.32.0.1', '8.8.8.8', '']],
  [['unix'], [''], ['127.0.0.1']],
  [['10.0.0.0/9', '10.128.0.0/9', '10.3.0.0/16'], ['10.0.0.0', '10.200.0.1', '10.255.255.255'], ['11.0.0.0']],
])('%j', (texts, members, others) => {
  const set = new AddressSet(texts);
  for (const address of members) expect(set.has(address), address).toBe(true);
  for (const address of others) expect(set.has(address), address).toBe(false);
});

test.each(['', '10.0.0.0/33', '10.0.0/8', '::/129', '1.2.3.4/', '1.2.3.4/-1', 'localhost', 'fe80::1%eth0', '1/2/3'])(
  'not an address: %j',
  (text) => {
    expect(() => new AddressSet([text])).toThrow(/^must be addresses such as/);
  },
);

test('any network contains what BlockList of Node.js says', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(address, fc.nat(128), address, (network, bits, asked) => {
      const family = isIPv4(network) ? 'ipv4' : 'ipv6';
      const prefix = Math.min(bits, family === 'ipv4' ? 32 : 128);
      const list = new BlockList();
      list.addSubnet(network, prefix, family);
      const set = new AddressSet([`${network}/${prefix}`]);
      // BlockList puts IPv4 addresses in no IPv6 network, not even in ::/0.
      if (isIPv4(asked) !== (family === 'ipv4')) return;
      expect(set.has(asked)).toBe(list.check(asked, family));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['an address', () => new AddressSet(['all']), (set: AddressSet, text: string) => set.has(text)],
  ['a host', () => new Hosts(0, new Map()), (hosts: Hosts<number>, host: string) => hosts.of({ host })],
] as const)('%s from a list does not keep the list in memory', (_what, make, look) => {
  const known = make();
  const before = heapBytes();
  for (let i = 0; i < 500; i++) {
    const address = `2001:db8::${i.toString(16)}`;
    const list = Buffer.alloc(65_536, `${address}, `).toString('latin1');
    Reflect.apply(look, undefined, [known, list.slice(0, address.length)]);
  }
  expect(heapBytes() - before).toBeLessThan(8_000_000);
});

function heapBytes(): number {
  collect();
  return memoryUsage().heapUsed;
}

test('the key of an address is the same for all its spellings', () => {
  const keys = ['::ffff:1.2.3.4', '1.2.3.4', '0:0:0:0:0:FFFF:102:304'].map(addressKey);
  expect(new Set(keys)).toEqual(new Set(['00000000000000000000ffff01020304']));
});

test('a burst passes, then as many as tokens arrive', () => {
  const limiter = new RateLimiter({ requests: 10, intervalMs: 1_000, burst: 3 }, 4);
  expect([0, 0, 0].map((ms) => limiter.take('a', ms))).toEqual([0, 0, 0]);
  expect(limiter.take('a', 0)).toBe(100);
  expect(limiter.take('b', 0)).toBe(0);
  expect(limiter.take('a', 50)).toBe(50);
  expect(limiter.take('a', 100)).toBe(0);
  expect(limiter.take('a', 100)).toBe(100);
  expect([10_000, 10_000, 10_000].map((ms) => limiter.take('a', ms))).toEqual([0, 0, 0]);
  expect(limiter.take('a', 10_000)).toBe(100);
});

test('a million addresses are limited within the memory of a full table', () => {
  const limiter = new RateLimiter({ requests: 1, intervalMs: 60_000, burst: 1 });
  const { bytes } = limiter;
  expect(bytes).toBe(32 * 2 ** 20);
  let refused = 0;
  for (let i = 0; i < 1_000_000; i++) limiter.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 1);
  for (let i = 0; i < 1_000_000; i += 100) {
    if (limiter.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 2) > 0) refused++;
  }
  expect(limiter.bytes).toBe(bytes);
  // Nearly all are remembered, although each set has eight places only.
  expect(refused).toBeGreaterThan(9_500);
});

test('where a set is full, the client that waits longest stays', () => {
  const limiter = new RateLimiter({ requests: 1, intervalMs: 1_000, burst: 5 }, 1);
  for (let i = 0; i < 5; i++) limiter.take('busy', 0);
  for (let i = 0; i < 100; i++) expect(limiter.take(`other ${i}`, 0)).toBe(0);
  expect(limiter.take('busy', 0)).toBe(1_000);
});

test('the hash is HalfSipHash-2-4 with 64 bits', () => {
  const hash = new KeyedHash(0x03020100, 0x07060504);
  hash.hash('');
  // The first vector of the reference implementation: 21 8d 1f 59 b9 b8 3c c8.
  expect(hash.result).toEqual({ high: 0x591f8d21, low: 0xc83cb8b9 });
});
