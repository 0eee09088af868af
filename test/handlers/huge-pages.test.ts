// Proves that large files which are asked for often are sent from copies in huge pages, within a bound, that nothing
// false comes of a copy, and that nobody misses them where there are none.

import { rename, rm, utimes, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { makeFileCounters } from '../../src/handlers/files/file-counters.ts';
import type { OpenFile } from '../../src/handlers/files/file-source.ts';
import { HugePages } from '../../src/handlers/files/huge-pages.ts';
import { OpenFiles } from '../../src/handlers/files/open-files.ts';
import { makeKind, Representation } from '../../src/handlers/files/representation.ts';
import { Resource, Variant } from '../../src/handlers/files/resource.ts';
import type { Server } from '../../src/index.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { HAS_HUGE_PAGES } from '../support/huge-pages.ts';
import { start } from '../support/serving.ts';
import { startOverShim } from '../support/shim.ts';
import { facts, fakeFile, fakeSource } from '../support/site.ts';
import { until } from '../support/until.ts';

const MIB = 1_048_576;
const PAGE = 2 * MIB;
const OLD = new Date(1_000_000_000_000);
const ENOUGH = 128;

/** Lets everything that was promised happen. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

interface Fake {
  readonly resource: Resource;
  readonly variant: Variant;
  readonly file: OpenFile;
  /** Ends the copying that is under way; false: no copy could be made. */
  finish: (isMade: boolean) => Promise<void>;
  /** Copies that are open. */
  copies: number;
}

/** A file of this size that is kept open, whose copies are made when the test says so. */
function fake(openFiles: OpenFiles, size: number, isSettled = true): Fake {
  const whenAsked: ((isMade: boolean) => void)[] = [];
  const own = { copies: 0 };
  const copy = (onClosed: () => void): OpenFile => {
    own.copies++;
    const close = (): void => {
      own.copies--;
      onClosed();
    };
    return { ...fakeFile(size, async () => 0), isCopy: true, close };
  };
  const file: OpenFile = {
    ...fakeFile(size, async () => 0),
    inHugePages: (onClosed) =>
      new Promise((resolve) => void whenAsked.push((isMade) => resolve(isMade ? copy(onClosed) : null))),
  };
  const kind = makeKind({ mediaType: 'a/b', isCodable: false, cacheControl: undefined }, null, []);
  const representation = new Representation({ kind, size, modifiedMs: 0, fileSize: size }, Date.now());
  const variant = new Variant({ representation, content: null, path: 'a', facts: facts(size) });
  const resource = new Resource({
    plain: variant,
    source: fakeSource({}),
    path: 'a',
    kindOf: () => kind,
    isFirst: true,
    isCodable: false,
    settled: isSettled,
    checkedMs: 0,
  });
  openFiles.keep(variant, file);
  const finish = async (isMade: boolean): Promise<void> => {
    expect(whenAsked, 'copies under way').toHaveLength(1);
    whenAsked.shift()?.(isMade);
    await settled();
  };
  return Object.assign(own, { resource, variant, file, finish });
}

function room(pages: number): {
  openFiles: OpenFiles;
  hugePages: HugePages;
  clock: { nowMs: number };
  ask: (of: Fake, times?: number) => void;
  hits: () => number;
} {
  const clock = { nowMs: 0 };
  const nowMs = (): number => clock.nowMs;
  const openFiles = new OpenFiles({ max: 100, nowMs, later: () => {} });
  const counters = makeFileCounters();
  const hugePages = new HugePages({ maxBytes: pages * PAGE, openFiles, counters, nowMs });
  const ask = ({ resource, variant, file }: Fake, times = ENOUGH): void => {
    for (let i = 0; i < times; i++) hugePages.answered(resource, variant, variant.file ?? file);
  };
  return { openFiles, hugePages, clock, ask, hits: () => counters.copyHits };
}

