// Tests that a listing has every name of a folder, that its pages are built once for all requests, and that large folders
// take little time and memory.

import { rm, utimes, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { FileSource, ListedName } from '../../src/files/file-source.ts';
import { FolderNames } from '../../src/files/folder-names.ts';
import { humanSize } from '../../src/files/listing-page.ts';
import { Listings } from '../../src/files/listings.ts';
import { RecentValues } from '../../src/files/recent-values.ts';
import { WorkPool } from '../../src/files/work-pool.ts';
import { ask, connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { expectLinear } from '../support/growth.ts';
import { start, startHandler } from '../support/serving.ts';
import { fakeFolder, fakeSource, makeSite } from '../support/site.ts';
import { until } from '../support/until.ts';

const JSON_ONLY = 'Accept: application/json';

function files(count: number): readonly ListedName[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `file-${String(i).padStart(6, '0')}.txt`,
    isDirectory: false,
    size: i,
    modifiedMs: 1_000_000,
  }));
}

interface Shelf {
  readonly port: number;
  readonly pass: (ms: number) => void;
  /** The calls of the source for all names, and for facts of some names. */
  readonly calls: { list: number; describe: number };
}

async function shelve(listed: readonly ListedName[], changed: Partial<FileSource> = {}): Promise<Shelf> {
  const calls = { list: 0, describe: 0 };
  const given = { ...fakeFolder(listed), ...changed };
  const counted: Pick<FileSource, 'list' | 'describe'> = {
    list: (...about) => {
      calls.list++;
      return given.list(...about);
    },
    describe: (...about) => {
      calls.describe++;
      return given.describe(...about);
    },
  };
  const { handler, pass } = makeSite({ ...fakeSource({}), ...counted }, { listing: true });
  const { port } = await startHandler(handler);
  return { port, pass, calls };
}

function linksOf(html: string): readonly string[] {
  return [...html.matchAll(/href="\.\/([^"]*)"/g)].map(([, link]) => link ?? '');
}

test('12,000 names are listed in order, on pages with links to the next', async () => {
  const { port } = await shelve(files(12_000));
  const names: string[] = [];
  let query = '';
  for (let page = 1; page <= 12; page++) {
    const answer = await ask(port, get(`/${query}`));
    expect(answer.text).toContain(`Page ${page} of 12`);
    names.push(...linksOf(answer.text));
    query = /rel="next" href="([^"]*)"/.exec(answer.text)?.[1] ?? 'none';
    expect(answer.field('link')?.includes(`<${query}>; rel="next"`), `page ${page}`).toBe(page < 12);
    expect(/rel="prev" href="([^"]*)"/.exec(answer.text)?.[1]).toBe(page === 1 ? undefined : `?page=${page - 1}`);
  }
  expect(query).toBe('none');
  expect(names).toEqual(files(12_000).map(({ name }) => name));
  const json = await ask(port, get('/', JSON_ONLY));
  expect(JSON.parse(json.text).map(({ name }: ListedName) => name)).toEqual(names);
  expect(json.field('link')).toBeUndefined();
});

test('JSON listings have pages too, a missing page is 404, and the first needs no number', async () => {
  const { port } = await shelve(files(20_001));
  const first = await ask(port, get('/?a=b', JSON_ONLY));
  expect([JSON.parse(first.text).length, first.field('link')]).toEqual([20_000, '<?page=2>; rel="next"']);
  const second = await ask(port, get('/?a=b&page=2', JSON_ONLY));
  expect([JSON.parse(second.text).length, second.field('link')]).toEqual([1, '<?page=1>; rel="prev"']);
  expect((await ask(port, get('/?page=3', JSON_ONLY))).status).toBe(404);
  expect((await ask(port, get('/?page=22'))).status).toBe(404);
  for (const query of ['?page=', '?page=0', '?page=-1', '?page=1e3', '?page=x', '?homepage=7', '?page=99999999']) {
    expect((await ask(port, get(`/${query}`))).text, query).toContain('Page 1 of 21');
  }
});

test('a page is updated when some of its files were deleted', async () => {
  const tree = Object.fromEntries(files(1_100).map(({ name }) => [name, '']));
  const root = await folder({ ...tree, 'sub/x': '', '.hidden': '' });
  const { port } = await start({ static: { root, listing: true } });
  const first = linksOf((await ask(port, get('/'))).text);
  expect([first.length, first[0], first[1]]).toEqual([1_000, 'sub/', 'file-000000.txt']);
  expect(linksOf((await ask(port, get('/?page=2'))).text)).toHaveLength(101);
  await rm(`${root}/file-000000.txt`);
  await until(
    async () => linksOf((await ask(port, get('/'))).text)[1] === 'file-000001.txt',
    'the deleted file is not listed',
  );
  expect((await ask(port, get('/?page=2'))).text).not.toContain('hidden');
});

