// The files of a folder of this machine: what the handler asks for, answered by the kernel's files, now or in
// the thread pool. It decides nothing about HTTP.

import { constants } from 'node:os';
import type { FileFacts, FileSource, ListedName, OpenFile, Refusal } from '../handlers/files/file-source.ts';
import type { WorkPool } from '../handlers/files/work-pool.ts';
import { EAGAIN } from '../kernel/errno.ts';
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

function refusalOf(result: number): Refusal {
  return REFUSALS.get(result) ?? 'failed';
}

export class DirectorySource implements FileSource {
  readonly #files: Files;
  readonly #root: RootDirectory;
  readonly #pool: WorkPool;

  constructor(files: Files, root: RootDirectory, pool: WorkPool) {
    this.#files = files;
    this.#root = root;
    this.#pool = pool;
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
    return result < 0 ? refusalOf(result) : new DirectoryFile(this.#files, this.#pool, result, factsOf(this.#files));
  }

  async openLater(path: string): Promise<OpenFile | Refusal> {
    let file: OpenFile | null = null;
    const result = await this.#later((done) =>
      this.#files.openLater(this.#root.fd, path, (fd) => {
        if (fd >= 0) file = new DirectoryFile(this.#files, this.#pool, fd, factsOf(this.#files));
        done(fd);
      }),
    );
    return file ?? refusalOf(result);
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
    return (await this.#pool.run(() => settle(call))) ?? EAGAIN;
  }
}

class DirectoryFile implements OpenFile {
  readonly facts: FileFacts;
  readonly descriptor: number;
  readonly #files: Files;
  readonly #pool: WorkPool;
  #reading = 0;
  #closed = false;

  constructor(files: Files, pool: WorkPool, descriptor: number, facts: FileFacts) {
    this.#files = files;
    this.#pool = pool;
    this.descriptor = descriptor;
    this.facts = facts;
  }

  readNow(into: Uint8Array, position: number): number {
    const count = this.#files.read(this.descriptor, into, 0, into.length, position);
    return count < 0 ? -1 : count;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.#reading++;
    try {
      const count = await this.#pool.run(
        () => settle((done) => this.#files.readLater(this.descriptor, into, 0, into.length, position, done)),
        () => !this.#closed,
      );
      if (count === undefined || count < 0) throw new Error(`read failed with ${count}`);
      return count;
    } finally {
      this.#reading--;
      if (this.#closed && this.#reading === 0) this.#files.close(this.descriptor);
    }
  }

  isResident(position: number, length: number): boolean {
    return this.#files.isResident(this.descriptor, position, length) === 1;
  }

  /** The number is not given back while somebody reads from it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#reading === 0) this.#files.close(this.descriptor);
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
