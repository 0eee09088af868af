// Which way the bytes of files went, counted since the start.

export interface FileCounters {
  /** Answers from memory. */
  cacheHits: number;
  /** Requests for which a file had to be looked for. */
  cacheMisses: number;
  /** Answers from a file that was open already. */
  openHits: number;
  /** Bytes sent by sendfile(2). */
  sendfileBytes: number;
  /** Pieces read from the system's memory at once. */
  memoryReads: number;
  /** Pieces read in the thread pool. */
  poolReads: number;
  /** Files opened in the thread pool, since their names were not in memory. */
  poolOpens: number;
  /** Files compressed. */
  compressions: number;
}

/** The counters, and what is kept now. */
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