test('a page and its JSON have their own entity tags, which change with a file', async () => {
  const root = await folder({ 'a.txt': '1' });
  await utimes(`${root}/a.txt`, 1_000, 1_000);
  const { port } = await start({ static: { root, listing: true } });
  const page = await ask(port, get('/'));
  const json = await ask(port, get('/', JSON_ONLY));
  const [tag = '', jsonTag = ''] = [page.field('etag'), json.field('etag')];
  expect(tag).toMatch(/^"[\w-]{22}"$/);
  expect(jsonTag).not.toBe(tag);
  const ask304 = await ask(port, get('/', `If-None-Match: ${tag}`));
  expect([ask304.status, ask304.text, ask304.field('etag'), ask304.field('vary')]).toEqual([304, '', tag, 'Accept']);
  expect((await ask(port, get('/', JSON_ONLY, `If-None-Match: ${jsonTag}`))).status).toBe(304);
  expect((await ask(port, get('/', JSON_ONLY, `If-None-Match: ${tag}`))).status).toBe(200);
  expect((await ask(port, get('/', 'If-Match: "other"'))).status).toBe(412);
  // A listing has no Last-Modified.
  for (const field of ['If-Modified-Since', 'If-Unmodified-Since'])
    expect((await ask(port, get('/', `${field}: Sat, 29 Oct 1994 19:43:31 GMT`))).status, field).toBe(200);
  const head = await (await connect(port)).send(get('/').replace('GET', 'HEAD')).readResponse({ head: true });
  expect([head.status, head.field('etag'), head.field('content-length')]).toEqual([200, tag, `${page.content.length}`]);
  await writeFile(`${root}/a.txt`, '12345');
  await until(async () => (await ask(port, get('/', `If-None-Match: ${tag}`))).status === 200, 'the page has changed');
});

test('a folder with too many names is listed with a notice', async () => {
  const names = new FolderNames({
    text: Buffer.from('a\0'),
    starts: new Uint32Array([0, 2]),
    isCut: true,
    state: '',
  });
  const { port } = await shelve(files(0), {
    list: async () => names,
    describe: async () => [{ name: 'a', isDirectory: false, size: 1, modifiedMs: 0 }],
  });
  expect((await ask(port, get('/'))).text).toMatch(/<p class="note">.*more names than are listed.*1,048,576/);
  expect((await ask(port, get('/', JSON_ONLY))).field('x-listing-incomplete')).toContain('more names');
});

test('pages are cached, and names are read once for all pages', async () => {
  const known: (FolderNames | null)[] = [];
  const shelf = fakeFolder(files(12_000));
  const { port, pass, calls } = await shelve([], {
    describe: shelf.describe,
    list: async (path, showsHidden, names) => {
      known.push(names);
      return names ?? shelf.list(path, showsHidden, null);
    },
  });
  const requests = ['/', '/?page=2', '/?page=12', '/'].map((target) => ask(port, get(target)));
  for (const request of requests) expect((await request).status).toBe(200);
  for (let i = 0; i < 5; i++) await ask(port, get('/?page=2'));
  expect(calls).toEqual({ list: 1, describe: 3 });
  pass(25_000);
  await ask(port, get('/?page=2'));
  expect([known.length, known[1]?.count]).toEqual([2, 12_000]);
  pass(60_000);
  await ask(port, get('/?page=2'));
  expect(known[2], 'some file systems tell no change').toBeNull();
});

test('a listing is not built when all its clients have disconnected', async () => {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const shelf = fakeFolder(files(10));
  let described = 0;
  const list: FileSource['list'] = async (...about) => {
    await opened;
    return shelf.list(...about);
  };
  const describe: FileSource['describe'] = async (...about) => {
    described++;
    return shelf.describe(...about);
  };
  const source = { ...fakeSource({}), list, describe };
  const { handler } = makeSite(source, { listing: true, pool: new WorkPool(2) });
  const { port, server } = await startHandler(handler);
  const gone = (await connect(port)).send(get('/'));
  await until(() => server.stats().requests.handled === 1, 'the request was handled');
  gone.reset();
  await until(() => server.stats().connections.open === 0, 'the client disconnected');
  open();
  expect((await ask(port, get('/other/'))).status).toBe(200);
  expect(described).toBe(1);
});

