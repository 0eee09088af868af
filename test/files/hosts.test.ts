// Tests the options of virtual hosts: their own, inherited ones, and no mounts or rules of other hosts.

import { expect, test } from 'vitest';
import { type StaticOptions, serve } from '../../src/index.ts';
import { ask } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import type { Answer } from '../support/response.ts';
import { start } from '../support/serving.ts';

/** Each option with its values for `root` and for a host, and the expected responses. */
const OF_HOSTS: readonly {
  readonly option: string;
  readonly value: unknown;
  readonly own: unknown;
  readonly isInherited: boolean;
  readonly look: (at: (target: string, ...fields: string[]) => Promise<Answer>) => Promise<unknown>;
  readonly expected: { readonly set: unknown; readonly own: unknown; readonly unset: unknown };
}[] = [
  {
    option: 'mounts',
    value: 'MOUNT',
    own: 'OWN',
    isInherited: false,
    look: async (at) => (await at('/m/x.txt')).text.slice(0, 3),
    expected: { set: 'one', own: 'two', unset: '<!d' },
  },
  {
    option: 'cacheControl',
    value: [{ pattern: '*.txt', value: 'no-cache' }],
    own: [{ pattern: '*.txt', value: 'no-store' }],
    isInherited: false,
    look: async (at) => (await at('/a.txt')).field('cache-control'),
    expected: { set: 'no-cache', own: 'no-store', unset: undefined },
  },
  {
    option: 'index',
    value: ['a.txt'],
    own: ['b.html'],
    isInherited: true,
    look: async (at) => (await at('/')).text,
    expected: { set: 'a', own: 'b', unset: 'home' },
  },
  {
    option: 'listing',
    value: true,
    own: false,
    isInherited: true,
    look: async (at) => (await at('/d/')).status,
    expected: { set: 200, own: 404, unset: 404 },
  },
  {
    option: 'cleanUrls',
    value: true,
    own: false,
    isInherited: true,
    look: async (at) => (await at('/b')).status,
    expected: { set: 200, own: 404, unset: 404 },
  },
  {
    option: 'spa',
    value: 'a.txt',
    own: false,
    isInherited: true,
    look: async (at) => (await at('/none', 'Accept: text/html')).status,
    expected: { set: 200, own: 404, unset: 404 },
  },
  {
    option: 'charset',
    value: 'latin1',
    own: '',
    isInherited: true,
    look: async (at) => (await at('/a.txt')).field('content-type'),
    expected: { set: 'text/plain; charset=latin1', own: 'text/plain', unset: 'text/plain; charset=utf-8' },
  },
  {
    option: 'types',
    value: { '.txt': 'text/plain; x=1' },
    own: { '.TXT': 'application/x-own' },
    isInherited: true,
    look: async (at) => (await at('/a.txt')).field('content-type'),
    expected: {
      set: 'text/plain; x=1; charset=utf-8',
      own: 'application/x-own',
      unset: 'text/plain; charset=utf-8',
    },
  },
  {
    option: 'dotfiles',
    value: true,
    own: false,
    isInherited: true,
    look: async (at) => (await at('/.x')).status,
    expected: { set: 200, own: 404, unset: 404 },
  },
  {
    option: 'compression',
    value: false,
    own: true,
    isInherited: true,
    look: async (at) => (await at('/a.txt')).field('vary'),
    expected: { set: undefined, own: 'Accept-Encoding', unset: 'Accept-Encoding' },
  },
  {
    option: 'securityHeaders',
    value: false,
    own: true,
    isInherited: true,
    look: async (at) => (await at('/a.txt')).field('x-content-type-options'),
    expected: { set: undefined, own: 'nosniff', unset: 'nosniff' },
  },
];

test.each(OF_HOSTS)('$option of hosts: their own, or inherited: $isInherited', async (row) => {
  const tree = { 'a.txt': 'a', 'b.html': 'b', 'index.html': 'home', 'd/x.txt': '', '.x': '' };
  const [root, host, one, two] = await Promise.all([
    folder(tree),
    folder(tree),
    folder({ 'x.txt': 'one' }),
    folder({ 'x.txt': 'two' }),
  ]);
  const given = (value: unknown): unknown =>
    value === 'MOUNT' ? { '/m': one } : value === 'OWN' ? { '/m': two } : value;
  const site: Partial<StaticOptions> = {
    [row.option]: given(row.value),
    hosts: { 'plain.example': host, '*.own.example': { root: host, [row.option]: given(row.own) } },
  };
  const { port } = await start({ static: { root, ...site } });
  const valueFor = (name: string): Promise<unknown> =>
    row.look((target, ...fields) =>
      ask(port, `GET ${target} HTTP/1.1\r\nHost: ${name}\r\n${fields.map((line) => `${line}\r\n`).join('')}\r\n`),
    );
  expect(await valueFor('other')).toBe(row.expected.set);
  expect(await valueFor('a.own.example')).toBe(row.expected.own);
  expect(await valueFor('plain.example')).toBe(row.isInherited ? row.expected.set : row.expected.unset);
});

test.each([
  [{ listing: true }, 'static.hosts: a host needs "root"'],
  [{ root: '.', listing: 7 }, 'static.hosts: listing of a host must be true or false, not 7'],
  [{ root: '.', cacheControl: [{ pattern: '*', value: '' }] }, 'static.hosts: cacheControl of a host: the pattern'],
  [{ root: '.', types: ['.md'] }, 'static.hosts: types of a host must be of the form .glsl=text/plain, not ".md"'],
  [{ root: '.', types: { '.md': 'text' } }, 'the media type of .md must be of the form text/plain, not "text"'],
  [{ root: '.', mounts: { x: '.' } }, 'a folder must be mounted at a path such as /assets, not "x"'],
  [{ root: '.', hide: ['a'] }, 'static.hosts: a host cannot have the option "hide"'],
  [{ root: '.', none: 1 }, 'static.hosts: a host cannot have the option "none"'],
])('a host with a mistake is rejected: %j', async (host, text) => {
  const error = await Reflect.apply(serve, undefined, [{ static: { root: '.', hosts: { a: host } } }]).catch(String);
  expect(error).toContain(text);
});
