// Reads whole files, if their length is unchanged: at once, or in the pool.

import type { FileCounters } from './file-counters.ts';
import type { OpenFile } from './file-source.ts';

/** The whole file, if the page cache has it. */
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
