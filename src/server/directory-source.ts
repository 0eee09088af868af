// The files of a folder of this machine: what the handler asks for, answered by the kernel's files, now or in
// the thread pool. It decides nothing about HTTP.

import { constants } from 'node:os';
import { assert } from '../errors.ts';
import type { FileFacts, FileSource, ListedName, OpenFile, Refusal } from '../handlers/files/file-source.ts';
import type { WorkPool } from '../handlers/files/work-pool.ts';
import { EAGAIN, EMFILE, ENFILE } from '../kernel/errno.ts';
import {
  FILE_CHANGED_MS,
  FILE_DEVICE,
  FILE_INODE,
  FILE_MODIFIED_MS,
  FILE_SIZE,
  type FileDone,
  type Files,
} from '../kernel/files.ts';
import type { RootDirectory } from './root-directory.ts';

const { errno } = constants;

/**
 * Pages that were in memory so long ago, and are being sent, are taken to be there still: the system throws out those
 * that were not used for longest. Asking again costs 10 us for each megabyte.
 */
const RESIDENT_MS = 100;

/** Everything else is `failed`. What leads outside is not told from what is not there. */
const REFUSALS: ReadonlyMap<number, Refusal> = new Map<number, Refusal>([
  [-errno.ENOENT, 'missing'],
  [-errno.ENOTDIR, 'missing'],
  [-errno.ENAMETOOLONG, 'missing'],
  [-errno.ELOOP, 'missing'],
  [-errno.EXDEV, 'missing'],
  [-errno.ENXIO, 'missing'],
  [-errno.EINVAL, 'missing'],
  [-errno.EISDIR, 'directory'],
  [-errno.EACCES, 'forbidden'],
  [-errno.EPERM, 'forbidden'],
  [-errno.EMFILE, 'exhausted'],
  [-errno.ENFILE, 'exhausted'],
  [-errno.ENOMEM, 'exhausted'],
  [-errno.EAGAIN, 'exhausted'],
]);

function isOutOfDescriptors(result: number): boolean {
  return result === EMFILE || result === ENFILE;
}

function refusalOf(result: number): Refusal {
  return REFUSALS.get(result) ?? 'failed';
}

/** What all folders of a server share. */
export interface SourceContext {
  readonly files: Files;
  readonly pool: WorkPool;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Gives descriptors back, since there are none left. False: there are none to give. */
  readonly relieve: () => boolean;
}

export class DirectorySource implements FileSource {
  readonly #files: Files;
  readonly #root: RootDirectory;
  readonly #context: SourceContext;

  constructor(root: RootDirectory, context: SourceContext) {
    this.#files = context.files;
    this.#root = root;
    this.#context = context;
  }

  look(path: string): FileFacts | Refusal | null {
    const result = this.#files.look(this.#root.fd, path);
    if (result === EAGAIN) return null;
    return result < 0 ? refusalOf(result) : factsOf(this.#files);
  }

  async lookLater(path: string): Promise<FileFacts | Refusal> {
    let facts: FileFacts | null = null;
    const result = await this.#later((done) =>
      this.#files.lookLater(this.#root.fd, path, (status) => {
        if (status >= 0) facts = factsOf(this.#files);
        done(status);
      }),
    );
    return facts ?? refusalOf(result);
  }

  open(path: string): OpenFile | Refusal | null {
    const result = this.#files.open(this.#root.fd, path);
    if (result === EAGAIN) return null;
    if (result >= 0) return new DirectoryFile(this.#context, result);
    return isOutOfDescriptors(result) && this.#context.relieve() ? this.open(path) : refusalOf(result);
  }

  async openLater(path: string): Promise<OpenFile | Refusal> {
    let file: OpenFile | null = null;
    const result = await this.#later((done) =>
      this.#files.openLater(this.#root.fd, path, (fd) => {
        if (fd >= 0) file = new DirectoryFile(this.#context, fd);
        done(fd);
      }),
    );
    if (file !== null) return file;
    return isOutOfDescriptors(result) && this.#context.relieve() ? this.openLater(path) : refusalOf(result);
  }

  async list(path: string, limit: number): Promise<readonly ListedName[] | Refusal> {
    let names: readonly ListedName[] = [];
    const result = await this.#later((done) =>
      this.#files.listLater(this.#root.fd, path, limit, (status, entries = []) => {
        names = namesOf(entries);
        done(status);
      }),
    );
    return result < 0 ? refusalOf(result) : names;
  }

  async #later(call: (done: FileDone) => number): Promise<number> {
    return (await this.#context.pool.run(() => settle(call))) ?? EAGAIN;
  }
}

class DirectoryFile implements OpenFile {
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

  async read(into: Uint8Array, position: number, isWanted?: () => boolean): Promise<number> {
    this.#reading++;
    try {
      const count = await this.#context.pool.run(
        () => settle((done) => this.#files.readLater(this.descriptor, into, 0, into.length, position, done)),
        isWanted,
      );
      if (count !== undefined && count < 0) throw new Error(`read failed with ${count}`);
      return count ?? 0;
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

  /** The number is not given back while somebody reads from it. */
  #closeUnused(): void {
    if (this.#owners === 0 && this.#reading === 0) this.#files.close(this.descriptor);
  }
}

function settle(call: (done: FileDone) => number): Promise<number> {
  return new Promise((resolve) => {
    const status = call(resolve);
    if (status < 0) resolve(status);
  });
}

function factsOf({ status }: Files): FileFacts {
  return {
    size: status[FILE_SIZE] ?? 0,
    modifiedMs: status[FILE_MODIFIED_MS] ?? 0,
    changedMs: status[FILE_CHANGED_MS] ?? 0,
    device: status[FILE_DEVICE] ?? 0,
    inode: status[FILE_INODE] ?? 0,
  };
}

/** Four words a name, as `Files.listLater` says. Names that are not UTF-8 cannot be asked for, and are left out. */
function namesOf(entries: readonly (string | number | boolean)[]): readonly ListedName[] {
  const names: ListedName[] = [];
  for (let at = 0; at + 3 < entries.length; at += 4) {
    const name = String(entries[at]);
    if (name.includes('\ufffd')) continue;
    const [size, modifiedMs] = [Number(entries[at + 2]), Number(entries[at + 3])];
    names.push({ name, isDirectory: entries[at + 1] === true, size, modifiedMs });
  }
  return names;
}
