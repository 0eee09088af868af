// Tests that compression and waiting for files are bounded in memory, work and number of requests.

import { link, utimes, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { FileFacts, FileSource, OpenFile, Refusal } from '../../src/files/file-source.ts';
import { SETTLED_AFTER_MS } from '../../src/files/representation.ts';
import { WorkPool } from '../../src/files/work-pool.ts';
import type { ServerStats } from '../../src/index.ts';
import { ask, type Client, connect, get } from '../support/client.ts';
import { collect } from '../support/collect.ts';
import { folder } from '../support/folder.ts';
import { type Program, startProgram } from '../support/program.ts';
import type { Answer } from '../support/response.ts';
import { type Site, start, startHandler, stopClock } from '../support/serving.ts';
import { fakeFile, fakeFolder, fakeSource, makeSite } from '../support/site.ts';
import { gate, pause, settled, until } from '../support/until.ts';

const GZIP = 'Accept-Encoding: gzip';
const MIB = 1_048_576;

/** Text that takes time to compress and does not become tiny. */
function textOf(length: number): Buffer {
  const words = Array.from({ length: length / 4 }, (_, i) => Math.floor(Math.abs(Math.sin(i)) * 9_999));
  return Buffer.from(words.join(' ').slice(0, length));
}

const LARGE = textOf(MIB);

/** A folder with `count` names of one file. */
async function folderOf(count: number, content: Buffer = LARGE): Promise<string> {
  const root = await folder();
  await writeFile(`${root}/0.txt`, content);
  // Old enough to stay cached when it is checked again.
  await utimes(`${root}/0.txt`, 1e9, 1e9);
  for (let i = 1; i < count; i++) await link(`${root}/0.txt`, `${root}/${i}.txt`);
  return root;
}

const codingOf = ({ field }: Answer): string => field('content-encoding') ?? 'none';

describe('a server whose clients disconnect', () => {
  const PROGRAM = fileURLToPath(new URL('programs/files.mjs', import.meta.url));
  const CLIENTS = 300;

  interface Used extends ServerStats {
    readonly maxRssKib: number;
    readonly cpuMs: number;
  }

  async function usedBy(program: Program): Promise<Used> {
    const name = `stats${program.stdout.length}`;
    program.say(name);
    return JSON.parse(await program.announced(new RegExp(`^${name} (.*)$`, 'm')));
  }

  async function abandonAll(program: Program, port: number): Promise<void> {
    const { requests } = await usedBy(program);
    for (let i = 0; i < CLIENTS; i += 50) {
      const clients = await Promise.all(Array.from({ length: 50 }, () => connect(port)));
      await Promise.all(clients.map((client, at) => client.send(get(`/${i + at}.txt`, GZIP)).flushed()));
      for (const client of clients) client.reset();
    }
    await until(async () => {
      const used = await usedBy(program);
      return used.requests.handled === requests.handled + CLIENTS && used.connections.open === 0;
    }, 'all clients disconnected');
  }

  test('does not keep or compress their files', async () => {
    const program = startProgram(process.execPath, [PROGRAM, await folderOf(CLIENTS)]);
    const port = Number(await program.announced(/^port (\d+)$/m));
    expect((await ask(port, get('/0.txt', GZIP))).status).toBe(200);
    const before = await usedBy(program);
    for (let round = 1; round <= 2; round++) {
      await abandonAll(program, port);
      const after = await usedBy(program);
      expect(after.files.compressions - before.files.compressions).toBeLessThan((round * CLIENTS) / 3);
      expect((after.maxRssKib - before.maxRssKib) / 1_024, 'MiB').toBeLessThan(150);
    }
    const answer = await ask(port, get('/1.txt', GZIP));
    expect([codingOf(answer), gunzipSync(answer.content).equals(LARGE)], 'a client that stays').toEqual(['gzip', true]);
  });
});

describe('beyond the limit files are sent uncompressed', () => {
  const startOf = async (count: number, options: Parameters<typeof start>[0]): Promise<Site> =>
    start({ static: await folderOf(count), ...options });

  test('the budget of a second is used up', async () => {
    stopClock();
    const { port, server } = await startOf(4, { limits: { maxCodingBytesPerSecond: 1 } });
    const answers = await Promise.all([0, 1, 2, 3].map((i) => ask(port, get(`/${i}.txt`, GZIP))));
    expect(answers.map(codingOf).sort()).toEqual(['gzip', 'none', 'none', 'none']);
    for (const { status, content } of answers) expect([status, content.length > 0]).toEqual([200, true]);
    const plain = answers.find((answer) => codingOf(answer) === 'none');
    expect(plain?.content.equals(LARGE)).toBe(true);
    const again = await Promise.all([0, 1, 2, 3].map((i) => ask(port, get(`/${i}.txt`, GZIP))));
    expect(again.map(codingOf).sort(), 'what was made stays').toEqual(['gzip', 'none', 'none', 'none']);
    expect(server.stats().files.compressions).toBe(1);
  });

  test.each([
    ['nothing may be compressed', { maxCodingBytesPerSecond: 0 }],
    ['nothing can be kept', { maxCacheBytes: 0 }],
    ['it could not be kept', { maxCacheBytes: MIB }],
  ])('%s', async (_what, limits) => {
    const { port, server } = await startOf(1, { limits });
    for (const lines of [[GZIP], [GZIP, 'Range: bytes=0-9'], ['Accept-Encoding: br'], [GZIP, 'If-None-Match: "x"']]) {
      expect(codingOf(await ask(port, get('/0.txt', ...lines)))).toBe('none');
    }
    const head = await ask(port, get('/0.txt', GZIP).replace('GET', 'HEAD'), { head: true });
    expect([codingOf(head), head.field('content-length')]).toEqual(['none', String(MIB)]);
    expect(server.stats().files.compressions).toBe(0);
  });

  test('a file that is evicted repeatedly is not compressed each time', async () => {
    const { port, server } = await startOf(24, { limits: { maxCacheBytes: 1.5 * MIB } });
    // A file that was just written is not cached, because it may change again within a clock tick.
    await pause(SETTLED_AFTER_MS + 100);
    const begin = performance.now();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 24; i++) expect((await ask(port, get(`/${i}.txt`, GZIP))).status).toBe(200);
    }
    expect(server.stats().files.compressions).toBeGreaterThan(0);
    // At most once in 10 seconds, however long the requests take.
    const tens = 1 + Math.floor((performance.now() - begin) / 10_000);
    expect(server.stats().files.compressions).toBeLessThanOrEqual(24 * tens);
  });
});

