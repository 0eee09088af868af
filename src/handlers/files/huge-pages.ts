// Large files that are asked for often, as copies in huge pages of memory: the system then looks up and holds one page
// where it did 512, and nobody has to ask whether somebody wrote to the file. Bounded in bytes; who was used longest ago
// makes room, and who is not used for a while leaves as any open file does. It must not know HTTP.

import type { FileCounters } from './file-counters.ts';
import type { OpenFile } from './file-source.ts';
import type { Holder, OpenFiles } from './open-files.ts';
import type { Resource } from './resource.ts';

/** As large as one is on x64 and arm64. */
const PAGE_BYTES = 2_097_152;

/** Making a copy of 1 MiB costs what 70 to 200 answers from it spare (2 ms; 10 to 30 us; Linux 6.18). */
const ANSWERS_TO_COPY = 128;

/** Of all room, so that one file does not take the place of all others. */
const MAX_SHARE = 1 / 4;

/** Who was used within this time is not in the way of others: two files do not push each other out at every answer. */
const USED_MS = 1_000;

export interface HugePagesOptions {
  /** 0: nothing is copied. */
  readonly maxBytes: number;
  readonly openFiles: OpenFiles;
  readonly counters: FileCounters;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

export class HugePages {
  readonly #options: HugePagesOptions;
  /** Who has, or had, a copy kept open for it. */
  readonly #holders = new Set<Holder>();
  #bytes = 0;
  #isCopying = false;

  constructor(options: HugePagesOptions) {
    this.#options = options;
  }

  /** Of copies that are there or being made. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Counts an answer from `file`, which `holder` keeps open if it is large: asked for often, it is copied. */
  answered(resource: Resource, holder: Holder, file: OpenFile): void {
    if (file.isCopy) this.#options.counters.copyHits++;
    else if (++resource.answersFromFile >= ANSWERS_TO_COPY) this.#consider(resource, holder, file);
  }

  #consider(resource: Resource, holder: Holder, file: OpenFile): void {
    resource.answersFromFile = 0;
    const { size } = file.facts;
    const bytes = Math.ceil(size / PAGE_BYTES) * PAGE_BYTES;
    // Small ones would waste most of their page; who changed just now may change again unseen.
    if (size < PAGE_BYTES / 2 || bytes > this.#options.maxBytes * MAX_SHARE || !resource.settled) return;
    if (this.#isCopying || holder.file !== file || !this.#makeRoom(bytes)) return;
    void this.#copy(holder, file, bytes);
  }

  async #copy(holder: Holder, file: OpenFile, bytes: number): Promise<void> {
    this.#isCopying = true;
    this.#bytes += bytes;
    const release = (): void => {
      this.#bytes -= bytes;
    };
    const copy = await file.inHugePages(release);
    this.#isCopying = false;
    if (copy === null) {
      release();
    } else if (holder.file === file) {
      this.#options.openFiles.keep(holder, copy);
      this.#holders.add(holder);
    } else {
      copy.close();
    }
  }

  /** False: those who have the room need it. */
  #makeRoom(bytes: number): boolean {
    const { maxBytes, openFiles, nowMs } = this.#options;
    const unusedSince = nowMs() - USED_MS;
    for (const holder of [...this.#holders].sort((a, b) => a.usedMs - b.usedMs)) {
      if (holder.file?.isCopy !== true) this.#holders.delete(holder);
      else if (this.#bytes + bytes > maxBytes && holder.usedMs <= unusedSince) openFiles.drop(holder);
    }
    return this.#bytes + bytes <= maxBytes;
  }
}
