// Tests that a slow file delays only its own requests, and each way to send a file. The C library of the server is replaced
// in part (test/shims/disk.cc), so that the delay is below all code of the project.

import { symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask, connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { start } from '../support/serving.ts';
import { startOverShim } from '../support/shim.ts';

const BIG = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 7) % 253));

/** Far longer than all requests that must not wait for it. */
const SLOW = { SHIM_SLOW: 'slow', SHIM_MS: '700' };

test('a slow disk delays only the requests for it', async () => {
  const root = await folder({ 'slow.bin': BIG, 'fast.txt': 'fast', 'big.bin': BIG });
  const { port, stats } = await startOverShim(root, SLOW);
  const slow = await connect(port);
  slow.send(get('/slow.bin'));
  await slow.readUntil('\r\n\r\n');
  for (let i = 0; i < 30; i++) expect((await ask(port, get('/fast.txt'))).text).toBe('fast');
  expect((await ask(port, get('/big.bin'))).content.equals(BIG)).toBe(true);
  expect(slow.received.length, 'thirty other requests were served before the first wait was over').toBeLessThan(
    BIG.length,
  );
  expect((await slow.readBytes(BIG.length)).equals(BIG)).toBe(true);
  const after = await stats();
  expect(after.files.poolReads).toBeGreaterThanOrEqual(Math.floor(BIG.length / 131_072));
  expect(after.files.poolOpens).toBeGreaterThan(0);
  expect(after.files.sendfileBytes, 'the other large file was sent by sendfile').toBe(BIG.length);
});

test('slow names and slow small files delay only their own requests', async () => {
  const root = await folder({ 'slow/a.txt': 'a', 'slow/b.txt': 'b', 'fast.txt': 'fast' });
  const { port } = await startOverShim(root, SLOW);
  const slow = [ask(port, get('/slow/a.txt')), ask(port, get('/slow/b.txt')), ask(port, get('/slow/none'))];
  let isOver = false;
  const all = Promise.all(slow).then((answers) => {
    isOver = true;
    return answers;
  });
  for (let i = 0; i < 30; i++) expect((await ask(port, get('/fast.txt'))).text).toBe('fast');
  expect(isOver).toBe(false);
  expect((await all).map(({ status }) => status)).toEqual([200, 200, 404]);
});

test.each([
  ['cachestat', 'memory'],
  ['cachestat,sendfile', 'memory'],
  ['sendfile', 'memory'],
  ['cachestat,sendfile,preadv2', 'pool'],
  ['', 'sendfile'],
])('a large file is sent completely without %s, by %s', async (missing, way) => {
  const root = await folder({ 'big.bin': BIG });
  const { port, stats } = await startOverShim(root, { SHIM_NO: missing });
  const answers = await Promise.all(Array.from({ length: 3 }, () => ask(port, get('/big.bin'))));
  for (const { content } of answers) expect(content.equals(BIG)).toBe(true);
  expect(
    (await ask(port, get('/big.bin', 'Range: bytes=300000-700000'))).content.equals(BIG.subarray(300_000, 700_001)),
  ).toBe(true);
  const { sendfileBytes, memoryReads, poolReads } = (await stats()).files;
  expect(sendfileBytes > 0).toBe(way === 'sendfile');
  expect(memoryReads > 0).toBe(way === 'memory');
  if (way === 'pool') expect(poolReads).toBeGreaterThan(0);
});

