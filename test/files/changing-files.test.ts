// Tests that files which change, shrink, move or disappear while they are served never cause a wrong response.

import { rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { messageOf } from '../../src/errors.ts';
import { ENTRY_BYTES, FileCache } from '../../src/files/file-cache.ts';
import { makeFileKind } from '../../src/files/file-kinds.ts';
import type { OpenFile } from '../../src/files/file-source.ts';
import { FileVariant } from '../../src/files/file-variant.ts';
import { OpenFiles } from '../../src/files/open-files.ts';
import { Representation } from '../../src/files/representation.ts';
import { Resource } from '../../src/files/resource.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { start, startHandler } from '../support/serving.ts';
import { facts, fakeFile, fakeFolder, fakeSource, makeSite } from '../support/site.ts';
import { until } from '../support/until.ts';

test('a changed file is served anew, even after two changes within one clock tick', async () => {
  const root = await folder({ 'a.txt': 'old!' });
  const { port } = await start({ static: root });
  expect((await ask(port, get('/a.txt'))).text).toBe('old!');
  for (const content of ['new1', 'new2', 'longer']) {
    await writeFile(`${root}/a.txt`, content);
    await until(async () => (await ask(port, get('/a.txt'))).text === content, `${content} is served`);
  }
});

test('a file with a set time is served anew after two changes within one clock tick', async () => {
  const given = { ...facts(3), modifiedMs: 1_000, changedMs: Date.now() };
  let content = 'one';
  const file: OpenFile = {
    ...fakeFile(3, async () => 0),
    facts: given,
    readNow: (into) => Buffer.from(content).copy(into),
    share: () => file,
  };
  const { handler, pass } = makeSite(fakeSource({ 'a.txt': file }));
  const { port } = await startHandler(handler);
  const first = await ask(port, get('/a.txt'));
  expect(first.text).toBe('one');
  content = 'two';
  pass(1_000);
  const second = await ask(port, get('/a.txt', `If-None-Match: ${first.field('etag')}`));
  expect([second.status, second.text]).toEqual([200, 'two']);
});

test('an old file is served anew after it was replaced by one of the same size', async () => {
  const root = await folder({ 'a.txt': 'one', 'b.txt': 'two' });
  await utimes(`${root}/a.txt`, 1_000_000_000, 1_000_000_000);
  await utimes(`${root}/b.txt`, 1_000_000_000, 1_000_000_000);
  const { port } = await start({ static: root });
  expect((await ask(port, get('/a.txt'))).text).toBe('one');
  await rename(`${root}/b.txt`, `${root}/a.txt`);
  await until(async () => (await ask(port, get('/a.txt'))).text === 'two', 'the new file is served');
});

test('a deleted file gets 404, and is served again when it is back', async () => {
  const root = await folder({ 'a.txt': 'here' });
  const { port } = await start({ static: root });
  expect((await ask(port, get('/a.txt'))).status).toBe(200);
  await rm(`${root}/a.txt`);
  await until(async () => (await ask(port, get('/a.txt'))).status === 404, 'the file gets 404');
  await writeFile(`${root}/a.txt`, 'back');
  expect(await ask(port, get('/a.txt'))).toMatchObject({ status: 200, text: 'back' });
});

test.each([
  ['small enough to be kept', 20_000],
  ['too large to be kept', 400_000],
])('a file replaced by rename under load is never mixed with the other: %s', async (_what, size) => {
  const contents = ['a', 'b', 'c'].map((letter) => letter.repeat(size));
  const root = await folder({ 'x.txt': contents[0] ?? '' });
  const { port } = await start({ static: root });
  let isOver = false;
  const replacing = (async (): Promise<void> => {
    for (let i = 0; !isOver; i = (i + 1) % contents.length) {
      await writeFile(`${root}/next`, contents[i] ?? '');
      await rename(`${root}/next`, `${root}/x.txt`);
    }
  })();
  onTestFinished(() => {
    isOver = true;
    return replacing;
  });
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(port, get('/x.txt'))));
    for (const { status, text } of answers) {
      expect(status).toBe(200);
      expect(contents.includes(text), `${text.length} bytes that begin with ${text.slice(0, 3)}`).toBe(true);
    }
  }
});

