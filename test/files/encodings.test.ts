// Tests which content coding a client gets: that of a sibling file or of the server, with the right fields.

import { randomBytes } from 'node:crypto';
import { rename, rm, utimes, writeFile } from 'node:fs/promises';
import zlib, { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { acceptedCodings, canCompress } from '../../src/files/codings.ts';
import type { OpenFile, Refusal } from '../../src/files/file-source.ts';
import { ask, get } from '../support/client.ts';
import { folder, type Tree } from '../support/folder.ts';
import type { Answer } from '../support/response.ts';
import { type Site, start, startHandler, stopClock } from '../support/serving.ts';
import { fakeFile, fakeSource, makeSite } from '../support/site.ts';
import { until } from '../support/until.ts';

const STYLE = 'body { margin: 0; color: #222 }\n'.repeat(100);
const BROWSER = 'Accept-Encoding: gzip, deflate, br';

async function startTree(tree: Tree): Promise<Site & { readonly root: string }> {
  const root = await folder(tree);
  for (const name of Object.keys(tree)) await utimes(`${root}/${name}`, 1_600_000_000, 1_600_000_000);
  return { ...(await start({ static: root })), root };
}

/** Node.js 20 has no zstd. */
function unzstd(content: Buffer): string {
  const decompress: unknown = Reflect.get(zlib, 'zstdDecompressSync');
  if (typeof decompress !== 'function') throw new Error('this Node.js has no zstd');
  return String(decompress(content));
}

const decoded = ({ content, field }: Answer): string => {
  const coding = field('content-encoding');
  if (coding === 'br') return brotliDecompressSync(content).toString();
  if (coding === 'zstd') return unzstd(content);
  return coding === 'gzip' ? gunzipSync(content).toString() : content.toString();
};

test.each([
  ['gzip', 'gzip'],
  ['GZIP', 'gzip'],
  ['br', 'br'],
  ['gzip, deflate, br', 'br'],
  ['gzip;q=1.0, br;q=0.5', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['*', 'br'],
  ['br;q=0, zstd;q=0, *', 'gzip'],
  ['br;q=0, *', canCompress('zstd') ? 'zstd' : 'gzip'],
  ['gzip;q=0, *;q=0', undefined],
  ['gzip;q=0', undefined],
  ['gzip; q = 0.000', undefined],
  ['identity', undefined],
  ['identity;q=1, gzip;q=0.5', undefined],
  ['deflate', undefined],
  ['', undefined],
])('Accept-Encoding: %s gets %s', async (accepted, coding) => {
  const { port } = await startTree({ 'a.css': STYLE });
  for (let i = 0; i < 2; i++) {
    const answer = await ask(port, get('/a.css', `Accept-Encoding: ${accepted}`));
    expect(answer.field('content-encoding')).toBe(coding);
    expect(answer.field('vary')).toBe('Accept-Encoding');
    expect(decoded(answer)).toBe(STYLE);
    expect(answer.content.length < STYLE.length).toBe(coding !== undefined);
  }
});

test('zstd is used only if Node.js has it', async () => {
  const { port } = await startTree({ 'a.css': STYLE });
  const decompress: unknown = Reflect.get(zlib, 'zstdDecompressSync');
  const answer = await ask(port, get('/a.css', 'Accept-Encoding: zstd'));
  expect(answer.field('vary')).toBe('Accept-Encoding');
  if (typeof decompress === 'function') {
    expect(answer.field('content-encoding')).toBe('zstd');
    expect(String(decompress(answer.content))).toBe(STYLE);
  } else {
    expect(answer.field('content-encoding')).toBeUndefined();
    expect(answer.text).toBe(STYLE);
  }
});

test('a large sibling is sent from its open file, also in ranges and after a change', async () => {
  const [first, second] = [randomBytes(300_000), randomBytes(300_000)];
  const goOn = stopClock();
  const { port, server, root } = await startTree({ 'a.js': STYLE, 'a.js.br': first, next: second });
  const part = 'Accept-Encoding: br\r\nRange: bytes=1000-200999';
  for (let i = 0; i < 3; i++) {
    expect((await ask(port, get('/a.js', 'Accept-Encoding: br'))).content.equals(first)).toBe(true);
    const answer = await ask(port, get('/a.js', part));
    expect([answer.status, answer.field('content-range')]).toEqual([206, 'bytes 1000-200999/300000']);
    expect(answer.content.equals(first.subarray(1_000, 201_000))).toBe(true);
  }
  expect(server.stats()).toMatchObject({ files: { open: 1, openHits: 5 } });
  goOn();
  const tag = (await ask(port, get('/a.js', 'Accept-Encoding: br'))).field('etag');
  await rename(`${root}/next`, `${root}/a.js.br`);
  await utimes(`${root}/a.js.br`, 1_600_000_001, 1_600_000_001);
  await until(
    async () => (await ask(port, get('/a.js', 'Accept-Encoding: br'))).content.equals(second),
    'the new one is served',
  );
  const mixed = await ask(port, get('/a.js', `${part}\r\nIf-Range: ${tag}`));
  expect([mixed.status, mixed.content.length], 'no part of another file').toEqual([200, 300_000]);
  expect(server.stats().files.open).toBe(1);
});

test('a file is compressed once for each coding, even for many concurrent requests', async () => {
  stopClock();
  const { port, server } = await startTree({ 'a.css': STYLE });
  for (let round = 0; round < 2; round++) {
    await Promise.all(Array.from({ length: 8 }, () => ask(port, get('/a.css', BROWSER))));
    await Promise.all(Array.from({ length: 8 }, () => ask(port, get('/a.css', 'Accept-Encoding: gzip'))));
  }
  expect(server.stats().files.compressions).toBe(2);
});

test('siblings are sent unchanged, and preferred to compression', async () => {
  const zipped = gzipSync('another content, to tell it apart'.repeat(50));
  const { port, server } = await startTree({
    'a.css': STYLE,
    'a.css.gz': zipped,
    'b.css': STYLE,
    'b.css.zst': 'zstd!',
  });
  const answer = await ask(port, get('/a.css', BROWSER));
  expect(answer.content.equals(zipped)).toBe(true);
  expect(answer.field('content-encoding')).toBe('gzip');
  expect(answer.field('content-type')).toBe('text/css; charset=utf-8');
  expect((await ask(port, get('/b.css', 'Accept-Encoding: zstd'))).text).toBe('zstd!');
  expect(server.stats().files.compressions).toBe(0);
  expect((await ask(port, get('/a.css.gz', BROWSER))).field('content-encoding'), 'the sibling itself').toBe(undefined);
});

test('a sibling that is too large for memory is sent from disk, with its own ranges', async () => {
  const large = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251));
  const { port, server } = await startTree({ 'a.js': STYLE, 'a.js.br': large });
  expect((await ask(port, get('/a.js', BROWSER))).content.equals(large)).toBe(true);
  const part = await ask(port, get('/a.js', BROWSER, 'Range: bytes=100-200000'));
  expect(part).toMatchObject({ status: 206 });
  expect(part.field('content-range')).toBe('bytes 100-200000/300000');
  expect(part.field('content-encoding')).toBe('br');
  expect(part.content.equals(large.subarray(100, 200_001))).toBe(true);
  expect(server.stats().files.sendfileBytes).toBe(large.length + 199_901);
});

