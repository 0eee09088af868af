// The files of an open folder of this machine: what the handler asks for, answered by the kernel's files, now or in
// the thread pool. It decides nothing about HTTP.

import { constants } from 'node:os';
import type { FileFacts, FileSource, ListedName, OpenFile, Refusal } from '../handlers/files/file-source.ts';
import { EAGAIN, EMFILE, ENFILE } from '../kernel/errno.ts';
import type { Files } from '../kernel/files.ts';
import { DirectoryFile, factsOf, type SourceContext, settle } from './directory-file.ts';
import type { RootDirectory } from './root-directory.ts';

const { errno } = constants;

/** Everything else is `failed`. What leads outside is not told from what is not there. */
const REFUSALS: ReadonlyMap<number, Refusal> = new Map<number, Refusal>([
  [-errno.ENOENT, 'missing'],
  [-errno.ENOTDIR, 'missing'],
  // Of a folder that is gone, or not served any more.
  [-errno.EBADF, 'missing'],
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

export class DirectorySource implements FileSource {
  readonly #files: Files;
  readonly #root: RootDirectory;
  readonly #release: number;
  readonly #fd: number;
  readonly #context: SourceContext;

  /** `fd`: of the folder, which is `release` of `root`. */
  constructor(root: RootDirectory, release: number, fd: number, context: SourceContext) {
    this.#files = context.files;
    this.#root = root;
    this.#release = release;
    this.#fd = fd;
    this.#context = context;
  }

  isCurrent(nowMs: number): boolean {
    return this.#root.isCurrent(this.#release, nowMs);
  }

  look(path: string): FileFacts | Refusal | null {
    const result = this.#files.look(this.#fd, path);
    if (result === EAGAIN) return null;
    return result < 0 ? refusalOf(result) : factsOf(this.#files);
  }

  async lookLater(path: string): Promise<FileFacts | Refusal> {
    let facts: FileFacts | null = null;
    const result = await settle((done) =>
      this.#files.lookLater(this.#fd, path, (status) => {
        if (status >= 0) facts = factsOf(this.#files);
        done(status);
      }),
    );
    return facts ?? refusalOf(result);
  }

  open(path: string): OpenFile | Refusal | null {
    const result = this.#files.open(this.#fd, path);
    if (result === EAGAIN) return null;
    if (result >= 0) return new DirectoryFile(this.#context, result);
    return isOutOfDescriptors(result) && this.#context.relieve() ? this.open(path) : refusalOf(result);
  }

  async openLater(path: string): Promise<OpenFile | Refusal> {
    let file: OpenFile | null = null;
    const result = await settle((done) =>
      this.#files.openLater(this.#fd, path, (fd) => {
        if (fd >= 0) file = new DirectoryFile(this.#context, fd);
        done(fd);
      }),
    );
    if (file !== null) return file;
    return isOutOfDescriptors(result) && this.#context.relieve() ? this.openLater(path) : refusalOf(result);
  }

  async list(path: string, limit: number): Promise<readonly ListedName[] | Refusal> {
    let names: readonly ListedName[] = [];
    const result = await settle((done) =>
      this.#files.listLater(this.#fd, path, limit, (status, entries = []) => {
        names = namesOf(entries);
        done(status);
      }),
    );
    return result < 0 ? refusalOf(result) : names;
  }
}

/** Four words a name, as `Files.listLater` says. */
function namesOf(entries: readonly (string | number | boolean)[]): readonly ListedName[] {
  const names: ListedName[] = [];
  for (let at = 0; at + 3 < entries.length; at += 4) {
    const name = String(entries[at]);
    const [size, modifiedMs] = [Number(entries[at + 2]), Number(entries[at + 3])];
    names.push({ name, isDirectory: entries[at + 1] === true, size, modifiedMs });
  }
  return names;
}
