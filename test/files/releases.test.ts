// Tests that a name which leads to another folder after a deployment is followed within a second, and that no response mixes
// two releases.

import { readdirSync, readlinkSync } from 'node:fs';
import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { ServeOptions } from '../../src/index.ts';
import { ask, get } from '../support/client.ts';
import { folder, type Tree } from '../support/folder.ts';
import { type Site, start } from '../support/serving.ts';
import { pause, until } from '../support/until.ts';

/** Longer than the time until a new release is served. */
const NOTICED_MS = 900;

/** Two releases; the link `current` leads to the first. */
async function makeReleases(tree: Tree = { '1/a.txt': 'one', '2/a.txt': 'two' }): Promise<string> {
  const parent = await folder(tree);
  await symlink('1', `${parent}/current`);
  return parent;
}

/** As `ln -s TARGET t; mv -T t NAME`. */
async function lead(name: string, target: string): Promise<void> {
  await symlink(target, `${name}.next`);
  await rename(`${name}.next`, name);
}

const textOf = async ({ port }: Site, target: string, ...lines: string[]): Promise<string> =>
  (await ask(port, get(target, ...lines))).text;

/** Descriptors of this process below `path`, deleted ones too. */
function openBelow(path: string): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(`${path}/`) ? [target] : [];
    } catch {
      return [];
    }
  });
}

interface Swap {
  readonly what: string;
  readonly tree?: Tree;
  /** Default: the file below the root. */
  readonly target?: string;
  readonly options?: (current: string, other: string) => ServeOptions;
  /** Default: the link is replaced. */
  readonly swap?: (parent: string) => Promise<void>;
}

const SWAPS: readonly Swap[] = [
  { what: 'a link that is replaced' },
  {
    what: 'a link that is removed and made again',
    swap: async (parent) => {
      await rm(`${parent}/current`);
      await symlink('2', `${parent}/current`);
    },
  },
  {
    what: 'folders that are renamed behind the link',
    swap: async (parent) => {
      await rename(`${parent}/1`, `${parent}/0`);
      await rename(`${parent}/2`, `${parent}/1`);
    },
  },
  {
    what: 'a folder that is removed and made again',
    swap: async (parent) => {
      await rm(`${parent}/1`, { recursive: true });
      await mkdir(`${parent}/1`);
      await writeFile(`${parent}/1/a.txt`, 'two');
    },
  },
  {
    what: 'an old release that is removed at once',
    swap: async (parent) => {
      await lead(`${parent}/current`, '2');
      await rm(`${parent}/1`, { recursive: true });
    },
  },
  {
    what: 'a link in the middle of the path',
    tree: { '1/public/a.txt': 'one', '2/public/a.txt': 'two' },
    options: (current) => ({ static: `${current}/public` }),
  },
  {
    what: 'a mount',
    target: '/m/a.txt',
    options: (current, other) => ({ static: { root: other, mounts: { '/m': current } } }),
  },
  {
    what: 'the root of a host',
    target: 'http://b.example/a.txt',
    options: (current, other) => ({ static: { root: other, hosts: { 'b.example': current } } }),
  },
  {
    what: 'a root with hidden files',
    options: (current) => ({ static: { root: current, hide: [`${current}/secret.txt`] } }),
  },
];

test('the next request after a pause gets the new release, for each way to replace it', async () => {
  const sites = await Promise.all(
    SWAPS.map(async ({ tree = {}, options = (root) => ({ static: root }), ...given }) => {
      const parent = await makeReleases({ '1/a.txt': 'one', '2/a.txt': 'two', 'other/b.txt': 'b', ...tree });
      const site = await start(options(`${parent}/current`, `${parent}/other`));
      return { target: '/a.txt', swap: () => lead(`${parent}/current`, '2'), ...given, parent, site };
    }),
  );
  const see = (): Promise<readonly string[]> =>
    Promise.all(sites.map(async ({ what, site, target }) => `${what}: ${await textOf(site, target)}`));
  expect(await see()).toEqual(SWAPS.map(({ what }) => `${what}: one`));
  for (const { parent, swap } of sites) await swap(parent);
  await pause(NOTICED_MS);
  expect(await see()).toEqual(SWAPS.map(({ what }) => `${what}: two`));
});

test('a name that is missing for a while gets 404, and is served again at once', async () => {
  const parent = await makeReleases();
  const site = await start({ static: `${parent}/current` });
  expect(await textOf(site, '/a.txt')).toBe('one');
  await rm(`${parent}/current`);
  await until(async () => (await ask(site.port, get('/a.txt'))).status === 404, 'the name gets 404');
  expect(site.errors.splice(0)).toEqual([expect.objectContaining({ code: 'ERR_FILE' })]);
  await symlink('1', `${parent}/current`);
  await pause(40);
  expect(await textOf(site, '/a.txt'), 'the same release again').toBe('one');
  await lead(`${parent}/current`, '2');
  await pause(NOTICED_MS);
  expect(await textOf(site, '/a.txt')).toBe('two');
});