describe('known results are not computed again', () => {
  const CONTENT = textOf(4_000);
  const GZIP_OF = (target: string): string => get(target, GZIP);

  function file(facts: Partial<FileFacts> = {}): OpenFile {
    const plain = fakeFile(CONTENT.length, async (into, position) => CONTENT.copy(into, 0, position));
    return { ...plain, facts: { ...plain.facts, ...facts } };
  }

  test.each([
    ['a page by its clean URL', '/about', { 'about.html': file() }, { cleanUrls: true }],
    ['a file of the future', '/a.css', { 'a.css': file({ modifiedMs: Date.now() + 1e9 }) }, {}],
  ])('%s is compressed once, however often it is looked for', async (_what, target, files, options) => {
    const { handler, counters, pass } = makeSite(fakeSource(files), options);
    const { port } = await startHandler(handler);
    for (let i = 0; i < 4; i++) {
      expect(codingOf(await ask(port, GZIP_OF(target)))).toBe('gzip');
      pass(1_000);
    }
    expect(counters.compressions).toBe(1);
  });

  test('a file with many concurrent requests is compressed once', async () => {
    const source = fakeSource({ 'a.css': file() });
    const { handler, counters } = makeSite({
      ...source,
      open: (path) => (path === 'a.css' ? null : source.open(path)),
    });
    const { port } = await startHandler(handler);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(port, GZIP_OF('/a.css'))));
    expect(new Set(answers.map(codingOf))).toEqual(new Set(['gzip']));
    expect(counters.compressions).toBe(1);
  });

  test('a file that is replaced before it is read is detected and compressed', async () => {
    let opened = file({ changedMs: 2 });
    const source = fakeSource({ 'a.css': file() });
    const { handler, counters } = makeSite({ ...source, openLater: async () => opened });
    const { port } = await startHandler(handler);
    expect(codingOf(await ask(port, GZIP_OF('/a.css')))).toBe('none');
    opened = file();
    expect(codingOf(await ask(port, GZIP_OF('/a.css')))).toBe('gzip');
    expect(counters.compressions).toBe(1);
  });
});

