// Tests that hidden files are never served, whenever they appear, by any name and by any path.

import { closeSync, openSync, realpathSync, unlinkSync } from 'node:fs';
import { link, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { DenyList } from '../../src/files/deny-list.ts';
import { DenyListSource } from '../../src/files/deny-list-source.ts';
import type { FileSource } from '../../src/files/file-source.ts';
import { type ServeOptions, type StaticOptions, serve } from '../../src/index.ts';
import { ask, get } from '../support/client.ts';
import { folder, type Tree } from '../support/folder.ts';
import { portOf, startCommand } from '../support/program.ts';
import { type Site, start } from '../support/serving.ts';
import { fakeFile, fakeFolder, fakeSource } from '../support/site.ts';
import { until } from '../support/until.ts';

const SECRET = 'TOP SECRET';

const statusOf = async (port: number, target: string, ...lines: string[]): Promise<number> => {
  const answer = await ask(port, get(target, ...lines));
  expect(answer.text, target).not.toContain(SECRET);
  return answer.status;
};

/** A server of `www` in a new folder, through the link `site`; paths of `hide` are below that link. */
async function startBehindLink(
  tree: Tree,
  hide: readonly string[],
  site: Partial<StaticOptions> = {},
): Promise<Site & { www: string }> {
  const parent = await folder({ 'www/a.txt': 'a', ...tree });
  await symlink('www', `${parent}/site`);
  const hidden = hide.map((path) => `${parent}/site/${path}`);
  return { ...(await start({ static: { root: `${parent}/site`, ...site, hide: hidden } })), www: `${parent}/www` };
}

describe('an entry of hide that does not exist yet', () => {
  test('hides a file, its compressed siblings, and links to it', async () => {
    const { port, www } = await startBehindLink({}, ['secret.txt'], { listing: true });
    expect(await statusOf(port, '/secret.txt')).toBe(404);
    for (const suffix of ['', '.gz', '.br', '.zst']) await writeFile(`${www}/secret.txt${suffix}`, SECRET.repeat(300));
    await writeFile(`${www}/secret.txt.bak`, 'another file');
    await symlink('secret.txt', `${www}/alias.txt`);
    await link(`${www}/secret.txt`, `${www}/hard.txt`);
    const names = ['secret.txt', 'secret.txt.gz', 'secret.txt.br', 'secret.txt.zst', 'alias.txt', 'hard.txt'];
    for (const name of [...names, '%73ecret.txt', '/secret.txt']) {
      for (const lines of [[], ['Accept-Encoding: gzip, br'], ['Range: bytes=0-3']]) {
        expect(await statusOf(port, `/${name}`, ...lines), name).toBe(404);
      }
    }
    expect(await statusOf(port, '/secret.txt.bak')).toBe(200);
    const listing = await ask(port, get('/', 'Accept: application/json'));
    expect(listing.text).toContain('a.txt');
    expect(listing.text).not.toMatch(/"secret\.txt(\.gz|\.br|\.zst)?"/);
  });

  test('hides a folder, and files that are added to it', async () => {
    const { port, www } = await startBehindLink({}, ['deep/er/private/'], { listing: true });
    await mkdir(`${www}/deep/er/private/x`, { recursive: true });
    await writeFile(`${www}/deep/er/private/x/a.txt`, SECRET);
    await writeFile(`${www}/deep/er/private/index.html`, SECRET);
    await writeFile(`${www}/deep/er/fine.txt`, 'fine');
    await symlink('deep/er/private', `${www}/alias`);
    for (const target of [
      '/deep/er/private',
      '/deep/er/private/',
      '/deep/er/private/x/a.txt',
      '/alias/x/a.txt',
      '/alias/',
    ]) {
      expect(await statusOf(port, target), target).toBe(404);
    }
    expect(await statusOf(port, '/deep/er/fine.txt')).toBe(200);
    expect((await ask(port, get('/deep/er/'))).text).not.toContain('private');
  });

  test('hides a link and its target', async () => {
    const tree = { 'www/data/real.txt': SECRET, 'www/data/fine.txt': 'fine' };
    const { port, www } = await startBehindLink(tree, ['secret.txt', 'current/private'], { listing: true });
    await symlink('data/real.txt', `${www}/secret.txt`);
    await mkdir(`${www}/releases/1/private`, { recursive: true });
    await writeFile(`${www}/releases/1/private/a.txt`, SECRET);
    await symlink('releases/1', `${www}/current`);
    for (const target of ['/secret.txt', '/data/real.txt', '/current/private/a.txt', '/releases/1/private/a.txt']) {
      expect(await statusOf(port, target), target).toBe(404);
    }
    expect(await statusOf(port, '/current/private'), 'no redirect reveals it').toBe(404);
    expect((await ask(port, get('/'))).text, 'no listing tells of it').not.toContain('secret');
    expect(await statusOf(port, '/data/fine.txt')).toBe(200);
  });

  test('may be named through another link', async () => {
    const parent = await folder({ 'www/a.txt': 'a' });
    await symlink('www', `${parent}/other-way`);
    const { port } = await start({ static: { root: `${parent}/www`, hide: [`${parent}/other-way/b/secret.txt`] } });
    await mkdir(`${parent}/www/b`);
    await writeFile(`${parent}/www/b/secret.txt`, SECRET);
    expect(await statusOf(port, '/b/secret.txt')).toBe(404);
  });

  test('hides an index, a fallback and error pages', async () => {
    const hide = ['index.html', '404.html', 'app.html', 'about.html'];
    const { port, www } = await startBehindLink({ 'www/app.html': '' }, hide, { spa: 'app.html', cleanUrls: true });
    await rm(`${www}/app.html`);
    for (const name of hide) await writeFile(`${www}/${name}`, SECRET);
    for (const target of ['/', '/route', '/none.css', '/about', '/index.html', '/404.html']) {
      expect(await statusOf(port, target), target).toBe(404);
    }
  });
});

describe('an existing path', () => {
  test('is not revealed by redirects behind a link', async () => {
    const { port, www } = await startBehindLink({ 'www/secret/sub/a.txt': SECRET, 'www/open/sub/a.txt': 'a' }, [
      'secret',
    ]);
    await symlink('secret', `${www}/alias`);
    await symlink('open', `${www}/other`);
    for (const name of ['alias', 'alias/sub', 'alias/none', 'secret', 'secret/sub']) {
      expect(await statusOf(port, `/${name}`), name).toBe(404);
    }
    for (const name of ['other', 'other/sub']) expect(await statusOf(port, `/${name}`), name).toBe(301);
  });

  test.each(['directory', 'forbidden', 'failed', 'exhausted', 'busy', 'missing'] as const)(
    'is not revealed by error responses: %s',
    async (refusal) => {
      const root = await folder({ 'secret/a.txt': SECRET, 'fine/a.txt': 'fine' });
      await symlink('secret', `${root}/alias`);
      const hidden = new DenyList([`${root}/secret`], [{ named: root, real: root }]);
      const source = fakeSource({ 'alias/a.txt': refusal, 'alias/gone/a.txt': refusal, 'fine/a.txt': refusal });
      const hiding = new DenyListSource(source, { root, rootFd: () => -1, hidden, nowMs: () => 0 });
      // A lack of resources reveals nothing about the file.
      const isOverload = refusal === 'exhausted' || refusal === 'busy';
      for (const path of ['alias/a.txt', 'alias/gone/a.txt']) {
        expect([hiding.open(path), await hiding.openLater(path)]).toEqual(
          Array(2).fill(isOverload ? refusal : 'missing'),
        );
      }
      expect([hiding.open('fine/a.txt'), await hiding.openLater('fine/a.txt')]).toEqual([refusal, refusal]);
    },
  );

  test('stays hidden when a link in its path gets another target', async () => {
    const tree = {
      'www/releases/1/key.txt': SECRET,
      'www/releases/2/key.txt': SECRET,
      'www/releases/2/fine.txt': 'fine',
    };
    const parent = await folder(tree);
    await symlink('releases/1', `${parent}/www/current`);
    await symlink('../releases/2/key.txt', `${parent}/www/releases/other`);
    for (const name of ['key.txt', 'fine.txt']) await utimes(`${parent}/www/releases/2/${name}`, 1e9, 1e9);
    const { port } = await start({ static: { root: `${parent}/www`, hide: [`${parent}/www/current/key.txt`] } });
    for (const target of ['/releases/2/key.txt', '/releases/other']) {
      expect((await ask(port, get(target))).text, 'not yet').toBe(SECRET);
    }
    await symlink('releases/2', `${parent}/www/next`);
    await rename(`${parent}/www/next`, `${parent}/www/current`);
    expect(await statusOf(port, '/current/key.txt')).toBe(404);
    for (const target of ['/releases/2/key.txt', '/releases/other']) {
      await until(async () => (await ask(port, get(target))).status === 404, 'the cached file is not served any more');
    }
    expect(await statusOf(port, '/current/fine.txt')).toBe(200);
  });

  test('stays hidden in a renamed folder until the rename is noticed', async () => {
    const parent = await folder({ 'www/secret.txt': SECRET, 'www/a.txt': 'a' });
    await symlink('secret.txt', `${parent}/www/alias.txt`);
    const { port, errors } = await start({ static: { root: `${parent}/www`, hide: [`${parent}/www/secret.txt`] } });
    await rename(`${parent}/www`, `${parent}/old`);
    for (const target of ['/alias.txt', '/secret.txt']) expect(await statusOf(port, target), target).toBe(404);
    errors.splice(0);
  });

  test('is hidden in every folder and for every host', async () => {
    const parent = await folder({
      'www/a.txt': 'a',
      'assets/a.txt': 'a',
      'assets/s/b.txt': SECRET,
      'host/s.txt': SECRET,
    });
    const site = {
      mounts: { '/assets': `${parent}/assets` },
      hosts: { 'other.example': `${parent}/host` },
      hide: [`${parent}/assets/s`, relative(process.cwd(), join(parent, 'host/s.txt'))],
    };
    const { port } = await start({ static: { root: `${parent}/www`, ...site } });
    expect(await statusOf(port, '/assets/a.txt')).toBe(200);
    expect(await statusOf(port, '/assets/s/b.txt')).toBe(404);
    expect(await statusOf(port, 'http://other.example/s.txt')).toBe(404);
    expect(await statusOf(port, 'http://other.example/assets/s/b.txt')).toBe(404);
  });

  test('stays hidden if it is deleted or replaced while it is opened', async () => {
    const root = await folder({ 'secret.txt': SECRET, 'fine.txt': 'fine' });
    const opened = ['secret.txt', 'fine.txt'].map((name) => openSync(`${root}/${name}`, 'r'));
    onTestFinished(() => opened.forEach((fd) => void closeSync(fd)));
    const hidden = new DenyList([`${root}/secret.txt`], [{ named: root, real: root }]);
    for (const name of ['secret.txt', 'fine.txt']) unlinkSync(`${root}/${name}`);
    const [secret = -1, fine = -1] = opened;
    const file = (descriptor: number) => ({ ...fakeFile(1, async () => 0), descriptor });
    const source = fakeSource({ alias: file(secret), fine: file(fine) });
    const hiding = new DenyListSource(source, { root, rootFd: () => -1, hidden, nowMs: () => 0 });
    expect(hiding.open('alias')).toBe('missing');
    expect(await hiding.openLater('alias')).toBe('missing');
    expect(hiding.open('fine')).toMatchObject({ descriptor: fine });
  });

  test('is hidden in every spelling that its file system accepts', async () => {
    const root = await folder({ 'Größe/a.txt': '', 'plain/a.txt': '' });
    // Like a file system that ignores case and Unicode composition.
    await symlink('Größe', `${root}/gro\u0308SSE`);
    const hidden = new DenyList([`${root}/Größe`, `${root}/plain`], [{ named: root, real: root }]);
    hidden.refresh(0);
    expect(['Größe/a.txt', 'gro\u0308SSE/a.txt', 'plain'].map((name) => hidden.hides(`${root}/${name}`))).toEqual([
      true,
      true,
      true,
    ]);
    expect(['GRÖSSE/a.txt', 'PLAIN/a.txt', 'plainer'].map((name) => hidden.hides(`${root}/${name}`))).toEqual([
      false,
      false,
      false,
    ]);
  });
});

test("paths on a slow disk are resolved outside of the loop's thread", async () => {
  const root = await folder({ 'data/secret.txt': SECRET, 'data/fine.txt': 'fine' });
  const hidden = new DenyList([`${root}/data/secret.txt`], [{ named: root, real: root }]);
  hidden.refresh(0);
  const source: FileSource = {
    ...fakeSource({ 'data/fine.txt': fakeFile(1, async () => 0), data: 'directory' }),
    ...fakeFolder(['fine.txt', 'secret.txt'].map((name) => ({ name, isDirectory: false, size: 1, modifiedMs: 1 }))),
  };
  const hiding = new DenyListSource(source, { root, rootFd: () => -1, hidden, nowMs: () => 0 });
  const asked = vi.spyOn(realpathSync, 'native');
  onTestFinished(() => asked.mockRestore());
  expect(await hiding.list('data', false, null)).toMatchObject({ count: 2 });
  expect(await hiding.describe('data', Buffer.from('fine.txt\0secret.txt\0'))).toMatchObject([{ name: 'fine.txt' }]);
  expect(await hiding.lookLater('data/fine.txt')).toMatchObject({ size: 1 });
  expect(await hiding.openLater('data/fine.txt')).toMatchObject({ descriptor: -1 });
  expect(await hiding.openLater('data')).toBe('directory');
  expect(asked.mock.calls).toEqual([]);
});

describe('a path outside of all served folders', () => {
  const refused = async (options: ServeOptions): Promise<unknown> =>
    serve({ port: 0, ...options }).then(
      (server) => server.close(),
      (error: unknown) => error,
    );

  test('is an error at the start that names the path and the folders', async () => {
    const parent = await folder({ 'www/a.txt': 'a', 'www-backup/x': '', 'assets/x': '', 'else/x': '' });
    await symlink('www', `${parent}/site`);
    const site = { mounts: { '/assets': `${parent}/assets` } };
    for (const path of ['else/x', 'else/none', 'none', 'www-backup', 'www/../x', '.', 'site/../none']) {
      const error = await refused({
        static: {
          root: `${parent}/site`,
          ...site,
          hide: ['a.txt', path].map((each) => join(parent, each === 'a.txt' ? 'site/a.txt' : each)),
        },
      });
      expect(error, path).toMatchObject({ code: 'ERR_OPTION' });
      expect(String(error)).toContain(`hide: ${join(parent, path)} is not below a served folder`);
      expect(String(error)).toContain(`(${parent}/site, ${parent}/assets)`);
    }
  });

  test('is rejected, except behind a link or with hideIfServed', async () => {
    const parent = await folder({ 'www/a.txt': 'a', 'else/x.txt': SECRET });
    await symlink('../else/x.txt', `${parent}/www/out.txt`);
    const site = { hide: [`${parent}/www/out.txt`], hideIfServed: [`${parent}/else/x.txt`, `${parent}/www/a.txt`] };
    const { port } = await start({ static: { root: `${parent}/www`, ...site } });
    expect([await statusOf(port, '/out.txt'), await statusOf(port, '/a.txt')]).toEqual([404, 404]);
  });

  test('is one line and exit code 2 in the command, whose config file may lie anywhere', async () => {
    const parent = await folder({
      'www/a.txt': 'a',
      'site.yaml': 'static: {root: site, hide: [site/later.txt]}\nport: 0',
    });
    await symlink('www', `${parent}/site`);
    const wrong = startCommand(['0', `${parent}/site`, '--hide', `${parent}/none`]);
    expect(await wrong.ended()).toBe(2);
    expect(wrong.stderr).toMatch(/^epoll-server: .*\/none is not below a served folder .*\n$/);
    const program = startCommand(['--config', `${parent}/site.yaml`]);
    const port = await portOf(program);
    await writeFile(`${parent}/www/later.txt`, SECRET);
    expect([await statusOf(port, '/a.txt'), await statusOf(port, '/later.txt')]).toEqual([200, 404]);
  });
});

test('the source of an application stays hidden when a link changes', async () => {
  const app = 'export const application = (environ, start) => { start("404 Not Found", []); return ""; };';
  const tree = { 'www/r/1/app.mjs': app, 'www/r/2/app.mjs': `// ${SECRET}`, 'www/lib/app.mjs': app, 'own/x': '' };
  const parent = await folder(tree);
  await symlink('r/1', `${parent}/www/current`);
  const { port } = await start({ static: `${parent}/www`, app: `${parent}/www/current/app.mjs` });
  await symlink('r/2', `${parent}/www/next`);
  await rename(`${parent}/www/next`, `${parent}/www/current`);
  for (const target of ['/current/app.mjs', '/r/1/app.mjs', '/r/2/app.mjs']) {
    expect(await statusOf(port, target), target).toBe(404);
  }
  await symlink('../www/lib/app.mjs', `${parent}/own/app.mjs`);
  const linked = await start({ static: `${parent}/www`, app: `${parent}/own/app.mjs` });
  expect(await statusOf(linked.port, '/lib/app.mjs')).toBe(404);
  await rm(`${parent}/www/current`);
});
