// A file source without the files on a deny list: an application's own modules, a config file. The system reports the
// final path of an open file, so that links, case and encodings of a name make no difference.

import { realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { type DenyList, isWithin, openPathOf, realPathLater, realPathOf } from './deny-list.ts';
import { bytesOfName, isTextName } from './file-name.ts';
import {
  type FileFacts,
  type FileSource,
  isCurrentSource,
  isOverload,
  type ListedName,
  type OpenFile,
  type Refusal,
} from './file-source.ts';
import type { FolderNames } from './folder-names.ts';

export interface DenyListOptions {
  /** The real path of the source's folder. */
  readonly root: string;
  /** The descriptor of that folder, which may have been renamed meanwhile. -1: it is closed. */
  readonly rootFd: () => number;
  readonly hidden: DenyList;
  /** Monotonic milliseconds, the same during a turn of the loop. */
  readonly nowMs: () => number;
}

export class DenyListSource implements FileSource {
  readonly #source: FileSource;
  readonly #options: DenyListOptions;

  constructor(source: FileSource, options: DenyListOptions) {
    this.#source = source;
    this.#options = options;
  }

  isCurrent(nowMs: number): boolean {
    return isCurrentSource(this.#source, nowMs);
  }

  look(path: string): FileFacts | Refusal | null {
    if (this.#hides(this.#named(path))) return 'missing';
    const found = this.#source.look(path);
    if (found === null || typeof found === 'string') return found;
    // The file was found, so it and the names that lead to it are in memory: this does not wait for a disk.
    return this.#hidesAt(this.#existingPathOf(path), found) ? 'missing' : found;
  }

  async lookLater(path: string): Promise<FileFacts | Refusal> {
    if (this.#hides(this.#named(path))) return 'missing';
    const found = await this.#source.lookLater(path);
    if (typeof found === 'string') return found;
    return this.#hidesAt(await this.#existingPathLater(path), found) ? 'missing' : found;
  }

  open(path: string): OpenFile | Refusal | null {
    if (this.#hides(this.#named(path))) return 'missing';
    const file = this.#source.open(path);
    if (file === null) return null;
    if (typeof file !== 'string') return this.#unlessHidden(file, this.#realPath(file) ?? this.#existingPathOf(path));
    return isTelling(file) && this.#hides(realPathOf(this.#named(path))) ? 'missing' : file;
  }

  async openLater(path: string): Promise<OpenFile | Refusal> {
    if (this.#hides(this.#named(path))) return 'missing';
    const file = await this.#source.openLater(path);
    if (typeof file !== 'string')
      return this.#unlessHidden(file, this.#realPath(file) ?? (await this.#existingPathLater(path)));
    return isTelling(file) && this.#hides(await realPathLater(this.#named(path))) ? 'missing' : file;
  }

  async list(path: string, showsHidden: boolean, known: FolderNames | null): Promise<FolderNames | Refusal> {
    const folders = await this.#foldersOf(path);
    return folders === null ? 'missing' : this.#source.list(path, showsHidden, known);
  }

  async describe(path: string, names: Uint8Array): Promise<readonly ListedName[] | Refusal> {
    const folders = await this.#foldersOf(path);
    if (folders === null) return 'missing';
    const listed = await this.#source.describe(path, names);
    if (typeof listed === 'string') return listed;
    return listed.filter(({ name }) => !folders.some((folder) => this.#hides(join(folder, shownName(name)))));
  }

  /** A folder's path by its name and by its real path. Null: it must not be listed. */
  async #foldersOf(path: string): Promise<readonly string[] | null> {
    const named = this.#named(path);
    if (this.#hides(named)) return null;
    const folder = await this.#existingPathLater(path);
    return folder === null || this.#hides(folder) ? null : [named, folder];
  }

  #named(path: string): string {
    return join(this.#options.root, shownName(path));
  }

  #existingPathOf(path: string): string | null {
    try {
      return realpathSync.native(bytesOfName(join(this.#options.root, path)));
    } catch {
      return null;
    }
  }

  /** Runs in the thread pool: a listing may be the first access to its folder. */
  #existingPathLater(path: string): Promise<string | null> {
    return realpath(bytesOfName(join(this.#options.root, path))).catch(() => null);
  }

  #hides(path: string): boolean {
    const { hidden, nowMs } = this.#options;
    hidden.refresh(nowMs());
    return hidden.hides(path);
  }

  #unlessHidden(file: OpenFile, real: string | null): OpenFile | Refusal {
    if (!this.#hidesAt(real, file.facts)) return file;
    file.close();
    return 'missing';
  }

  /** `real`: where the file was found. Null: its path is unknown. */
  #hidesAt(real: string | null, facts: FileFacts): boolean {
    return real === null || this.#hides(real) || this.#options.hidden.hidesFile(facts);
  }

  /** The path of an open file, below the folder's own name even if that was renamed. Null: it is unknown. */
  #realPath({ descriptor }: OpenFile): string | null {
    const { root, rootFd } = this.#options;
    const path = openPathOf(descriptor);
    if (path === null || isWithin(path, root)) return path;
    const now = openPathOf(rootFd());
    return now !== null && isWithin(path, now) ? root + path.slice(now.length) : null;
  }
}

/** Whether a refusal reveals that a file exists. A link to a hidden file must not. */
function isTelling(refusal: Refusal): boolean {
  return refusal !== 'missing' && !isOverload(refusal);
}

/** The name as listings and denied options show it: bytes that are not text are replaced in both. */
function shownName(path: string): string {
  return isTextName(path) ? path : bytesOfName(path).toString();
}