test('without openat2 paths are resolved by segments, and never leave the root', async () => {
  const parent = await folder({ 'www/sub/deep/page.txt': 'page', 'secret.txt': 'SECRET', 'www/index.html': 'home' });
  await symlink('../secret.txt', `${parent}/www/out.txt`);
  await symlink('..', `${parent}/www/up`);
  await symlink('/', `${parent}/www/everything`);
  await symlink('sub', `${parent}/www/folder`);
  await symlink('deep/../../sub/deep', `${parent}/www/sub/winding`);
  await symlink('loop', `${parent}/www/loop`);
  const { port, stats } = await startOverShim(`${parent}/www`, { SHIM_NO: 'openat2' });
  for (const target of ['/sub/deep/page.txt', '/folder/deep/page.txt', '/sub/winding/page.txt']) {
    expect(await ask(port, get(target)), target).toMatchObject({ status: 200, text: 'page' });
  }
  expect((await ask(port, get('/'))).text).toBe('home');
  expect((await ask(port, get('/sub'))).status).toBe(301);
  for (const target of ['/out.txt', '/up/secret.txt', '/everything/etc/passwd', '/loop', '/none', '/index.html/x']) {
    expect((await ask(port, get(target))).status, target).toBe(404);
  }
  expect((await stats()).files.poolOpens, 'a walk may wait for a disk').toBeGreaterThan(0);
});

test('when a container rejects openat2 with EPERM, paths are resolved by segments', async () => {
  const parent = await folder({ 'www/a/page.txt': 'page', 'secret.txt': 'SECRET', 'www/big.bin': BIG });
  await symlink('../secret.txt', `${parent}/www/out.txt`);
  const { port, stats } = await startOverShim(`${parent}/www`, { SHIM_SECCOMP: 'openat2,cachestat' });
  expect(await ask(port, get('/a/page.txt'))).toMatchObject({ status: 200, text: 'page' });
  expect((await ask(port, get('/big.bin'))).content.equals(BIG)).toBe(true);
  expect((await ask(port, get('/out.txt'))).status).toBe(404);
  expect((await stats()).files.poolOpens).toBeGreaterThan(0);
});

test('a file without permission gets 403, and openat2 stays in use', async () => {
  const root = await folder({ 'forbidden.txt': 'x', 'a.txt': 'a', 'b/c.txt': 'c', 'b/forbidden/d.txt': 'd' });
  const { port, stats } = await startOverShim(root, { SHIM_FORBIDDEN: 'forbidden' });
  for (const target of ['/forbidden.txt', '/b/forbidden/d.txt', '/forbidden.txt']) {
    expect((await ask(port, get(target))).status, target).toBe(403);
  }
  const { poolOpens } = (await stats()).files;
  expect((await ask(port, get('/a.txt'))).text).toBe('a');
  expect((await ask(port, get('/b/c.txt'))).text).toBe('c');
  expect((await stats()).files.poolOpens, 'a walk would wait in the pool').toBe(poolOpens);
});

test('a cached file is sent from memory, and counted', async () => {
  const root = await folder({ 'a.txt': 'a'.repeat(2_000) });
  // Old enough to stay cached when it is checked again a second later.
  await utimes(join(root, 'a.txt'), 1e9, 1e9);
  const { port, server } = await start({ static: root });
  // Usually three. On a busy machine that check may return EAGAIN, and the file is searched once more.
  let count = 0;
  for (; server.stats().files.cacheHits < 2; count++) expect((await ask(port, get('/a.txt'))).status).toBe(200);
  expect(server.stats()).toMatchObject({
    files: { cacheHits: 2, cacheMisses: count - 2, cacheEntries: 1, sendfileBytes: 0, poolReads: 0 },
  });
  expect(server.stats().files.cacheBytes).toBeGreaterThan(2_000);
});

test.each([['cachestat,sendfile'], ['openat2,cachestat,sendfile']])(
  'a signal that interrupts opening and reading causes no error (without %s)',
  async (missing) => {
    const root = await folder({ 'slow.bin': BIG, 'slow.txt': 'small' });
    // Not the files of Node.js itself, some versions of which do not retry.
    const { port } = await startOverShim(root, { SHIM_INTERRUPTS: 'slow', SHIM_NO: missing, ...SLOW, SHIM_MS: '1' });
    expect((await ask(port, get('/slow.bin'))).content.equals(BIG)).toBe(true);
    expect((await ask(port, get('/slow.txt'))).text).toBe('small');
    expect((await ask(port, get('/slow.none'))).status).toBe(404);
  },
);
