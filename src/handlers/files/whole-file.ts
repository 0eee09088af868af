// Reads files whole, as far as they are as long as they were: at once, or in the pool. It must not know what they are for.

import type { FileCounters } from './file-counters.ts';
import type { OpenFile } from './file-source.ts';
import type { WorkPool } from './work-pool.ts';

/** The whole file, if the system has it in memory. */
export function readWholeNow(file: OpenFile): Uint8Array | null {
  const { size } = file.facts;
  const content = Buffer.allocUnsafeSlow(size);
  return size === 0 || file.readNow(content, 0) === size ? content : null;
}

/** The caller has a place in the pool. */
export async function readWhole(file: OpenFile, counters: FileCounters): Promise<Uint8Array> {
  const content = Buffer.allocUnsafeSlow(file.facts.size);
  let length = 0;
  while (length < content.length) {
    counters.poolReads++;
    const count = await file.read(content.subarray(length), length);
    if (count === 0) break;
    length += count;
  }
  return content.subarray(0, length);
}

/**
 * Reads the whole file in the pool and closes it. The memory is taken when it is its turn, since many files may wait.
 * Null: `isWanted` said no then.
 */
export async function readWholeLater(
  file: OpenFile,
  { pool, counters }: { readonly pool: WorkPool; readonly counters: FileCounters },
  isWanted?: () => boolean,
): Promise<Uint8Array | null> {
  try {
    return (await pool.run(() => readWhole(file, counters), isWanted)) ?? null;
  } finally {
    file.close();
  }
}
