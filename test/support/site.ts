// Sites with a simulated file source, so that files can be slow, fail or have wrong facts below the real handler.

import { CacheRules } from '../../src/files/cache-rules.ts';
import { FileCache } from '../../src/files/file-cache.ts';
import { type FileCounters, makeFileCounters } from '../../src/files/file-counters.ts';
import type { FileFacts, FileSource, ListedName, OpenFile, Refusal } from '../../src/files/file-source.ts';
import { FolderNames } from '../../src/files/folder-names.ts';
import { Listings } from '../../src/files/listings.ts';
import { Loader } from '../../src/files/loader.ts';
import { MediaTypes } from '../../src/files/media-types.ts';
import { OpenFiles } from '../../src/files/open-files.ts';
import { FRESH_MS, Site } from '../../src/files/site.ts';
import { WorkPool } from '../../src/files/work-pool.ts';
import type { Handler } from '../../src/index.ts';

export interface MadeSite {
  readonly handler: Handler;
  readonly counters: FileCounters;
  readonly cache: FileCache;
  /** Reported errors. */
  readonly problems: string[];
  /** Advances the clock of the site. */
  readonly pass: (ms: number) => void;
}

/** Options that a test may change. */
export interface MadeOptions {
  readonly pool?: WorkPool;
  readonly maxCacheBytes?: number;
  readonly maxCachedFileBytes?: number;
  readonly cleanUrls?: boolean;
  readonly listing?: boolean;
}

/** A site with the default options over `source`; files of more than 1,000 bytes are not kept. */
export function makeSite(source: FileSource, given: MadeOptions = {}): MadeSite {
  let passedMs = 0;
  const nowMs = (): number => performance.now() + passedMs;
  const later = (ms: number, callback: () => void): unknown => setTimeout(callback, ms).unref();
  const openFiles = new OpenFiles({ max: 4, nowMs, later });
  const cache = new FileCache(given.maxCacheBytes ?? 100_000, openFiles);
  const counters = makeFileCounters();
  const problems: string[] = [];
  const pool = given.pool ?? new WorkPool();
  const services = {
    cache,
    openFiles,
    listings: new Listings({ pool, nowMs, maxFreshMs: FRESH_MS }),
    pool,
    counters,
    nowMs,
    wallClockMs: Date.now,
    maxCachedFileBytes: given.maxCachedFileBytes ?? 1_000,
    maxCompressedFileBytes: 1_000_000,
    maxCodingBytesPerSecond: 1_000_000,
    report: (_request: unknown, problem: string) => problems.push(problem),
  };
  const loader = new Loader(
    { types: new MediaTypes(), compression: true, rules: new CacheRules([]), extra: [] },
    services,
  );
  const options = {
    mounts: [{ prefix: [], source }],
    indexes: ['index.html'],
    listing: given.listing ?? false,
    cleanUrls: given.cleanUrls ?? false,
    fallback: null,
    showsHidden: false,
    extra: [],
    loader,
  };
  const pass = (ms: number): void => {
    passedMs += ms;
  };
  const site = new Site('', options, services);
  return { handler: (request, response) => site.handle(request, response), counters, cache, problems, pass };
}

export function facts(size: number): FileFacts {
  return { size, modifiedMs: 1_000_000, changedMs: 1_000_000, device: 1, inode: 1 };
}

/** A file of a source that is read in the pool alone. */
export function fakeFile(size: number, read: OpenFile['read']): OpenFile {
  const file: OpenFile = {
    facts: facts(size),
    descriptor: -1,
    readNow: () => -1,
    read,
    isResident: () => false,
    isUnchanged: () => true,
    share: () => file,
    close: () => {},
  };
  return file;
}

/** A source that responds at once. */
export function fakeSource(files: Readonly<Record<string, OpenFile | Refusal>>): FileSource {
  const open = (path: string): OpenFile | Refusal => files[path] ?? 'missing';
  const look = (path: string): FileFacts | Refusal => {
    const file = open(path);
    return typeof file === 'string' ? file : file.facts;
  };
  return {
    look,
    lookLater: async (path) => look(path),
    open,
    openLater: async (path) => open(path),
    list: async () => namesOf([]),
    describe: async () => [],
  };
}

/** A folder of a source with these names, all with complete facts. */
export function fakeFolder(listed: readonly ListedName[]): Pick<FileSource, 'list' | 'describe'> {
  const byName = new Map(listed.map((each) => [each.name, each]));
  return {
    list: async () => namesOf(listed.map(({ name }) => name)),
    describe: async (_path, names) => {
      const asked = Buffer.from(names).toString().split('\0');
      return asked.map((name) => byName.get(name)).filter((each) => each !== undefined);
    },
  };
}

function namesOf(names: readonly string[]): FolderNames {
  const starts = new Uint32Array(names.length + 1);
  const pieces = names.map((name) => Buffer.from(`${name}\0`));
  for (const [index, { length }] of pieces.entries()) starts[index + 1] = (starts[index] ?? 0) + length;
  return new FolderNames({ text: Buffer.concat(pieces), starts, isCut: false, state: '' });
}
