// A file of a folder of this machine while it is open: its bytes, and whether it is what it was. It must not know how it
// was found.

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
 * Pages that were in memory so long ago, and are being sent, are taken to be there still: the system throws out those
 * that were not used for longest. Asking again costs 10 us for each megabyte.
 */
const RESIDENT_MS = 100;

/** What all folders of a server share. */
export interface SourceContext {
  readonly files: Files;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Gives descriptors back, since there are none left. False: there are none to give. */
  readonly relieve: () => boolean;
}

export class DirectoryFile implements OpenFile {
  readonly facts: FileFacts;
  readonly descriptor: number;
  readonly #context: SourceContext;
  readonly #files: Files;
  #owners = 1;
  #reading = 0;
  /** What was in memory when it was asked last. */
  #residentStart = 0;
  #residentEnd = 0;
  #residentMs = 0;
  #unchangedMs = Number.NaN;

  /** `descriptor` was opened just now: {@link Files.status} tells what it is. */
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

  /** Asked of the system once a turn of the loop, whose clients all wait for the same moment. */
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

  /** The descriptor stays open while a read of it is under way. */
  #closeUnused(): void {
    if (this.#owners === 0 && this.#reading === 0) this.#files.close(this.descriptor);
  }
}

/** A call of {@link Files} that ends later. */
export function settle(call: (done: FileDone) => number): Promise<number> {
  return new Promise((resolve) => {
    const status = call(resolve);
    if (status < 0) resolve(status);
  });
}

/** What {@link Files.status} tells. */
export function factsOf({ status }: Files): FileFacts {
  return {
    size: status[FILE_SIZE] ?? 0,
    modifiedMs: status[FILE_MODIFIED_MS] ?? 0,
    changedMs: status[FILE_CHANGED_MS] ?? 0,
    device: status[FILE_DEVICE] ?? 0,
    inode: status[FILE_INODE] ?? 0,
  };
}