test('a file that shrinks while it is sent closes the connection early, and that is logged', async () => {
  const root = await folder({ 'big.bin': Buffer.alloc(30_000_000, 'x') });
  const errors: string[] = [];
  const { connect, server } = await start({ static: root, log: { error: (error) => errors.push(messageOf(error)) } });
  const client = await connect();
  client.socket.pause();
  client.send(get('/big.bin') + get('/next'));
  await until(() => server.stats().bytes.sent > 0, 'the response has begun');
  await truncate(`${root}/big.bin`, 1_000);
  client.socket.resume();
  await client.closed();
  const text = client.received.toString('latin1');
  const content = text.slice(text.indexOf('\r\n\r\n') + 4);
  expect(content.length).toBeLessThan(30_000_000);
  // sendfile(2) sends from the page cache, so bytes that are truncated in transit arrive as zeros.
  expect(content).toMatch(/^x{1000}x*\0*x*$/);
  expect(errors).toEqual(['this file could not be read: it was truncated while it was sent']);
});

test('a file that grows while it is sent ends at its announced length', async () => {
  const root = await folder({ 'big.bin': Buffer.alloc(8_000_000, 'x'), 'next.txt': 'next' });
  const { connect, server } = await start({ static: root });
  const client = await connect();
  client.socket.pause();
  client.send(get('/big.bin') + get('/next.txt'));
  await until(() => server.stats().bytes.sent > 0, 'the response has begun');
  await writeFile(`${root}/big.bin`, 'y'.repeat(1_000_000), { flag: 'a' });
  client.socket.resume();
  expect((await client.readResponse()).content.equals(Buffer.alloc(8_000_000, 'x'))).toBe(true);
  expect((await client.readResponse()).text).toBe('next');
});

test('a client that disconnects during a large file leaves no descriptor open', async () => {
  const root = await folder({ 'big.bin': Buffer.alloc(20_000_000) });
  const { connect, server } = await start({ static: root });
  for (let i = 0; i < 10; i++) {
    const client = await connect();
    await client.send(get('/big.bin')).readUntil('\r\n\r\n');
    client.reset();
  }
  await until(() => server.stats().connections.open === 0, 'all clients disconnected');
});

test('failing reads and files shorter than their size are errors of that request only', async () => {
  const failing = (): Promise<number> => Promise.reject(new Error('EIO'));
  const { handler, problems } = makeSite(
    fakeSource({
      failing: fakeFile(10, failing),
      failingBig: fakeFile(5_000, failing),
      shortBig: fakeFile(5_000, async () => 0),
      forbidden: 'forbidden',
      exhausted: 'exhausted',
      failed: 'failed',
    }),
  );
  const { connect, port } = await startHandler(handler);
  const statuses = ['failing', 'forbidden', 'exhausted', 'failed', 'missing'].map((name) => ask(port, get(`/${name}`)));
  expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([500, 403, 503, 500, 404]);
  expect(problems.splice(0), 'what is there and cannot be sent is reported').toHaveLength(4);
  for (const name of ['failingBig', 'shortBig']) {
    const client = await connect();
    await client.send(get(`/${name}`)).closed();
    expect(client.received.length).toBeLessThan(5_000);
  }
  expect(problems).toEqual([
    'this file could not be read: EIO',
    'this file could not be read: it was truncated while it was sent',
  ]);
});

