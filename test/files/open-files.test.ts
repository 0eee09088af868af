// Tests that files stay open between responses, are shared, bounded and closed, and are never served stale.

import { rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { OpenFile } from '../../src/files/file-source.ts';
import { type Holder, OpenFiles } from '../../src/files/open-files.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { start, stopClock } from '../support/serving.ts';
import { fakeFile } from '../support/site.ts';
import { until } from '../support/until.ts';

const MIB = 1_048_576;
const OLD = new Date(1_000_000_000_000);

/** A file that counts its owners, and whose state the test can change. */
function counted(): { readonly file: OpenFile; owners: number; isChanged: boolean } {
  const own = { owners: 1, isChanged: false };
  const file: OpenFile = {
    ...fakeFile(1, async () => 0),
    isUnchanged: () => !own.isChanged,
    share: () => {
      own.owners++;
      return file;
    },
    close: () => {
      own.owners--;
    },
  };
  return Object.assign(own, { file });
}

function openFiles(max: number): { files: OpenFiles; clock: { nowMs: number }; sweep: () => void } {
  const clock = { nowMs: 0 };
  const waiting: (() => void)[] = [];
  const files = new OpenFiles({ max, nowMs: () => clock.nowMs, later: (_ms, callback) => waiting.push(callback) });
  return { files, clock, sweep: () => waiting.splice(0).forEach((callback) => void callback()) };
}

const holder = (): Holder => ({ file: null, usedMs: 0, older: null, newer: null });

test('an open file is shared by its users, and closed by the last one', () => {
  const { files } = openFiles(2);
  const [at, one] = [holder(), counted()];
  files.keep(at, one.file);
  const used = [files.use(at), files.use(at)];
  expect([one.owners, used[0] === one.file, files.size]).toEqual([3, true, 1]);
  files.drop(at);
  expect([one.owners, files.use(at), files.size]).toEqual([2, null, 0]);
  for (const file of used) file?.close();
  expect(one.owners).toBe(0);
  files.drop(at);
  expect(one.owners, 'dropping twice has no effect').toBe(0);
});

test('the least recently used file is closed first, and a changed one at its next use', () => {
  const { files, clock } = openFiles(2);
  const holders = [holder(), holder(), holder()] as const;
  const [a, b, c, again] = [counted(), counted(), counted(), counted()];
  files.keep(holders[0], a.file);
  files.keep(holders[1], b.file);
  clock.nowMs = 2_000;
  files.use(holders[0])?.close();
  files.keep(holders[2], c.file);
  expect([a.owners, b.owners, c.owners]).toEqual([1, 0, 1]);
  c.isChanged = true;
  expect(files.use(holders[2])).toBeNull();
  expect([c.owners, files.size]).toEqual([0, 1]);
  files.keep(holders[0], again.file);
  expect([a.owners, again.owners, files.size]).toEqual([0, 1, 1]);
  files.clear();
  expect([again.owners, files.size]).toEqual([0, 0]);
});

test('a file that is idle for ten seconds is closed, and one in use is not', () => {
  const { files, clock, sweep } = openFiles(10);
  const holders = [holder(), holder()] as const;
  const [idle, busy] = [counted(), counted()];
  files.keep(holders[0], idle.file);
  files.keep(holders[1], busy.file);
  clock.nowMs = 9_000;
  files.use(holders[1])?.close();
  clock.nowMs = 10_001;
  sweep();
  expect([idle.owners, busy.owners]).toEqual([0, 1]);
  clock.nowMs = 20_002;
  sweep();
  expect([busy.owners, files.size]).toEqual([0, 0]);
});

test('with a maximum of 0 no file stays open, and relieve closes an eighth', () => {
  const none = counted();
  openFiles(0).files.keep(holder(), none.file);
  expect(none.owners).toBe(0);
  const { files } = openFiles(100);
  for (let i = 0; i < 16; i++) files.keep(holder(), counted().file);
  expect(files.relieve()).toBe(true);
  expect(files.size).toBe(14);
  while (files.relieve());
  expect(files.size).toBe(0);
});

test('a large file is opened once for many responses, with one descriptor', async () => {
  const content = Buffer.from(Array.from({ length: MIB }, (_, i) => (i * 11) % 251));
  const root = await folder({ 'big.bin': content });
  await utimes(`${root}/big.bin`, OLD, OLD);
  stopClock();
  const { port, server } = await start({ static: root });
  for (let i = 0; i < 3; i++) {
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(port, get('/big.bin'))));
    for (const answer of answers) expect(answer.content.equals(content)).toBe(true);
  }
  const range = await ask(port, get('/big.bin', 'Range: bytes=5-9'));
  expect(range.content.equals(content.subarray(5, 10))).toBe(true);
  const stats = server.stats();
  expect(stats).toMatchObject({ files: { open: 1, openHits: 15, poolOpens: 0, poolReads: 0 } });
  expect(stats.files.sendfileBytes).toBe(15 * MIB + 5);
});

