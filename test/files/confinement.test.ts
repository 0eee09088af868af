// Tests that no file outside the root can be read by any path, link or race.

import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseFilePath } from '../../src/files/file-path.ts';
import { createNativeFiles } from '../../src/kernel/files.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { type Site, start, stopClock } from '../support/serving.ts';
import { pause } from '../support/until.ts';

const SECRET = 'TOP SECRET';

/** A root `www` beside files that must never be served. */
async function startBesideSecrets(): Promise<Site & { readonly parent: string }> {
  const parent = await folder({
    'www/index.html': 'home',
    'www/sub/page.txt': 'page',
    'www/%2e%2e/x.txt': 'a strange name',
    'secret.txt': SECRET,
    'www-backup/secret.txt': SECRET,
  });
  return { ...(await start({ static: `${parent}/www` })), parent };
}

const TARGETS = [
  '/../secret.txt',
  '/sub/../../secret.txt',
  '/..',
  '/../',
  '/.',
  '/sub/..',
  '/sub/../index.html',
  '/./index.html',
  '/%2e%2e/secret.txt',
  '/%2E%2E/secret.txt',
  '/.%2e/secret.txt',
  '/%2e./secret.txt',
  '/sub/%2e%2e/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/..%2Fsecret.txt',
  '/%2e%2e%2fsecret.txt',
  '/sub%2fpage.txt',
  '/%2f',
  '/%2fetc%2fpasswd',
  '/..\\secret.txt',
  '/..%5csecret.txt',
  '/sub%5Cpage.txt',
  '/\\..\\secret.txt',
  '/%00',
  '/index.html%00',
  '/index.html%00.txt',
  '/%00../secret.txt',
  '/..%c0%afsecret.txt',
  '/%c0%ae%c0%ae/secret.txt',
  '/%ff',
  '/%e0%80%ae',
  '/%',
  '/%2',
  '/%zz',
  '/%u002e',
  '/../www-backup/secret.txt',
  '/..;/secret.txt',
  '/....//secret.txt',
  '/.../secret.txt',
  '//../secret.txt',
  '//etc/passwd',
  '///etc/passwd',
  '/etc/passwd',
  '/proc/self/environ',
  '/~root',
  '/file:///etc/passwd',
];

describe('a target that is malformed or leads out of the root gets 400 or 404', () => {
  test.each(TARGETS)('%s', async (target) => {
    const { port } = await startBesideSecrets();
    const answer = await ask(port, get(target));
    expect([400, 404]).toContain(answer.status);
    expect(answer.text).not.toContain(SECRET);
    expect(answer.text).not.toContain('root:');
  });
});

test('a path is decoded once: double encoding names a file', async () => {
  const { port } = await startBesideSecrets();
  expect((await ask(port, get('/%252e%252e/x.txt'))).text).toBe('a strange name');
  expect((await ask(port, get('/%252e%252e/secret.txt'))).status).toBe(404);
  expect((await ask(port, get('/%252e%252e%252fsecret.txt'))).status).toBe(404);
});

test('a path with .. segments is also rejected in absolute-form', async () => {
  const { port } = await startBesideSecrets();
  const answer = await ask(port, get('http://a/../secret.txt'));
  expect(answer.status).toBe(400);
});

test('links out of the root get 404, and links within the root are followed', async () => {
  const { port, parent } = await startBesideSecrets();
  const link = (to: string, name: string): Promise<void> => symlink(to, `${parent}/www/${name}`);
  await Promise.all([
    link('../secret.txt', 'out.txt'),
    link(`${parent}/secret.txt`, 'out-absolute.txt'),
    link('..', 'up'),
    link('/', 'everything'),
    link('../www-backup', 'sibling'),
    link('out.txt', 'twice.txt'),
    link('nowhere', 'broken'),
    link('self', 'self'),
    link('sub/page.txt', 'inside.txt'),
    link('sub', 'folder'),
  ]);
  for (const name of [
    'out.txt',
    'out-absolute.txt',
    'up/secret.txt',
    'everything/etc/passwd',
    'sibling/secret.txt',
    'twice.txt',
    'broken',
    'self',
    'up',
    'up/',
  ]) {
    const answer = await ask(port, get(`/${name}`));
    expect(answer.status, name).toBe(404);
  }
  expect((await ask(port, get('/inside.txt'))).text).toBe('page');
  expect((await ask(port, get('/folder/page.txt'))).text).toBe('page');
});

test('a folder replaced by a link out of the root during requests reveals no file', async () => {
  const { port, parent } = await startBesideSecrets();
  await mkdir(`${parent}/www/race`);
  await writeFile(`${parent}/www/race/secret.txt`, 'harmless');
  await symlink('../www-backup', `${parent}/www/link`);
  let isOver = false;
  const swapping = (async (): Promise<void> => {
    while (!isOver) {
      await rename(`${parent}/www/race`, `${parent}/www/kept`);
      await rename(`${parent}/www/link`, `${parent}/www/race`);
      await rename(`${parent}/www/race`, `${parent}/www/link`);
      await rename(`${parent}/www/kept`, `${parent}/www/race`);
    }
  })();
  onTestFinished(() => {
    isOver = true;
    return swapping;
  });
  const files = createNativeFiles();
  onTestFinished(() => files.destroy());
  const www = files.openRoot(`${parent}/www`);
  const into = Buffer.alloc(20);
  let found = 0;
  for (let i = 0; i < 3_000; i++) {
    const file =
      i % 2 === 0
        ? files.open(www, 'race/secret.txt')
        : await new Promise<number>((resolve) => files.openLater(www, 'race/secret.txt', resolve));
    if (file < 0) continue;
    found++;
    const count = files.read(file, into, 0, into.length, 0);
    files.close(file);
    if (count >= 0) expect(into.toString('utf8', 0, count)).toBe('harmless');
  }
  expect(found).toBeGreaterThan(0);
  expect((await ask(port, get('/race/secret.txt'))).text).not.toContain(SECRET);
});

test('a root that disappears causes 404, and the server keeps running', async () => {
  // Requests before the next look at the root, however slow the machine is; test/files/scarce.test.ts tests the look.
  stopClock();
  const parent = await folder({ 'www/a.txt': 'one' });
  const { port } = await start({ static: `${parent}/www` });
  await rm(`${parent}/www`, { recursive: true });
  expect((await ask(port, get('/a.txt'))).status).toBe(404);
  await pause(0);
  expect((await ask(port, get('/'))).status).toBe(404);
});

test('paths are decoded to names, or rejected', () => {
  expect(parseFilePath('/')).toEqual({ segments: [], isDirectory: true });
  expect(parseFilePath('/a/b')).toEqual({ segments: ['a', 'b'], isDirectory: false });
  expect(parseFilePath('//a//b//')).toEqual({ segments: ['a', 'b'], isDirectory: true });
  expect(parseFilePath('/%E2%82%AC/%25')).toEqual({ segments: ['€', '%'], isDirectory: false });
  expect(parseFilePath('*')).toBe(400);
  expect(parseFilePath('a')).toBe(400);
  expect(parseFilePath('')).toBe(400);
});
