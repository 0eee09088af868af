// An open file of a local folder: its bytes, and whether it is unchanged.

import { assert } from '../errors.ts';
import {
  FILE_CHANGED_MS,
  FILE_DEVICE,
  FILE_INODE,
  FILE_MODIFIED_MS,
  FILE_SIZE,
  type FileDone,
  type Files,
} from '../kernel/files.ts';
import type { FileFacts, OpenFile } from './file-source.ts';

/**
 * Pages that were resident this short time ago, and are being sent, are assumed to be resident still: the system evicts
 * the least recently used pages. Checking again costs 10 us per megabyte.
 */
const RESIDENT_MS = 100;

/** Shared by all folders of a server. */
export interface SourceContext {
  readonly files: Files;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Closes idle descriptors when none are left. Returns false if there are none to close. */
  readonly relieve: () => boolean;
}

export class DirectoryFile implements OpenFile {
  readonly facts: FileFacts;
  readonly descriptor: number;
  readonly #context: SourceContext;
  readonly #files: Files;
  #owners = 1;
  #reading = 0;
  /** The range that was resident at the last check. */
  #residentStart = 0;
  #residentEnd = 0;
  #residentMs = 0;
  #unchangedMs = Number.NaN;

  /** `descriptor` was opened just now; {@link Files.status} describes it. */
  constructor(context: SourceContext, descriptor: number) {
    this.#context = context;
    this.#files = context.files;
    this.descriptor = descriptor;
    this.facts = factsOf(context.files);
  }

  readNow(into: Uint8Array, position: number): number {
    const count = this.#files.read(this.descriptor, into, 0, into.length, position);
    return count < 0 ? -1 : count;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.#reading++;
    try {
      const count = await settle((done) =>
        this.#files.readLater(this.descriptor, into, 0, into.length, position, done),
      );
      if (count < 0) throw new Error(`read failed with ${count}`);
      return count;
    } finally {
      this.#reading--;
      this.#closeUnused();
    }
  }

  isResident(position: number, length: number): boolean {
    const nowMs = this.#context.nowMs();
    const end = position + length;
    const isKnown = position >= this.#residentStart && end <= this.#residentEnd;
    if (isKnown && nowMs - this.#residentMs < RESIDENT_MS) return true;
    if (this.#files.isResident(this.descriptor, position, length) !== 1) return false;
    this.#residentStart = position;
    this.#residentEnd = end;
    this.#residentMs = nowMs;
    return true;
  }

  /** Checked once per turn of the loop, since all clients of a turn are served at the same moment. */
  isUnchanged(): boolean {
    const nowMs = this.#context.nowMs();
    if (nowMs === this.#unchangedMs) return true;
    if (this.#files.lookAt(this.descriptor) < 0) return false;
    const { status } = this.#files;
    const { facts } = this;
    if (status[FILE_CHANGED_MS] !== facts.changedMs || status[FILE_SIZE] !== facts.size) return false;
    if (status[FILE_MODIFIED_MS] !== facts.modifiedMs) return false;
    this.#unchangedMs = nowMs;
    return true;
  }

  share(): OpenFile {
    assert(this.#owners > 0, 'an open file has an owner');
    this.#owners++;
    return this;
  }

  close(): void {
    assert(this.#owners > 0, 'a file is closed once by each of its owners');
    this.#owners--;
    this.#closeUnused();
  }

  /** Closes the descriptor once no read of it is in progress. */
  #closeUnused(): void {
    if (this.#owners === 0 && this.#reading === 0) this.#files.close(this.descriptor);
  }
}

/** Wraps a call of {@link Files} that completes later. */
export function settle(call: (done: FileDone) => number): Promise<number> {
  return new Promise((resolve) => {
    const status = call(resolve);
    if (status < 0) resolve(status);
  });
}

/** The result of {@link Files.status}. */
export function factsOf({ status }: Files): FileFacts {
  return {
    size: status[FILE_SIZE] ?? 0,
    modifiedMs: status[FILE_MODIFIED_MS] ?? 0,
    changedMs: status[FILE_CHANGED_MS] ?? 0,
    device: status[FILE_DEVICE] ?? 0,
    inode: status[FILE_INODE] ?? 0,
  };
}
