// Tests that the fetch classes take time in proportion to the input of a client, or of an application that echoes it.

import { expect, test } from 'vitest';
import { methodOf } from '../../src/fetch/request-init.ts';
import { requestUrl } from '../../src/fetch/url.ts';
import { Headers, Request, Response } from '../../src/fetch.ts';
import { givenRequest } from '../support/given-request.ts';
import { expectLinear } from '../support/growth.ts';

const repeated = (text: string, size: number): string => text.repeat(Math.ceil(size / text.length)).slice(0, size);

test.each([
  ['blanks inside', (size: number) => `x${repeated(' \t', size)}x`],
  ['blanks around', (size: number) => `${' '.repeat(size)}x${'\r\n'.repeat(size / 2)}`],
  ['only blanks', (size: number) => ' '.repeat(size)],
])('a value with %s', async (_what, text) => {
  await expectLinear((size) => {
    const value = text(size);
    return () => new Headers([['x-a', value]]).set('x-b', value);
  }, 4_096);
});

/** As many names, or lines of one name. */
const LISTS: readonly (readonly [string, (i: number) => string])[] = [
  ['names', (i) => `x-${(i * 7_919) % 65_536}`],
  ['lines of one name', () => 'x-a'],
  ['cookies to set', () => 'set-cookie'],
];

test.each(LISTS)('many %s, each read and written', async (_what, nameOf) => {
  await expectLinear((size) => {
    const list = Array.from({ length: size }, (_, i) => [nameOf(i), 'v'] as const);
    const names = [...new Set(list.map(([name]) => name))];
    return () => {
      const headers = new Headers(list);
      for (const name of names) headers.append(name, headers.get(name) ?? '');
      for (const name of names) if (headers.has(name)) headers.set(name, 'w');
      for (const name of names) headers.set(`${name}-too`, 'w');
      const copy = new Headers(headers);
      const shown = [...copy, copy.getSetCookie()];
      for (const name of names) copy.delete(name);
      return [shown, [...copy.keys()], new Response('', { headers: copy }).headers.get('x-none')];
    };
  }, 256);
});

test('a long list behaves as a short one', () => {
  const many = Array.from({ length: 200 }, (_, i) => [`y-${String(i).padStart(3, '0')}`, `${i}`] as const);
  const list = [
    ['x-a', '1'],
    ['set-cookie', 'a'],
    ['x-a', '2'],
    ['set-cookie', 'b'],
  ] as const;
  const change = (headers: Headers): (readonly [string, string])[] => {
    expect([headers.get('x-a'), headers.get('x-none'), headers.has('X-A'), headers.has('x-none')]).toEqual([
      '1, 2',
      null,
      true,
      false,
    ]);
    expect(headers.getSetCookie()).toEqual(['a', 'b']);
    headers.append('x-a', '3');
    headers.append('x-new', '4');
    expect(headers.get('x-a')).toBe('1, 2, 3');
    headers.set('x-a', '5');
    headers.set('x-newer', '6');
    headers.delete('x-new');
    headers.delete('x-none');
    headers.append('Set-Cookie', 'c');
    const copy = new Headers(headers);
    expect([...copy]).toEqual([...headers]);
    copy.set('x-a', '7');
    expect(headers.get('x-a')).toBe('5');
    return [...headers].filter(([name]) => !name.startsWith('y-'));
  };
  const short = change(new Headers(list));
  expect(change(new Headers([...list, ...many]))).toEqual(short);
  expect(change(new Headers([...many, ...list]))).toEqual(short);
  expect(short).toEqual([
    ['set-cookie', 'a'],
    ['set-cookie', 'b'],
    ['set-cookie', 'c'],
    ['x-a', '5'],
    ['x-newer', '6'],
  ]);
});

/** Hosts, some of which take a URL parser quadratic time. */
const HOSTS: readonly (readonly [string, (size: number) => string])[] = [
  ['one label of Punycode', (size) => `xn--${repeated('zca', size)}`],
  ['labels of Punycode', (size) => repeated('xn--4ca.', size)],
  ['combining marks', (size) => `a${repeated('%cc%81%cc%a3', size)}`],
  ['dots', (size) => repeated('a.', size)],
  ['digits', (size) => repeated('1', size)],
];

test.each(HOSTS)('the URL of a host with %s', async (_what, hostOf) => {
  await expectLinear((size) => {
    const host = hostOf(size);
    const [named, absolute] = [givenRequest('/', [['host', host]]), givenRequest(`http://${host}/`, [['host', host]])];
    return () => [requestUrl(named), requestUrl(absolute)];
  }, 8_400);
});

test.each([
  ['segments of dots', (size: number) => repeated('/a/..', size)],
  ['encoded dots', (size: number) => repeated('/%2e%2e', size)],
  ['slashes', (size: number) => repeated('/', size)],
  ['quotes', (size: number) => repeated('"', size)],
  ['question marks', (size: number) => repeated('?', size)],
])('the URL of a target with %s', async (_what, targetOf) => {
  await expectLinear((size) => {
    const request = givenRequest(`/${targetOf(size)}`, [['host', 'a.example']]);
    return () => requestUrl(request);
  }, 4_096);
});

test('a host that is not a name is rejected, a long percent-encoded one is accepted', () => {
  const urlFor = (host: string): string => requestUrl(givenRequest('/', [['host', host]]));
  expect(urlFor(`xn--${'zca'.repeat(1_000)}`)).toBe('http://127.0.0.1/');
  expect(urlFor('%61'.repeat(200))).toBe(`http://${'a'.repeat(200)}/`);
  expect(requestUrl(givenRequest(`http://${'a'.repeat(2_000)}/b`, [['host', 'a'.repeat(2_000)]]))).toMatch(
    /^http:\/\/127\.0\.0\.1\//,
  );
});

test('a method, a reason phrase and rejected values', async () => {
  await expectLinear((size) => {
    const [method, text] = ['M'.repeat(size), `${repeated(' \t', size)}\n`];
    const fails = (run: () => unknown): void => expect(run).toThrow();
    return () => {
      methodOf(method);
      fails(() => methodOf(`${method} `));
      fails(() => new Response('', { statusText: text }));
      fails(() => new Headers([[text, 'x']]));
      fails(() => new Headers([['x', `a${text}b`]]));
      return new Request('http://a', { headers: [['x', text.trim()]] }).headers.get('x');
    };
  }, 4_096);
});