test('the cache stays within its limit, and removes the least recently used files first', () => {
  const openFiles = new OpenFiles({ max: 1, nowMs: () => 0, later: () => {} });
  const cache = new FileCache(3 * (ENTRY_BYTES + 700) + 100, openFiles);
  const enter = (key: string, bytes: number): void => cache.set(key, resource(bytes));
  const kept = (): string => ['a', 'b', 'c', 'd'].filter((key) => cache.get(key) !== undefined).join('');
  for (const key of ['a', 'b', 'c']) enter(key, 700);
  expect(kept()).toBe('abc');
  const renewed = cache.get('a');
  if (renewed !== undefined) cache.renew(renewed);
  enter('d', 700);
  expect(kept(), 'b was renewed longest ago').toBe('acd');
  expect([cache.hasRoomFor(100 - ENTRY_BYTES), cache.hasRoomFor(101 - ENTRY_BYTES)]).toEqual([true, false]);
  expect(cache.bytes).toBe(3 * (ENTRY_BYTES + 700));
  enter('b', 4.5 * ENTRY_BYTES);
  expect(kept(), 'what costs more than the bound is not kept, and nothing leaves for it').toBe('acd');
  enter('a', 4.5 * ENTRY_BYTES);
  expect(kept(), 'but what it replaces is gone').toBe('cd');
  const grown = cache.get('c');
  grown?.coded.set('br', { variant: resource(2.5 * ENTRY_BYTES).plain, sibling: 'missing', mayCompress: false });
  if (grown !== undefined) cache.resized(grown);
  expect(kept(), 'what grows makes others leave').toBe('c');
  for (const key of ['a', 'b', 'c', 'd', 'd']) cache.delete(key);
  expect([kept(), cache.bytes, cache.size]).toEqual(['', 0, 0]);
});

function resource(bytes: number): Resource {
  const kind = makeFileKind({ mediaType: 'text/plain', isCodable: true }, null, []);
  const representation = new Representation({ kind, size: bytes, fileSize: bytes, modifiedMs: 0 }, 0);
  return new Resource({
    plain: new FileVariant({ representation, content: Buffer.alloc(bytes), path: 'a', facts: facts(bytes) }),
    source: fakeSource({}),
    path: 'a',
    kindOf: () => kind,
    isFirst: true,
    isCodable: true,
    settled: true,
    checkedMs: 0,
  });
}

test('a file time beyond the range of dates becomes the nearest date', async () => {
  const times = { 'before.txt': -9e15, 'first.txt': -62_135_596_800_001, 'old.txt': -5_000, 'after.txt': 9e15 };
  const listed = Object.entries(times).map(([name, modifiedMs]) => ({ name, isDirectory: false, size: 1, modifiedMs }));
  const read = async (into: Uint8Array): Promise<number> => into.fill(0x78).length;
  const files = listed.map(({ name, modifiedMs }) => [
    name,
    { ...fakeFile(1, read), facts: { ...facts(1), modifiedMs } },
  ]);
  const source = { ...fakeSource(Object.fromEntries(files)), ...fakeFolder(listed) };
  const { port } = await startHandler(makeSite(source, { listing: true }).handler);
  const modified = async (name: string): Promise<string | undefined> => {
    const { status, field } = await ask(port, get(`/${name}`));
    expect(status).toBe(200);
    return field('Last-Modified');
  };
  expect(await modified('before.txt')).toBe('Mon, 01 Jan 0001 00:00:00 GMT');
  expect(await modified('first.txt')).toBe('Mon, 01 Jan 0001 00:00:00 GMT');
  expect(await modified('old.txt')).toBe('Wed, 31 Dec 1969 23:59:55 GMT');
  expect(Date.parse((await modified('after.txt')) ?? '')).toBeLessThanOrEqual(Date.now());
  const page = await ask(port, get('/'));
  expect([page.status, page.text.includes('0001-01-01 00:00'), page.text.includes('9999-12-31 23:59')]).toEqual([
    200,
    true,
    true,
  ]);
  const json = await ask(port, get('/', 'Accept: application/json'));
  expect(json.text).toContain('"modified": "9999-12-31T23:59:59.999Z"');
});
