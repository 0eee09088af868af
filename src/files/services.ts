// The services shared by all sites of a server.

import type { HttpRequest } from '../http/handler.ts';
import type { FileCache } from './file-cache.ts';
import type { FileCounters } from './file-counters.ts';
import type { Listings } from './listings.ts';
import type { OpenFiles } from './open-files.ts';
import type { WorkPool } from './work-pool.ts';

export interface FileServices {
  readonly cache: FileCache;
  readonly openFiles: OpenFiles;
  readonly listings: Listings;
  readonly pool: WorkPool;
  readonly counters: FileCounters;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Milliseconds since 1970. */
  readonly wallClockMs: () => number;
  readonly maxCachedFileBytes: number;
  readonly maxCompressedFileBytes: number;
  readonly maxCodingBytesPerSecond: number;
  /** Called with the reason why an existing file cannot be sent. */
  readonly report: (request: HttpRequest | null, problem: string) => void;
}
