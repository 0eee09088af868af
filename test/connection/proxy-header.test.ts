// Tests the header of the PROXY protocol: every form, every mistake, and every prefix of a valid one.

import { array, assert, constantFrom, integer, oneof, property, tuple, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import {
  MAX_PROXY_HEADER_BYTES,
  PROXY_INCOMPLETE,
  PROXY_MALFORMED,
  parseProxyHeader,
} from '../../src/connection/proxy-header.ts';
import { proxyHeaderOf } from '../support/proxy-headers.ts';

const { line, binary } = proxyHeaderOf;

const GOOD: readonly (readonly [string, Buffer, object | null])[] = [
  ['TCP4', line('TCP4 192.0.2.1 192.0.2.2 56324 443'), { address: '192.0.2.1', port: 56_324 }],
  ['TCP6', line('TCP6 2001:db8::1 2001:db8::2 1 65535'), { address: '2001:db8::1', port: 1 }],
  [
    'the longest line',
    line(`TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535`),
    { address: `${'ffff:'.repeat(7)}ffff`, port: 65_535 },
  ],
  ['UNKNOWN', line('UNKNOWN'), null],
  ['UNKNOWN with addresses', line('UNKNOWN 1.2.3.4 whatever'), null],
  [
    'version 2, IPv4',
    binary(0x21, 0x11, [192, 0, 2, 1, 192, 0, 2, 2, 0xdc, 0x04, 1, 187]),
    { address: '192.0.2.1', port: 56_324 },
  ],
  [
    'version 2, IPv6',
    binary(0x21, 0x21, [
      0x20,
      1,
      0xd,
      0xb8,
      ...Array<number>(11).fill(0),
      1,
      ...Array<number>(16).fill(0),
      0,
      80,
      0,
      90,
    ]),
    { address: '2001:db8::1', port: 80 },
  ],
  [
    'version 2 with fields behind the addresses',
    binary(0x21, 0x11, [192, 0, 2, 1, 192, 0, 2, 2, 0, 1, 0, 2, 0x04, 0, 3, 1, 2, 3]),
    { address: '192.0.2.1', port: 1 },
  ],
  ['version 2, LOCAL', binary(0x20, 0x00, []), null],
  ['version 2, LOCAL of a family without addresses', binary(0x20, 0x11, []), null],
  ['version 2, AF_UNIX', binary(0x21, 0x31, Array<number>(216).fill(0)), null],
  ['the longest of version 2', binary(0x20, 0, Array<number>(MAX_PROXY_HEADER_BYTES - 16).fill(7)), null],
];

test.each(GOOD)('%s', (_name, bytes, client) => {
  const whole = { length: bytes.length, client };
  expect(parseProxyHeader(bytes)).toEqual(whole);
  expect(parseProxyHeader(Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n')]))).toEqual(whole);
  for (let length = 0; length < bytes.length; length++) {
    expect(parseProxyHeader(bytes.subarray(0, length)), `${length} bytes`).toBe(PROXY_INCOMPLETE);
  }
});

test.each([
  ['a request', Buffer.from('GET / HTTP/1.1\r\n')],
  ['a request that begins as a header does', Buffer.from('PUT / HTTP/1.1\r\n')],
  ['a name instead of an address', line('TCP4 localhost 1.2.3.4 1 2')],
  ['an address of another family', line('TCP4 ::1 ::1 1 2')],
  ['IPv6 with a zone', line('TCP6 fe80::1%eth0 ::1 1 2')],
  ['a port too large', line('TCP4 1.2.3.4 1.2.3.4 1 65536')],
  ['a port with a zero in front', line('TCP4 1.2.3.4 1.2.3.4 01 2')],
  ['too few words', line('TCP4 1.2.3.4 1.2.3.4 1')],
  ['too many words', line('TCP4 1.2.3.4 1.2.3.4 1 2 3')],
  ['two blanks', line('TCP4  1.2.3.4 1.2.3.4 1 2')],
  ['an unknown family', line('UDP4 1.2.3.4 1.2.3.4 1 2')],
  ['a line without an end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(100)}`)],
  ['a line that is too long', line(`UNKNOWN ${'x'.repeat(100)}`)],
  ['version 3', binary(0x31, 0x11, Array<number>(12).fill(0))],
  ['an unknown command', binary(0x22, 0x11, Array<number>(12).fill(0))],
  ['addresses that are cut off', binary(0x21, 0x11, [1, 2, 3, 4])],
  ['one that is too long', binary(0x20, 0, Array<number>(MAX_PROXY_HEADER_BYTES - 15).fill(0))],
  ['a signature with a mistake', Buffer.from('\r\n\r\n\0\r\nQUIP\n\x21\x11\0\0', 'latin1')],
])('%s is malformed', (_name, bytes) => {
  expect(parseProxyHeader(bytes)).toBe(PROXY_MALFORMED);
});

/** Valid headers with some bytes replaced, and with anything behind them. */
const mutated = tuple(
  constantFrom(...GOOD.map(([, bytes]) => bytes)),
  array(tuple(integer({ min: 0, max: 300 }), integer({ min: 0, max: 255 })), { maxLength: 3 }),
  uint8Array({ maxLength: 200 }),
).map(([header, changes, behind]) => {
  const bytes = Buffer.concat([header, behind]);
  for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
  return bytes;
});

test('whatever arrives: no exception, bounded, and the same result in any pieces', () => {
  const anything = oneof({ weight: 4, arbitrary: mutated }, { weight: 1, arbitrary: uint8Array({ maxLength: 300 }) });
  assert(
    property(anything, (given) => {
      const bytes = Buffer.from(given);
      let known: ReturnType<typeof parseProxyHeader> = PROXY_INCOMPLETE;
      for (let length = 0; length <= bytes.length; length++) {
        const found = parseProxyHeader(bytes.subarray(0, length));
        if (known !== PROXY_INCOMPLETE) expect(found, `${length} bytes`).toEqual(known);
        known = found;
      }
      if (typeof known === 'object') expect(known.length).toBeLessThanOrEqual(MAX_PROXY_HEADER_BYTES);
      else if (known === PROXY_INCOMPLETE) expect(bytes.length).toBeLessThan(MAX_PROXY_HEADER_BYTES);
    }),
    { numRuns: 500 },
  );
});
