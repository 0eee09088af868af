// A folder's files without some of them: an application's own modules, a config file. What an open file is called in
// the end is asked of the system, so that links, cases and encodings of a name make no difference.

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
  /** The descriptor of that folder, which may have been renamed meanwhile; -1: it is closed. */
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
    // What was found is in memory, and so are the names that lead there: the system need not wait for a disk.
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

  /** A folder as it is named, and where that leads; null: it must not be listed. */
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

  /** In the thread pool: a listing may be the first to ask for its folder. */
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

  /** `real`: where the file was found; null: it cannot be told any more. */
  #hidesAt(real: string | null, facts: FileFacts): boolean {
    return real === null || this.#hides(real) || this.#options.hidden.hidesFile(facts);
  }

  /** What an open file is called, below the folder's own name even when that was renamed; null: it is not known. */
  #realPath({ descriptor }: OpenFile): string | null {
    const { root, rootFd } = this.#options;
    const path = openPathOf(descriptor);
    if (path === null || isWithin(path, root)) return path;
    const now = openPathOf(rootFd());
    return now !== null && isWithin(path, now) ? root + path.slice(now.length) : null;
  }
}

/** Whether a refusal tells that something is there: where a link leads to what is hidden, it must not. */
function isTelling(refusal: Refusal): boolean {
  return refusal !== 'missing' && !isOverload(refusal);
}

/** As the system's answers show a name that is no text, and as an option that hides it was read. */
function shownName(path: string): string {
  return isTextName(path) ? path : bytesOfName(path).toString();
}