test('a sibling that temporarily cannot be looked up does not count as missing', async () => {
  const plain = fakeFile(LARGE.length, async (into, position) => LARGE.copy(into, 0, position));
  const files: Record<string, OpenFile | Refusal> = { 'a.css': plain, 'a.css.gz': 'exhausted' };
  const { handler, counters, problems } = makeSite(fakeSource(files));
  const { port } = await startHandler(handler);
  expect(codingOf(await ask(port, get('/a.css', GZIP, 'Range: bytes=0-9')))).toBe('none');
  files['a.css.gz'] = fakeFile(5, async (into) => Buffer.from('ready').copy(into));
  expect((await ask(port, get('/a.css', GZIP))).text).toBe('ready');
  expect([counters.compressions, problems]).toEqual([0, []]);
});

describe('a disk that does not respond', () => {
  /** A source with all files on such a disk; `waits` are the files that a thread waits for. */
  function stuck(read: OpenFile['read'] = async () => 0): { source: FileSource; waits: string[]; free: () => void } {
    const { opened, open } = gate();
    const waits: string[] = [];
    const later = async (path: string): Promise<OpenFile> => {
      waits.push(path);
      await opened;
      return fakeFile(0, read);
    };
    const source = { ...fakeSource({}), open: () => null, look: () => null, openLater: later };
    return { source, waits, free: open };
  }

  test('makes a bounded number of requests wait, and others get 503 at once', async () => {
    const { source, waits, free } = stuck();
    const { handler, problems } = makeSite(source, { pool: new WorkPool(2, 3) });
    const { port } = await startHandler(handler);
    const clients: Client[] = [];
    for (let i = 0; i < 4; i++) clients.push((await connect(port)).send(get(`/${i}`)));
    await until(async () => (await ask(port, get('/more'))).status === 503, 'the pool is full');
    free();
    for (const client of clients) expect((await client.readResponse()).status).toBe(200);
    expect(waits.filter((path) => path !== 'more')).toEqual(['0', '1', '2', '3']);
    expect(problems.at(-1)).toMatch(/maxFileQueue/);
  });

  test('is not read for clients that have disconnected', async () => {
    const { source, waits, free } = stuck();
    const { handler } = makeSite(source, { pool: new WorkPool(2) });
    const { port, server } = await startHandler(handler);
    const first = (await connect(port)).send(get('/first'));
    await until(() => waits.length === 1, 'the first file is searched');
    const others = await Promise.all(Array.from({ length: 10 }, () => connect(port)));
    for (const [i, client] of others.entries()) client.send(get(`/${i}`));
    await until(() => server.stats().requests.handled === 11, 'all requests were handled');
    for (const client of others) client.reset();
    await until(() => server.stats().connections.open === 1, 'the clients disconnected');
    free();
    expect((await first.readResponse()).status).toBe(200);
    expect(waits).toEqual(['first']);
  });

  test.each([
    ['large', 1_000_000],
    ['small', 100_000],
  ])('takes no memory for %s files that wait to be read', async (_what, size) => {
    const { opened, open } = gate();
    const waiting = fakeFile(size, async () => {
      await opened;
      return 0;
    });
    const names = Array.from({ length: 200 }, (_, i) => `${i}.bin`);
    const source = fakeSource(Object.fromEntries(names.map((name) => [name, waiting])));
    const { handler } = makeSite(source, { maxCacheBytes: 1e9, maxCachedFileBytes: 131_072 });
    const { port, server } = await startHandler(handler);
    const before = process.memoryUsage().arrayBuffers;
    const clients = await Promise.all(names.map(() => connect(port)));
    for (const [i, client] of clients.entries()) client.send(get(`/${i}.bin`));
    await until(() => server.stats().requests.handled === names.length, 'all requests were handled');
    const kept = (): number => process.memoryUsage().arrayBuffers - before;
    await settled(() => {
      collect();
      return kept() < 10_000_000;
    }, 2_000);
    expect(kept(), 'bytes').toBeLessThan(10_000_000);
    for (const client of clients) client.reset();
    open();
    await until(() => server.stats().connections.open === 0, 'the clients disconnected');
  });
});