test('a large file is copied when it was asked for often, and sent from the copy', async () => {
  const { openFiles, hugePages, ask, hits } = room(4);
  const file = fake(openFiles, MIB);
  ask(file, ENOUGH - 1);
  expect(hugePages.bytes).toBe(0);
  ask(file, 1);
  expect(hugePages.bytes, 'room is taken before the copy is there').toBe(PAGE);
  await file.finish(true);
  expect([file.variant.file?.isCopy, file.copies, hits()]).toEqual([true, 1, 0]);
  ask(file, 3 * ENOUGH);
  expect(hits()).toBe(3 * ENOUGH);
  openFiles.drop(file.variant);
  expect([file.copies, hugePages.bytes]).toEqual([0, 0]);
});

test('small files, those of more than a quarter of the room, and those that changed just now are not', () => {
  const { openFiles, hugePages, ask } = room(4);
  for (const [size, isSettled] of [
    [MIB - 1, true],
    [PAGE + 1, true],
    [PAGE, false],
  ] as const) {
    ask(fake(openFiles, size, isSettled), 2 * ENOUGH);
    expect(hugePages.bytes, `${size} bytes`).toBe(0);
  }
  const none = room(0);
  none.ask(fake(none.openFiles, PAGE), 2 * ENOUGH);
  expect(none.hugePages.bytes).toBe(0);
});

test('one is copied at a time; without a page there is none, and the next is tried', async () => {
  const { openFiles, hugePages, ask } = room(4);
  const [a, b] = [fake(openFiles, PAGE), fake(openFiles, PAGE)];
  ask(a);
  ask(b);
  expect(hugePages.bytes).toBe(PAGE);
  await a.finish(false);
  expect([hugePages.bytes, a.variant.file === a.file]).toEqual([0, true]);
  ask(b);
  await b.finish(true);
  expect([hugePages.bytes, b.copies]).toEqual([PAGE, 1]);
});

test('a file that is closed, or another by now, when its copy is there needs none', async () => {
  const { openFiles, hugePages, ask } = room(4);
  const file = fake(openFiles, PAGE);
  ask(file);
  openFiles.drop(file.variant);
  await file.finish(true);
  expect([file.variant.file, file.copies, hugePages.bytes, openFiles.size]).toEqual([null, 0, 0, 0]);
});

test('who was not used for longest makes room, unless all were used just now', async () => {
  const { openFiles, hugePages, clock, ask } = room(4);
  const files = [0, 1, 2, 3, 4].map(() => fake(openFiles, PAGE));
  const [a, b, , , last] = files;
  if (a === undefined || b === undefined || last === undefined) throw new Error('five files');
  for (const file of files.slice(0, 4)) {
    ask(file);
    await file.finish(true);
  }
  ask(last);
  expect([hugePages.bytes, ...files.map(({ copies }) => copies)]).toEqual([4 * PAGE, 1, 1, 1, 1, 0]);
  clock.nowMs = 2_000;
  for (const file of files) if (file !== b) openFiles.use(file.variant)?.close();
  ask(last);
  expect([b.copies, a.copies, hugePages.bytes]).toEqual([0, 1, 4 * PAGE]);
  await last.finish(true);
  expect(last.variant.file?.isCopy).toBe(true);
});

const TEXT = Buffer.from(Array.from({ length: 1_500_000 }, (_, i) => (i * 11) % 251));

/** What copies of one file take: on a system without huge pages nothing is copied, and all else holds. */
const COPY_BYTES = HAS_HUGE_PAGES ? PAGE : 0;

/** Asks for the file until it is sent from a copy; without huge pages, often enough. */
async function makeHot(port: number, server: Server): Promise<void> {
  const { fileCopyHits } = server.stats();
  let asked = 0;
  await until(async () => {
    await ask(port, get('/big.bin', 'Range: bytes=1-9'));
    return HAS_HUGE_PAGES ? server.stats().fileCopyHits > fileCopyHits : ++asked > 2 * ENOUGH;
  }, 'it is sent from a copy');
  expect(server.stats()).toMatchObject({ fileCopyBytes: COPY_BYTES, openFiles: 1 });
}

