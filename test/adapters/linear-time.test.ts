// Tests that handlers read the bytes of a client in time proportional to their number.

import { expect, test } from 'vitest';
import { environOf } from '../../src/adapters/environ.ts';
import { selectRanges } from '../../src/files/byte-ranges.ts';
import { acceptedCodings } from '../../src/files/codings.ts';
import { parseFilePath } from '../../src/files/file-path.ts';
import { Hosts } from '../../src/files/hosts.ts';
import { escapeHtml } from '../../src/http/page.ts';
import { hostName, isClearHost } from '../../src/options/host-name.ts';
import { givenRequest, givenResponse } from '../support/given-request.ts';
import { expectLinear } from '../support/growth.ts';

const repeated = (text: string, size: number): string => text.repeat(Math.ceil(size / text.length)).slice(0, size);

/** Values that are searched for something that they do not contain. */
const VALUES: readonly (readonly [string, (size: number) => string])[] = [
  ['blanks', (size) => `${repeated(' \t', size)}x`],
  ['blanks behind', (size) => `0-1${' '.repeat(size)}x`],
  ['commas', (size) => `${repeated(',', size)}x`],
  ['commas and blanks', (size) => `${repeated(', ', size)}x`],
  ['semicolons', (size) => `gzip${repeated(';', size)}`],
  ['parameters', (size) => `gzip${repeated('; q=0 ', size)}x`],
  ['zero weights', (size) => repeated('gzip;q=0,', size)],
  ['weights without end', (size) => `gzip;q=0.${'0'.repeat(size)}x`],
  ['words', (size) => repeated('gzip br ', size)],
  ['digits', (size) => `0-${'9'.repeat(size)}x`],
  ['zeros', (size) => `${'0'.repeat(size)}-1`],
  ['types', (size) => repeated('application/json ', size)],
  ['dots', (size) => repeated('a.', size)],
  ['colons', (size) => repeated(':1', size)],
  ['slashes', (size) => repeated('/', size)],
  ['escapes', (size) => repeated('%41', size * 3)],
  ['broken escapes', (size) => repeated('%', size)],
  ['markup', (size) => repeated('<"&\'>', size)],
];

test.each(VALUES)('Range with %s', async (_what, value) => {
  await expectLinear((size) => {
    const field = `bytes=${value(size)}`;
    return () => selectRanges(field, 1_000);
  }, 4_096);
});

test.each(VALUES)('Accept-Encoding with %s', async (_what, value) => {
  await expectLinear((size) => {
    const field = value(size);
    return () => acceptedCodings(field);
  }, 4_096);
});

test.each(VALUES)('a path with %s', async (_what, value) => {
  await expectLinear((size) => {
    const path = `/${value(size)}`;
    return () => {
      const request = givenRequest(path);
      return [parseFilePath(path), environOf(request, givenResponse(request)).PATH_INFO, escapeHtml(path)];
    };
  }, 4_096);
});

test.each(VALUES)('a host with %s', async (_what, value) => {
  const hosts = new Hosts(1, new Map([['*.example.org', 2]]));
  await expectLinear((size) => {
    const host = value(size);
    const named = givenRequest('/', [['host', host]]);
    return () => [hostName(host), hosts.of(named), isClearHost(host)];
  }, 4_096);
});

test('the longest matching name of a wildcard host is found behind any prefix', () => {
  const hosts = new Hosts('none', new Map(Object.entries({ '*.org': 'org', '*.a.org': 'a', 'a.org': 'exact' })));
  const siteOf = (host: string): string => hosts.of(givenRequest('/', [['host', host]]));
  expect(['a.org', 'b.org', 'x.a.org', 'x.y.a.org:80', `${'x.'.repeat(300)}a.org.`].map(siteOf)).toEqual([
    'exact',
    'org',
    'a',
    'a',
    'a',
  ]);
  expect(['org', '.org', '.a.org', 'a.orgs', '', '.'].map(siteOf)).toEqual([
    'none',
    'none',
    'org',
    'none',
    'none',
    'none',
  ]);
});

/** As many names, or lines of one name. */
const FIELDS: readonly (readonly [string, (i: number) => string])[] = [
  ['names', (i) => `x-${i}`],
  ['lines of one name', () => 'x-a'],
  ['cookies', () => 'cookie'],
  ['names with underscores', (i) => `x_${i}`],
];

test.each(FIELDS)('a request with many %s', async (_what, nameOf) => {
  await expectLinear((size) => {
    const fields = Array.from({ length: size }, (_, i) => [nameOf(i), 'v'] as const);
    return () => {
      const request = givenRequest('/', fields);
      const environ = environOf(request, givenResponse(request));
      return [Object.entries(environ), 'HTTP_X_A' in environ, fields.map(([name]) => request.header(name)?.length)];
    };
  }, 256);
});

test('every way to read the fields of a request gives the same values', () => {
  const fields = [
    ['x-a', '1'],
    ['cookie', 'a=b'],
    ['x-b', '2'],
    ['x-a', '3'],
    ['cookie', 'c=d'],
    ['content-type', 'a/b'],
    ['x_a', '4'],
  ] as const;
  const request = givenRequest('/', fields);
  expect(['X-A', 'cookie', 'x-b', 'none'].map((name) => request.header(name))).toEqual([
    '1, 3',
    'a=b; c=d',
    '2',
    undefined,
  ]);
  const { HTTP_X_A, HTTP_COOKIE, HTTP_X_B, HTTP_CONTENT_TYPE, CONTENT_TYPE } = {
    ...environOf(request, givenResponse(request)),
  };
  expect([HTTP_X_A, HTTP_COOKIE, HTTP_X_B, HTTP_CONTENT_TYPE, CONTENT_TYPE]).toEqual([
    '1, 3',
    'a=b; c=d',
    '2',
    undefined,
    'a/b',
  ]);
});