test('many requests for one slow file search its siblings once', async () => {
  const { opened, open } = gate();
  const looked: string[] = [];
  let opens = 0;
  const file = fakeFile(5, async (into) => into.fill(0x78).length);
  const source: FileSource = {
    ...fakeSource({}),
    look: () => null,
    lookLater: async (path) => {
      looked.push(path);
      return 'missing';
    },
    open: () => null,
    openLater: async () => {
      if (++opens > 1) await opened;
      return file;
    },
  };
  const { handler, pass } = makeSite(source);
  const { port, server } = await startHandler(handler);
  expect((await ask(port, get('/x.txt', 'Accept-Encoding: gzip'))).text).toBe('xxxxx');
  expect(looked).toEqual(['x.txt.gz']);
  pass(1_000);
  const clients = await Promise.all(Array.from({ length: 8 }, () => connect(port)));
  for (const client of clients) client.send(get('/x.txt', 'Accept-Encoding: gzip'));
  await until(() => server.stats().requests.handled === 9, 'all requests were handled');
  open();
  for (const client of clients) expect((await client.readResponse()).text).toBe('xxxxx');
  expect(looked).toEqual(['x.txt.gz', 'x.txt.gz']);
});

describe('a listing', () => {
  test('is read once for all waiting clients, and not for disconnected ones', async () => {
    const { opened, open } = gate();
    let lists = 0;
    const folder = fakeFolder([{ name: 'a', isDirectory: false, size: 1, modifiedMs: 0 }]);
    const list: FileSource['list'] = async (...given) => {
      lists++;
      await opened;
      return folder.list(...given);
    };
    const { handler } = makeSite({ ...fakeSource({}), ...folder, list }, { listing: true, pool: new WorkPool(2) });
    const { port, server } = await startHandler(handler);
    const clients = await Promise.all(Array.from({ length: 8 }, () => connect(port)));
    for (const client of clients) client.send(get('/'));
    const gone = (await connect(port)).send(get('/other/'));
    await until(() => server.stats().requests.handled === 9, 'all requests were handled');
    gone.reset();
    await until(() => server.stats().connections.open === 8, 'one client disconnected');
    open();
    for (const client of clients) expect((await client.readResponse()).text).toContain('href="./a"');
    expect(lists).toBe(1);
  });

  test.each([
    ['of few names is read for each request', 2, 3],
    ['of many names is read once in a while', 10_000, 2],
  ])('%s', async (_what, count, expected) => {
    let lists = 0;
    const names = Array.from({ length: count }, (_, i) => ({
      name: `${i}`,
      isDirectory: false,
      size: 1,
      modifiedMs: 0,
    }));
    const folder = fakeFolder(names);
    const list: FileSource['list'] = async (...given) => {
      lists++;
      return folder.list(...given);
    };
    const { handler, pass } = makeSite({ ...fakeSource({}), ...folder, list }, { listing: true });
    const { port } = await startHandler(handler);
    const askOnce = async (): Promise<void> => {
      expect((await ask(port, get('/', 'Accept: application/json'))).text).toContain('"name": "1"');
    };
    await askOnce();
    pass(1);
    await askOnce();
    pass(60_000);
    await askOnce();
    expect(lists).toBe(expected);
  });
});