test('with a maximum of 0 every response opens its file', async () => {
  const root = await folder({ 'big.bin': Buffer.alloc(MIB, 'x') });
  const { port, server } = await start({ static: root, limits: { maxOpenFiles: 0 } });
  for (let i = 0; i < 3; i++) expect((await ask(port, get('/big.bin'))).content).toHaveLength(MIB);
  expect(server.stats()).toMatchObject({ files: { open: 0, openHits: 0 } });
});

test('an open file that was written, truncated or deleted is served anew at once', async () => {
  const root = await folder({ 'big.bin': Buffer.alloc(MIB, 'x') });
  await utimes(`${root}/big.bin`, OLD, OLD);
  const { port, server } = await start({ static: root });
  const first = await ask(port, get('/big.bin'));
  await truncate(`${root}/big.bin`, 300_000);
  const cut = await ask(port, get('/big.bin'));
  expect([cut.content.length, cut.field('etag') === first.field('etag')]).toEqual([300_000, false]);
  await writeFile(`${root}/big.bin`, Buffer.alloc(300_000, 'y'), { flag: 'r+' });
  expect((await ask(port, get('/big.bin'))).content.equals(Buffer.alloc(300_000, 'y'))).toBe(true);
  await rm(`${root}/big.bin`);
  expect((await ask(port, get('/big.bin'))).status).toBe(404);
  await until(() => server.stats().files.open === 0, 'its descriptor is closed');
});

test('an open file that was replaced by rename is served anew', async () => {
  const root = await folder({ 'big.bin': Buffer.alloc(MIB, 'x'), next: Buffer.alloc(MIB, 'y') });
  for (const name of ['big.bin', 'next']) await utimes(`${root}/${name}`, OLD, OLD);
  const { port, server } = await start({ static: root });
  expect((await ask(port, get('/big.bin'))).text.startsWith('xx')).toBe(true);
  await rename(`${root}/next`, `${root}/big.bin`);
  expect((await ask(port, get('/big.bin'))).content.equals(Buffer.alloc(MIB, 'y'))).toBe(true);
  expect(server.stats().files.open).toBe(1);
});

test('small files beyond the cache are sent from open files, and popular ones are cached', async () => {
  const names = Array.from({ length: 30 }, (_, i) => `${i}.bin`);
  const root = await folder(Object.fromEntries(names.map((name) => [name, name.padEnd(4_096, '.')])));
  for (const name of names) await utimes(`${root}/${name}`, OLD, OLD);
  stopClock();
  const { port, server } = await start({ static: root, limits: { maxCacheBytes: 65_536 } });
  for (let round = 0; round < 2; round++) {
    for (const name of names) expect((await ask(port, get(`/${name}`))).text).toBe(name.padEnd(4_096, '.'));
  }
  const before = server.stats();
  expect(before.files.cacheEntries, 'of 64 KiB').toBe(10);
  expect(before.files.open, 'the others').toBe(20);
  expect(before.files.openHits).toBe(20);
  for (let i = 0; i < 64; i++) expect((await ask(port, get('/29.bin'))).text).toContain('29.bin');
  const after = server.stats();
  expect([after.files.cacheEntries, after.files.open]).toEqual([10, 19]);
  expect(after.files.openHits - before.files.openHits).toBeLessThan(64);
});