test('a server sends a large file that is hot from its copy: whole, and in ranges', async () => {
  const root = await folder({ 'big.bin': TEXT });
  await utimes(`${root}/big.bin`, OLD, OLD);
  const { port, server } = await start({ root });
  const first = await ask(port, get('/big.bin'));
  await makeHot(port, server);
  const before = server.stats();
  const whole = await ask(port, get('/big.bin'));
  expect([whole.content.equals(TEXT), whole.field('etag')]).toEqual([true, first.field('etag')]);
  const range = await ask(port, get('/big.bin', 'Range: bytes=-5, 1000000-1000004'));
  expect(range.status).toBe(206);
  expect(range.content.includes(TEXT.subarray(-5)) && range.content.includes(TEXT.subarray(1_000_000, 1_000_005))).toBe(
    true,
  );
  const after = server.stats();
  expect(after.fileCopyHits - before.fileCopyHits).toBe(HAS_HUGE_PAGES ? 2 : 0);
  expect(after.fileSendfileBytes - before.fileSendfileBytes).toBe(TEXT.length + 10);
});

test('a file whose copy is sent is served new within a second, and 404 when it is gone', async () => {
  const root = await folder({ 'big.bin': Buffer.alloc(PAGE, 'a') });
  await utimes(`${root}/big.bin`, OLD, OLD);
  const { port, server } = await start({ root });
  const letters = async (): Promise<string> => [...new Set((await ask(port, get('/big.bin'))).text)].join('');
  await makeHot(port, server);
  await writeFile(`${root}/next`, Buffer.alloc(PAGE, 'b'));
  await utimes(`${root}/next`, OLD, OLD);
  await rename(`${root}/next`, `${root}/big.bin`);
  const seen = new Set<string>();
  await until(async () => seen.add(await letters()).has('b'), 'the one that took its place is served');
  await makeHot(port, server);
  await writeFile(`${root}/big.bin`, Buffer.alloc(PAGE, 'c'), { flag: 'r+' });
  await until(async () => seen.add(await letters()).has('c'), 'what was written to it is served');
  for (const answer of seen) expect(['a', 'b', 'c'], 'every answer was wholly one of them').toContain(answer);
  await rm(`${root}/big.bin`);
  await until(async () => (await ask(port, get('/big.bin'))).status === 404, 'it is gone');
  await until(() => server.stats().fileCopyBytes === 0 && server.stats().openFiles === 0, 'so is its copy');
});

test.each(['memfd_create', 'collapse', 'huge-page'])(
  'without %s large files go as they went before',
  async (missing) => {
    const root = await folder({ 'big.bin': TEXT });
    await utimes(`${root}/big.bin`, OLD, OLD);
    const { port, stats } = await startOverShim(root, { SHIM_NO: missing });
    for (let i = 0; i < 3 * ENOUGH; i++) await ask(port, get('/big.bin', 'Range: bytes=1-9'));
    expect((await ask(port, get('/big.bin'))).content.equals(TEXT)).toBe(true);
    expect(await stats()).toMatchObject({ fileCopyHits: 0, fileCopyBytes: 0, openFiles: 1 });
  },
);

test('a file that cannot be read into a copy does not keep others from having one', async () => {
  const root = await folder({ 'bad.bin': TEXT, 'big.bin': TEXT });
  for (const name of ['bad.bin', 'big.bin']) await utimes(`${root}/${name}`, OLD, OLD);
  const { port, stats } = await startOverShim(root, { SHIM_UNREADABLE: 'bad' });
  for (let i = 0; i < 2 * ENOUGH; i++) await ask(port, get('/bad.bin', 'Range: bytes=1-9'));
  let asked = 0;
  await until(async () => {
    await ask(port, get('/big.bin', 'Range: bytes=1-9'));
    return HAS_HUGE_PAGES ? (await stats()).fileCopyHits > 0 : ++asked > 2 * ENOUGH;
  }, 'the other one is sent from a copy');
});
