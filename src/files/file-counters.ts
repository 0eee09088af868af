// Counters of the ways in which file bytes were sent, since the start.

export interface FileCounters {
  /** Responses from memory. */
  cacheHits: number;
  /** Requests whose file had to be looked up. */
  cacheMisses: number;
  /** Responses from a file that was already open. */
  openHits: number;
  /** Bytes sent by sendfile(2). */
  sendfileBytes: number;
  /** Parts read at once from the page cache. */
  memoryReads: number;
  /** Parts read in the thread pool. */
  poolReads: number;
  /** Files opened in the thread pool, since their names were not in the system's cache. */
  poolOpens: number;
  /** Files compressed. */
  compressions: number;
}

/** The counters, and the current size of the cache. */
export interface FileStats extends Readonly<FileCounters> {
  /** Bytes of files in memory. */
  readonly cacheBytes: number;
  /** Files in memory. */
  readonly cacheEntries: number;
  /** Files that are kept open. */
  readonly open: number;
}

export function makeFileCounters(): FileCounters {
  return {
    cacheHits: 0,
    cacheMisses: 0,
    openHits: 0,
    sendfileBytes: 0,
    memoryReads: 0,
    poolReads: 0,
    poolOpens: 0,
    compressions: 0,
  };
}