test('errors of a listing are reported like those of a file', async () => {
  const { port } = await shelve(files(10), { describe: async () => 'forbidden' });
  expect((await ask(port, get('/'))).status).toBe(403);
  const failing = await shelve(files(10), {
    list: async () => {
      throw new Error('on purpose');
    },
  });
  expect((await ask(failing.port, get('/'))).status).toBe(500);
  const { port: of } = await shelve(files(0));
  expect((await ask(of, get('/'))).text).toContain('This folder is empty.');
  expect((await ask(of, get('/', JSON_ONLY))).text).toBe('[]\n');
});

test('hosts have their own listings', async () => {
  const [root, other] = [await folder({ 'a.txt': '' }), await folder({ 'b.txt': '' })];
  const { port } = await start({ static: { root, listing: true, hosts: { 'b.example': other } } });
  const namesOf = async (host: string): Promise<readonly string[]> =>
    linksOf((await ask(port, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).text);
  for (let i = 0; i < 2; i++)
    expect([await namesOf('a.example'), await namesOf('b.example')]).toEqual([['a.txt'], ['b.txt']]);
});

test('dotfiles and response fields of listings are those of the host', async () => {
  const [root, other] = [await folder({ 'a.txt': '', '.b': '' }), await folder({ 'a.txt': '', '.b': '' })];
  const hosts = { 'b.example': { root: other, dotfiles: true, securityHeaders: false } };
  const { port } = await start({ static: { root, listing: true, hosts } });
  const look = async (host: string): Promise<unknown> => {
    const answer = await ask(port, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    return [linksOf(answer.text), answer.field('x-content-type-options')];
  };
  expect(await look('a.example')).toEqual([['a.txt'], 'nosniff']);
  expect(await look('b.example')).toEqual([['.b', 'a.txt'], undefined]);
});

test('each release has its own names and pages, even while those of another are being built', async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const [one, two] = [['old'], ['new', 'newer']].map((names) =>
    fakeFolder(names.map((name) => ({ name, isDirectory: false, size: 1, modifiedMs: 0 }))),
  );
  const known: unknown[] = [];
  const oldSource: FileSource = { ...fakeSource({}), ...one };
  const slow: FileSource = { ...oldSource, describe: (...about) => held.then(() => oldSource.describe(...about)) };
  const newSource: FileSource = { ...fakeSource({}), ...two };
  const listings = new Listings({ pool: new WorkPool(), nowMs: () => 0, maxFreshMs: 1_000_000 });
  const page = async (source: FileSource): Promise<string> => {
    const place = { source, path: '', prefix: [] };
    const about = { key: '/', path: '/', isJson: true, page: 1, showsHidden: false, extra: [] };
    const made = await listings.page({ ...about, place }, { ended: false });
    return made === null || typeof made === 'string' ? String(made) : made.content.toString();
  };
  const list: FileSource['list'] = (path, showsHidden, names) => {
    known.push(names);
    return newSource.list(path, showsHidden, names);
  };
  const followed = { ...newSource, list };
  const before = page(slow);
  expect(await page(followed)).toContain('newer');
  release();
  expect(await before).toContain('old');
  expect(await page(followed)).toContain('newer');
  expect(
    known.every((each) => each === null),
    'the names of another release are not known',
  ).toBe(true);
});

test('the first page costs the same for any number of names', async () => {
  await expectLinear((size) => {
    const { list, describe } = fakeFolder(files(size));
    const names = list('', false, null);
    const source = { ...fakeSource({}), list: () => names, describe };
    const { handler, pass } = makeSite(source, { listing: true });
    const served = startHandler(handler);
    return async () => {
      pass(100_000);
      expect((await ask((await served).port, get('/'))).status).toBe(200);
    };
  }, 2_000);
});

test.each([
  [0, '0 B'],
  [1_023, '1023 B'],
  [1_024, '1.0 KiB'],
  [1_536, '1.5 KiB'],
  [10_188, '9.9 KiB'],
  [10_189, '10 KiB'],
  [1_048_063, '1023 KiB'],
  [1_048_064, '1.0 MiB'],
  [5 * 2 ** 30, '5.0 GiB'],
  [2 ** 53, '8.0 PiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(humanSize(bytes)).toBe(text);
});

test('the cache of recent values is bounded in bytes and in number', () => {
  const values = new RecentValues<string>(100, 3);
  const there = (): readonly string[] => ['a', 'b', 'c', 'd'].filter((key) => values.get(key) !== undefined);
  for (const key of ['a', 'b', 'c']) values.set(key, key, 10);
  values.set('a', 'again', 10);
  values.set('d', 'd', 10);
  expect(there()).toEqual(['a', 'c', 'd']);
  values.set('b', 'b', 85);
  expect(there()).toEqual(['b', 'd']);
  values.set('c', 'c', 101);
  expect(there()).toEqual([]);
  values.set('a', 'a', 100);
  expect(there()).toEqual(['a']);
});