test('nothing cached of the old release is served once the new one is', async () => {
  const release = (n: string): Tree => ({
    [`${n}/index.html`]: `<script src="app.js"></script> ${n}`,
    [`${n}/app.js`]: `release(${n})`,
    [`${n}/big.js`]: `release(${n})`.repeat(500),
    [`${n}/big.js.gz`]: `gzip ${n}`,
    [`${n}/404.html`]: `missing ${n}`,
    [`${n}/only${n}.txt`]: n,
    [`${n}/list/in${n}.txt`]: n,
  });
  const parent = await makeReleases({ ...release('1'), ...release('2'), '2/only1.txt/x': '', '2/dir/x': '' });
  // Equal size and times: only the inodes differ.
  for (const n of ['1', '2']) for (const name of ['app.js', 'big.js']) await utimes(`${parent}/${n}/${name}`, 1e9, 1e9);
  const site = await start({ static: { root: `${parent}/current`, listing: true } });
  const see = async (): Promise<readonly string[]> => {
    const targets = ['/', '/app.js', '/big.js', '/none', '/list/'];
    const texts = await Promise.all(targets.map((target) => textOf(site, target)));
    return [...texts, await textOf(site, '/big.js', 'Accept-Encoding: gzip')].map(
      (text) => /(?:release\(|gzip |missing |> |in)([12])/.exec(text)?.[1] ?? text,
    );
  };
  expect(await see()).toEqual(['1', '1', '1', '1', '1', '1']);
  await lead(`${parent}/current`, '2');
  // After the first response of the new release, no other one may be of the old release.
  await until(async () => (await textOf(site, '/')).endsWith('2'), 'the new release is served');
  expect(await see()).toEqual(['2', '2', '2', '2', '2', '2']);
  expect((await ask(site.port, get('/only1.txt'))).status, 'a folder now').toBe(301);
  expect((await ask(site.port, get('/only2.txt'))).text).toBe('2');
  expect((await ask(site.port, get('/dir'))).status).toBe(301);
});

test('a response in flight is completed, and a new release leaves no descriptor open', async () => {
  const size = 30_000_000;
  const parent = await makeReleases({ '1/big.bin': Buffer.alloc(size, 1), '2/big.bin': Buffer.alloc(size, 2) });
  const site = await start({ static: `${parent}/current` });
  const client = await site.connect();
  client.socket.pause();
  client.send(get('/big.bin'));
  await until(() => site.server.stats().bytes.sent > 0, 'the response has begun');
  await lead(`${parent}/current`, '2');
  await rm(`${parent}/1`, { recursive: true });
  await pause(NOTICED_MS);
  expect((await ask(site.port, get('/big.bin', 'Range: bytes=0-0'))).content).toEqual(Buffer.from([2]));
  client.socket.resume();
  expect((await client.readResponse()).content.equals(Buffer.alloc(size, 1))).toBe(true);
  await until(
    () => !openBelow(`${parent}`).some((path) => path.startsWith(`${parent}/1`)),
    'no file of the old release is open',
  );
  for (let n = 3; n < 6; n++) {
    await mkdir(`${parent}/${n}`);
    await writeFile(`${parent}/${n}/big.bin`, String(n));
    await lead(`${parent}/current`, String(n));
    await until(async () => (await textOf(site, '/big.bin')) === String(n), 'the release is served');
  }
  expect(new Set(openBelow(parent)), 'one release is open').toEqual(new Set([`${parent}/5`]));
});

test('a hidden path is hidden in every release', async () => {
  const parent = await makeReleases({
    '1/a.txt': 'one',
    '1/key.txt': 'SECRET',
    '2/a.txt': 'two',
    '2/key.txt': 'SECRET',
    '2/deep/app.key': 'SECRET',
    '2/gz.txt.gz': 'SECRET',
    'own/config.yaml': 'SECRET',
  });
  await symlink('key.txt', `${parent}/2/alias.txt`);
  await symlink('../own', `${parent}/3`);
  const current = `${parent}/current`;
  const hide = [`${current}/key.txt`, `${parent}/1/deep`, `${current}/gz.txt`];
  const hideIfServed = [`${parent}/own/config.yaml`];
  const site = await start({ static: { root: current, hide, hideIfServed, listing: true } });
  expect((await ask(site.port, get('/key.txt'))).status).toBe(404);
  await lead(current, '2');
  await pause(NOTICED_MS);
  expect(await textOf(site, '/a.txt')).toBe('two');
  for (const target of ['/key.txt', '/alias.txt', '/deep/app.key', '/gz.txt', '/gz.txt.gz']) {
    expect((await ask(site.port, get(target))).status, target).toBe(404);
  }
  expect(await textOf(site, '/', 'Accept: application/json')).not.toMatch(/key|deep|gz/);
  await lead(current, 'own');
  await pause(NOTICED_MS);
  expect((await ask(site.port, get('/config.yaml'))).status).toBe(404);
});

test('the modules of a dynamic folder are those of the current release', async () => {
  const module = (text: string): string => `export const application = (e, start) => (start('200 OK', []), '${text}');`;
  const parent = await makeReleases({
    '1/cgi/where.mjs': module('one'),
    '1/cgi/old.mjs': module('old'),
    '2/cgi/where.mjs': "export { application } from './lib/part.mjs';",
    '2/cgi/lib/part.mjs': module('two'),
    '2/cgi/new.mjs': module('new'),
  });
  const site = await start({ dynamic: `${parent}/current/cgi` });
  expect([await textOf(site, '/where'), await textOf(site, '/old')]).toEqual(['one', 'old']);
  await lead(`${parent}/current`, '2');
  await pause(NOTICED_MS);
  const all = await Promise.all(['/where', '/old', '/new'].map((target) => textOf(site, target)));
  expect(all).toEqual(['two', 'Not Found\n', 'new']);
  await rm(`${parent}/current`);
  await pause(NOTICED_MS);
  expect(await textOf(site, '/where'), 'the loaded module stays').toBe('two');
});