test('each coding has its own entity tag, also for 304', async () => {
  const { port } = await startTree({ 'a.css': STYLE });
  const tags = [];
  for (const accepted of ['', 'gzip', 'br']) {
    const line = `Accept-Encoding: ${accepted}`;
    const etag = (await ask(port, get('/a.css', line))).field('etag') ?? '';
    expect(etag).toMatch(/^"/);
    tags.push(etag);
    const unchanged = await ask(port, get('/a.css', line, `If-None-Match: ${etag}`));
    expect(unchanged.status).toBe(304);
    expect([unchanged.field('etag'), unchanged.field('vary')]).toEqual([etag, 'Accept-Encoding']);
    const part = await ask(port, get('/a.css', line, `If-Range: ${etag}`, 'Range: bytes=0-9'));
    const whole = await ask(port, get('/a.css', line));
    expect([part.status, part.content.equals(whole.content.subarray(0, 10))]).toEqual([206, true]);
  }
  expect(new Set(tags).size).toBe(3);
  const other = await ask(port, get('/a.css', 'Accept-Encoding: gzip', `If-None-Match: ${tags[2]}`));
  expect(other.status).toBe(200);
});

test('files that are small, compressed, too large or incompressible are sent uncompressed', async () => {
  const { port, server } = await startTree({
    'small.css': 'x'.repeat(1_024),
    'photo.png': STYLE,
    'photo.png.gz': 'never looked for',
    'large.txt': 'x'.repeat(8_388_609),
    'noise.txt': randomBytes(5_000),
  });
  for (const name of ['small.css', 'photo.png', 'large.txt', 'noise.txt', 'noise.txt']) {
    const answer = await ask(port, get(`/${name}`, BROWSER));
    expect(answer.field('content-encoding'), name).toBe(undefined);
    expect(answer.field('vary'), name).toBe(name === 'photo.png' ? undefined : 'Accept-Encoding');
  }
  expect(server.stats().files.compressions, 'the noise, with either coding, once').toBe(2);
});

test('a file that is too large to cache is compressed once, then cached compressed', async () => {
  const { port, server } = await startTree({ 'a.txt': STYLE.repeat(200) });
  for (let i = 0; i < 3; i++) expect(decoded(await ask(port, get('/a.txt', BROWSER)))).toBe(STYLE.repeat(200));
  expect(server.stats()).toMatchObject({ files: { compressions: 1, sendfileBytes: 0 } });
});

test('a changed file is compressed again, and a changed sibling is sent', async () => {
  const { port, root } = await startTree({ 'a.css': STYLE, 'b.css': STYLE, 'b.css.gz': 'old' });
  expect(decoded(await ask(port, get('/a.css', BROWSER)))).toBe(STYLE);
  await writeFile(`${root}/a.css`, STYLE.toUpperCase());
  await until(
    async () => decoded(await ask(port, get('/a.css', BROWSER))) === STYLE.toUpperCase(),
    'the new file is served',
  );
  expect((await ask(port, get('/b.css', 'Accept-Encoding: gzip'))).text).toBe('old');
  await writeFile(`${root}/b.css.gz`, 'newer');
  await until(
    async () => (await ask(port, get('/b.css', 'Accept-Encoding: gzip'))).text === 'newer',
    'the new sibling is served',
  );
  await rm(`${root}/b.css.gz`);
  await until(
    async () => decoded(await ask(port, get('/b.css', BROWSER))) === STYLE,
    'the sibling is no longer served',
  );
});

test('a sibling that is added later is used within a second', async () => {
  const { port, root, server } = await startTree({ 'a.css': STYLE, 'tiny.css': 'a{}' });
  expect(decoded(await ask(port, get('/a.css', 'Accept-Encoding: gzip')))).toBe(STYLE);
  expect((await ask(port, get('/tiny.css', 'Accept-Encoding: gzip'))).field('content-encoding')).toBe(undefined);
  await writeFile(`${root}/a.css.gz`, 'later');
  await writeFile(`${root}/tiny.css.gz`, 'tiny');
  await until(
    async () => (await ask(port, get('/a.css', 'Accept-Encoding: gzip'))).text === 'later',
    'the sibling is served',
  );
  await until(
    async () => (await ask(port, get('/tiny.css', 'Accept-Encoding: gzip'))).text === 'tiny',
    'the sibling is served',
  );
  expect(server.stats().files.compressions, 'nothing was compressed again meanwhile').toBe(1);
});

test('a sibling older than its file is not sent until it is updated', async () => {
  const old = gzipSync('what the file held before');
  const { port, root } = await startTree({
    'a.css': STYLE,
    'a.css.gz': old,
    'a.css.br': 'br',
    'b.css': STYLE,
    'b.css.gz': old,
  });
  const at = (name: string, seconds: number): Promise<void> => utimes(`${root}/${name}`, seconds, seconds);
  await Promise.all([at('a.css', 1_000_000_001.2), at('a.css.gz', 1_000_000_000.9), at('a.css.br', 1_000_000_000)]);
  // Created with the time of its file, in whole seconds.
  await Promise.all([at('b.css', 1_000_000_001.9), at('b.css.gz', 1_000_000_001)]);
  for (const coding of ['gzip', 'br']) {
    const answer = await ask(port, get('/a.css', `Accept-Encoding: ${coding}`));
    expect(answer.field('content-encoding')).toBe(coding);
    expect((coding === 'gzip' ? gunzipSync : brotliDecompressSync)(answer.content).toString()).toBe(STYLE);
  }
  expect((await ask(port, get('/b.css', 'Accept-Encoding: gzip'))).content.equals(old), 'as old as its file').toBe(
    true,
  );
  const next = gzipSync('made anew');
  await writeFile(`${root}/a.css.gz`, next);
  await until(
    async () => (await ask(port, get('/a.css', 'Accept-Encoding: gzip'))).content.equals(next),
    'the sibling is served',
  );
  await writeFile(`${root}/b.css`, 'b { color: red }');
  await until(
    async () => (await ask(port, get('/b.css', 'Accept-Encoding: gzip'))).text === 'b { color: red }',
    'the new file is served',
  );
});

test('files of up to 8 MiB are compressed', async () => {
  const { port, server } = await startTree({ 'a.js': 'a'.repeat(8_388_608) });
  const answer = await ask(port, get('/a.js', 'Accept-Encoding: gzip'));
  expect(answer.field('content-encoding')).toBe('gzip');
  expect(gunzipSync(answer.content).length).toBe(8_388_608);
  expect(server.stats().files.compressions).toBe(1);
});

test('an unreadable sibling is ignored, and reported once', async () => {
  const plain = fakeFile(STYLE.length, async (into, position) => Buffer.from(STYLE).copy(into, 0, position));
  const { handler, problems, counters, pass } = makeSite(fakeSource({ 'a.css': plain, 'a.css.gz': 'forbidden' }));
  const { port } = await startHandler(handler);
  for (let i = 0; i < 3; i++) {
    expect(decoded(await ask(port, get('/a.css', 'Accept-Encoding: gzip')))).toBe(STYLE);
    pass(1_000);
  }
  expect(problems).toEqual(['a.css.gz cannot be used: forbidden']);
  expect(counters.compressions).toBe(1);
});

test('a sibling on a slow disk is found, even after the pool was full', async () => {
  const plain = fakeFile(STYLE.length, async (into, position) => Buffer.from(STYLE).copy(into, 0, position));
  const sibling = fakeFile(5, async (into) => Buffer.from('later').copy(into));
  const files: Record<string, OpenFile | Refusal> = { 'a.css': plain };
  const source = fakeSource(files);
  const isSibling = (path: string): boolean => path.endsWith('.gz');
  const { handler, counters, pass } = makeSite({
    ...source,
    look: (path) => (isSibling(path) ? null : source.look(path)),
    open: (path) => (isSibling(path) ? null : source.open(path)),
  });
  const { port } = await startHandler(handler);
  const asked = async (): Promise<Answer> => {
    pass(1_000);
    return ask(port, get('/a.css', 'Accept-Encoding: gzip'));
  };
  for (let i = 0; i < 3; i++) expect(decoded(await asked())).toBe(STYLE);
  files['a.css.gz'] = 'exhausted';
  for (let i = 0; i < 3; i++) expect(decoded(await asked())).toBe(STYLE);
  expect(counters.compressions).toBe(1);
  files['a.css.gz'] = sibling;
  await until(async () => (await asked()).text === 'later', 'the sibling is served');
});

test('compression can be turned off', async () => {
  const root = await folder({ 'a.css': STYLE, 'a.css.gz': 'x' });
  const { port } = await start({ static: { root, compression: false } });
  const answer = await ask(port, get('/a.css', BROWSER));
  expect([answer.field('content-encoding'), answer.field('vary'), answer.text]).toEqual([undefined, undefined, STYLE]);
});

test.each([
  ['gzip;q=0.9, br;q=0.8', ['gzip', 'br']],
  ['gzip, br', ['br', 'gzip']],
  ['zstd;q=0.1, gzip;q=0.2', ['gzip', 'zstd']],
  ['gzip;q=0.5, identity;q=0.5, br;q=0.4', ['gzip']],
  ['br;q=0, *', ['zstd', 'gzip']],
  ['*, br;q=0.5', ['zstd', 'gzip', 'br']],
  ['*;q=0, gzip', ['gzip']],
  ['gzip;q=0, gzip', []],
  ['gzip;q=half, br', ['br']],
  ['gzip;q=0x1, zstd;q=2, br;q=1e-1, br', []],
  ['gzip;q=1.000, br;q=0.', ['gzip']],
])('%s accepts %j, in this order', (field, codings) => {
  expect(acceptedCodings(field)).toEqual(codings);
});

test('the cache of Accept-Encoding values is bounded', () => {
  for (let i = 0; i < 2_000; i++) expect(acceptedCodings(`x${i}, gzip`)).toEqual(['gzip']);
  expect(acceptedCodings(`${'x,'.repeat(1_000)}gzip`)).toEqual(['gzip']);
});

test('gzip and Brotli are available, and zstd if Node.js has it', () => {
  expect(['br', 'gzip'].map((coding) => canCompress(coding === 'br' ? 'br' : 'gzip'))).toEqual([true, true]);
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  expect(canCompress('zstd')).toBe(major > 23 || (major === 23 && minor >= 8) || (major === 22 && minor >= 15));
});
