// The files of an open local folder, opened and read by the kernel's file calls, at once or in the thread pool.

import { constants } from 'node:os';
import { EAGAIN, EMFILE, ENFILE } from '../kernel/errno.ts';
import { FACTS_OF_NAME, type Files, NAME_IS_DIRECTORY, NAME_IS_FILE } from '../kernel/files.ts';
import { DirectoryFile, factsOf, type SourceContext, settle } from './directory-file.ts';
import { nameOfBytes } from './file-name.ts';
import type { FileFacts, FileSource, ListedName, OpenFile, Refusal } from './file-source.ts';
import { FolderNames, MAX_FOLDER_BYTES, MAX_FOLDER_NAMES } from './folder-names.ts';
import type { RootDirectory } from './root-directory.ts';

const { errno } = constants;

/** All other errors are `failed`. A path that leads outside is not distinguished from a missing one. */
const REFUSALS: ReadonlyMap<number, Refusal> = new Map<number, Refusal>([
  [-errno.ENOENT, 'missing'],
  [-errno.ENOTDIR, 'missing'],
  // The folder is gone, or not served any more.
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

  /** `fd`: the descriptor of the folder, which is `release` of `root`. */
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

  /** -1: it is closed. Its number may belong to another folder by now, which a running response must not use. */
  get #folder(): number {
    return this.#root.isOpen(this.#release) ? this.#fd : -1;
  }

  look(path: string): FileFacts | Refusal | null {
    const result = this.#files.look(this.#folder, path);
    if (result === EAGAIN) return null;
    return result < 0 ? refusalOf(result) : factsOf(this.#files);
  }

  async lookLater(path: string): Promise<FileFacts | Refusal> {
    let facts: FileFacts | null = null;
    const result = await settle((done) =>
      this.#files.lookLater(this.#folder, path, (status) => {
        if (status >= 0) facts = factsOf(this.#files);
        done(status);
      }),
    );
    return facts ?? refusalOf(result);
  }

  open(path: string): OpenFile | Refusal | null {
    const result = this.#files.open(this.#folder, path);
    if (result === EAGAIN) return null;
    if (result >= 0) return new DirectoryFile(this.#context, result);
    return isOutOfDescriptors(result) && this.#context.relieve() ? this.open(path) : refusalOf(result);
  }

  async openLater(path: string): Promise<OpenFile | Refusal> {
    let file: OpenFile | null = null;
    const result = await settle((done) =>
      this.#files.openLater(this.#folder, path, (fd) => {
        if (fd >= 0) file = new DirectoryFile(this.#context, fd);
        done(fd);
      }),
    );
    if (file !== null) return file;
    return isOutOfDescriptors(result) && this.#context.relieve() ? this.openLater(path) : refusalOf(result);
  }

  async list(path: string, showsHidden: boolean, known: FolderNames | null): Promise<FolderNames | Refusal> {
    let names = known;
    const state = known?.state ?? '';
    const result = await settle((done) =>
      this.#files.listLater(
        this.#folder,
        path,
        MAX_FOLDER_NAMES,
        MAX_FOLDER_BYTES,
        showsHidden,
        state,
        (status, found) => {
          if (found !== undefined) names = new FolderNames({ ...found, starts: numbersOf(found.starts) });
          done(status);
        },
      ),
    );
    return result < 0 || names === null ? refusalOf(result) : names;
  }

  async describe(path: string, names: Uint8Array): Promise<readonly ListedName[] | Refusal> {
    let listed: readonly ListedName[] = [];
    if (names.length === 0) return listed;
    const result = await settle((done) =>
      this.#files.describeLater(this.#folder, path, names, (status, facts) => {
        if (facts !== undefined) listed = listedOf(names, facts);
        done(status);
      }),
    );
    return result < 0 ? refusalOf(result) : listed;
  }
}

/** The same memory as 32-bit numbers. */
function numbersOf({ buffer, byteOffset, byteLength }: Uint8Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, byteLength / Uint32Array.BYTES_PER_ELEMENT);
}

function listedOf(names: Uint8Array, found: Uint8Array): readonly ListedName[] {
  const listed: ListedName[] = [];
  const facts = new Float64Array(found.buffer, found.byteOffset, found.byteLength / Float64Array.BYTES_PER_ELEMENT);
  const text = Buffer.from(names.buffer, names.byteOffset, names.byteLength);
  for (let at = 0, fact = 0; at < text.length; fact += FACTS_OF_NAME) {
    const end = text.indexOf(0, at);
    const name = nameOfBytes(text.subarray(at, end));
    at = end + 1;
    const [kind, size = 0, modifiedMs = 0] = facts.subarray(fact, fact + FACTS_OF_NAME);
    if (kind !== NAME_IS_FILE && kind !== NAME_IS_DIRECTORY) continue;
    listed.push({ name, isDirectory: kind === NAME_IS_DIRECTORY, size, modifiedMs });
  }
  return listed;
}
