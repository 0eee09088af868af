// Tests that entity tags distinguish contents when times do not: build tools give every file the same time, and files of
// two deployments may have the same size.

import { rename, rm, utimes, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { isFixedTime } from '../../src/files/modified-time.ts';
import type { LimitOptions } from '../../src/index.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import type { Answer } from '../support/response.ts';
import { type Site, start } from '../support/serving.ts';
import { until } from '../support/until.ts';

/** Sizes below and above the default limit of cached files, 131,072 bytes. */
const SMALL = 100_000;
const LARGE = 200_000;

/** Two deployments of a file in different folders, with the same name, size and time. */
async function deployTwice(
  limits: LimitOptions,
  size: number,
  seconds: number,
  compression = true,
): Promise<readonly Site[]> {
  return Promise.all(
    ['a', 'b'].map(async (letter) => {
      const root = await folder({ 'x.txt': letter.repeat(size), 'x.txt.gz': gzipSync(letter.repeat(size)) });
      for (const name of ['x.txt', 'x.txt.gz']) await utimes(`${root}/${name}`, seconds, seconds);
      return start({ static: { root, compression }, limits });
    }),
  );
}

const askFor = ({ port }: Site, ...lines: string[]): Promise<Answer> => ask(port, get('/x.txt', ...lines));

const BOUNDS: readonly (readonly [string, LimitOptions, number])[] = [
  ['a tiny one', {}, 100],
  ['one that is kept in memory', {}, SMALL],
  ['one for which there is no room', { maxCacheBytes: 10_000 }, SMALL],
  ['a tiny one for which there is no room', { maxCacheBytes: 0 }, 100],
  ['where nothing is kept open either', { maxCacheBytes: 0, maxOpenFiles: 0 }, SMALL],
];

describe('the tag of a file of at most maxCachedFileBytes depends on its content, cached or not', () => {
  test.each(BOUNDS)('%s', async (_what, limits, size) => {
    // A day in 2001, which no build tool sets.
    for (const seconds of [1, 1_000_000_000]) {
      const [old, next] = await deployTwice(limits, size, seconds);
      const replica = (await deployTwice(limits, size, seconds + 10))[0];
      if (old === undefined || next === undefined || replica === undefined) throw new Error('three sites');
      for (const coding of [[], ['Accept-Encoding: gzip']]) {
        // The first request of a file is a HEAD.
        const head = await ask(old.port, get('/x.txt', ...coding).replace('GET', 'HEAD'), { head: true });
        const tag = head.field('etag') ?? '';
        expect(tag).toMatch(/^"[\w-]{20}(?:-gzip.*)?"$/);
        expect(head.field('last-modified') === undefined).toBe(seconds === 1);
        for (let i = 0; i < 2; i++) {
          expect((await askFor(old, ...coding)).field('etag')).toBe(tag);
          expect((await askFor(replica, ...coding)).field('etag'), 'a replica').toBe(tag);
          expect((await askFor(old, ...coding, `If-None-Match: ${tag}`)).status).toBe(304);
          expect((await askFor(old, ...coding, `If-Range: ${tag}`, 'Range: bytes=0-1')).status).toBe(206);
          const fresh = await askFor(
            next,
            ...coding,
            `If-None-Match: ${tag}`,
            `If-Modified-Since: ${new Date().toUTCString()}`,
          );
          expect([fresh.status, fresh.field('etag') === tag]).toEqual([200, false]);
          expect((await askFor(next, ...coding, `If-Range: ${tag}`, 'Range: bytes=0-1')).status).toBe(200);
          expect((await askFor(next, ...coding, `If-Match: ${tag}`)).status).toBe(412);
        }
      }
    }
  });

  test('an overwritten file has a different tag, even with equal size and time', async () => {
    for (const maxCacheBytes of [33_554_432, 0]) {
      const root = await folder({ 'x.txt': 'one', 'next.txt': 'two' });
      for (const name of ['x.txt', 'next.txt']) await utimes(`${root}/${name}`, 1, 1);
      const site = await start({ static: root, limits: { maxCacheBytes } });
      const tag = (await askFor(site)).field('etag');
      await rename(`${root}/next.txt`, `${root}/x.txt`);
      await until(
        async () => (await askFor(site, `If-None-Match: ${tag}`)).text === 'two',
        'the new content is served',
      );
      await writeFile(`${root}/x.txt`, 'six');
      await utimes(`${root}/x.txt`, 1, 1);
      await until(
        async () => (await askFor(site, `If-None-Match: ${tag}`)).text === 'six',
        'the new content is served',
      );
      await rm(`${root}/x.txt`);
    }
  });

  test('a variant compressed here has a content tag, whatever its size', async () => {
    const sites = await Promise.all(
      ['a', 'b'].map(async (letter) => {
        const root = await folder({ 'x.txt': letter.repeat(LARGE) });
        await utimes(`${root}/x.txt`, 1, 1);
        return start({ static: root });
      }),
    );
    const tags = await Promise.all(
      sites.map(async (site) => (await askFor(site, 'Accept-Encoding: gzip')).field('etag')),
    );
    expect(tags).toEqual([expect.stringMatching(/^".{20}-gzip-/), expect.stringMatching(/^".{20}-gzip-/)]);
    expect(new Set(tags).size).toBe(2);
  });
});

test('a larger file with a fixed build time has no validators, and conditions never match it', async () => {
  const [old, next] = await deployTwice({}, LARGE, 315_532_800, false);
  if (old === undefined || next === undefined) throw new Error('two sites');
  const first = await askFor(old);
  expect([first.field('etag'), first.field('last-modified')]).toEqual([undefined, undefined]);
  const date = 'Tue, 01 Jan 1980 00:00:00 GMT';
  const dateNow = new Date().toUTCString();
  for (const line of [
    'If-None-Match: "4975c8f400-30d40"',
    'If-None-Match: W/"4975c8f400-30d40"',
    'If-None-Match: ""',
    'If-None-Match: ',
    `If-Modified-Since: ${date}`,
    `If-Modified-Since: ${dateNow}`,
    `If-Unmodified-Since: ${date}`,
  ]) {
    expect((await askFor(next, line)).status, line).toBe(200);
  }
  for (const line of [`If-Range: ${date}`, 'If-Range: "4975c8f400-30d40"', 'If-Range: ""']) {
    expect((await askFor(next, line, 'Range: bytes=0-9')).status, line).toBe(200);
  }
  expect((await askFor(next, 'Range: bytes=0-9')).status, 'a range alone').toBe(206);
  expect((await askFor(next, 'If-None-Match: *')).status).toBe(304);
  expect((await askFor(next, 'If-Match: "4975c8f400-30d40"')).status).toBe(412);
  expect((await askFor(next, 'If-Match: *')).status).toBe(200);
});

test('only the fixed times of build tools are recognised', () => {
  const fixed = {
    'OSTree, SOURCE_DATE_EPOCH=0': 0,
    'Nix, Guix': 1,
    'an empty time in zip': 312_768_000,
    'nixpkgs, bazel': 315_532_800,
    buildpacks: 315_532_801,
    'zip, unpacked in Tokyo': 315_532_800 - 9 * 3_600,
    'zip, unpacked in New York': 315_532_800 + 5 * 3_600,
    'strip-nondeterminism': 315_576_060,
    Gradle: 318_211_200,
    Yarn: 456_789_000,
    npm: 499_162_500,
    rules_pkg: 946_684_800,
    'singlejar in Kathmandu': 1_262_304_000 - 20_700,
  };
  for (const [tool, seconds] of Object.entries(fixed)) expect(isFixedTime(seconds * 1_000), tool).toBe(true);
  for (const seconds of [-1, 2, 86_400, 1_000_000_000, 946_684_801, 1_262_304_001, 1_262_304_000 + 15 * 3_600]) {
    expect(isFixedTime(seconds * 1_000), String(seconds)).toBe(false);
  }
});
