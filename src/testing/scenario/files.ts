// The files of a run, below /files/: the real static file handler over simulated files.

import { createHash } from 'node:crypto';
import { CacheRules } from '../../files/cache-rules.ts';
import { CodingChooser } from '../../files/coding-chooser.ts';
import { ContentTags } from '../../files/content-tags.ts';
import { FileCache } from '../../files/file-cache.ts';
import { makeFileCounters } from '../../files/file-counters.ts';
import { Listings } from '../../files/listings.ts';
import { Loader } from '../../files/loader.ts';
import { MediaTypes } from '../../files/media-types.ts';
import { OpenFiles } from '../../files/open-files.ts';
import type { FileServices } from '../../files/services.ts';
import { FRESH_MS, Site } from '../../files/site.ts';
import { WorkPool } from '../../files/work-pool.ts';
import type { Handler } from '../../http/handler.ts';
import type { SimulatedFiles } from '../simulated-files.ts';
import type { SimulatedKernel } from '../simulated-kernel.ts';
import type { VirtualClock } from '../virtual-clock.ts';

/** Threads of the pool for the simulated disk: with fewer, a thousand clients of slow files would time out. */
const POOL_THREADS = 256;

/** Few, so that files are closed while others are opened. */
const MAX_OPEN_FILES = 4;

export interface FileLimits {
  readonly maxCacheBytes: number;
  readonly maxCachedFileBytes: number;
}

/** Nothing is compressed: compression runs in real threads, at unpredictable times. */
function servicesOf(kernel: SimulatedKernel, clock: VirtualClock, limits: FileLimits): FileServices {
  const nowMs = (): number => kernel.now();
  const later = (ms: number, callback: () => void): void => clock.after(ms, callback);
  const openFiles = new OpenFiles({ max: MAX_OPEN_FILES, nowMs, later });
  const pool = new WorkPool(POOL_THREADS);
  return {
    cache: new FileCache(limits.maxCacheBytes, openFiles),
    openFiles,
    listings: new Listings({ pool, nowMs, maxFreshMs: FRESH_MS }),
    pool,
    counters: makeFileCounters(),
    nowMs,
    wallClockMs: kernel.wallClockMs,
    maxCachedFileBytes: limits.maxCachedFileBytes,
    maxCompressedFileBytes: 0,
    maxCodingBytesPerSecond: 0,
    report: () => {},
  };
}

export function filesHandler(
  kernel: SimulatedKernel,
  clock: VirtualClock,
  source: SimulatedFiles,
  limits: FileLimits,
): Handler {
  const services = servicesOf(kernel, clock, limits);
  const kinds = { types: new MediaTypes(), compression: false, rules: new CacheRules([]), extra: [] };
  // The thread pool is not part of the simulated machine.
  const digest = async (content: Uint8Array): Promise<Uint8Array> => createHash('sha256').update(content).digest();
  const loader = new Loader(kinds, services, new CodingChooser(services, new ContentTags(digest)));
  const mounts = [
    { prefix: ['files'], source },
    { prefix: ['held-files'], source },
    { prefix: [], source },
  ];
  const parts = {
    mounts,
    indexes: [],
    listing: false,
    cleanUrls: false,
    fallback: null,
    showsHidden: false,
    extra: [],
  };
  const site = new Site('', { ...parts, loader }, services);
  return (request, response) => site.handle(request, response);
}
