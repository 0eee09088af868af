// A folder's files without some of them: an application's own modules, a config file. What an open file is called in
// the end is asked of the system, so that links, cases and encodings of a name make no difference.

import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOfName, isTextName } from '../handlers/files/file-name.ts';
import {
  type FileFacts,
  type FileSource,
  isCurrentSource,
  isOverload,
  type ListedName,
  type OpenFile,
  type Refusal,
} from '../handlers/files/file-source.ts';
import { type HiddenPaths, isWithin, openPathOf, realPathOf } from './hidden-paths.ts';

export interface HidingOptions {
  /** The real path of the source's folder. */
  readonly root: string;
  /** The descriptor of that folder, which may have been renamed meanwhile; -1: it is closed. */
  readonly rootFd: () => number;
  readonly hidden: HiddenPaths;
  /** Monotonic milliseconds, the same during a turn of the loop. */
  readonly nowMs: () => number;
}

export class HidingSource implements FileSource {
  readonly #source: FileSource;
  readonly #options: HidingOptions;

  constructor(source: FileSource, options: HidingOptions) {
    this.#source = source;
    this.#options = options;
  }

  isCurrent(nowMs: number): boolean {
    return isCurrentSource(this.#source, nowMs);
  }

  look(path: string): FileFacts | Refusal | null {
    return this.#hides(this.#named(path)) ? 'missing' : this.#factsUnlessHidden(this.#source.look(path), path);
  }

  async lookLater(path: string): Promise<FileFacts | Refusal> {
    return this.#hides(this.#named(path))
      ? 'missing'
      : this.#factsUnlessHidden(await this.#source.lookLater(path), path);
  }

  open(path: string): OpenFile | Refusal | null {
    if (this.#hides(this.#named(path))) return 'missing';
    const file = this.#source.open(path);
    return file === null ? null : this.#unlessHidden(file, path);
  }

  async openLater(path: string): Promise<OpenFile | Refusal> {
    if (this.#hides(this.#named(path))) return 'missing';
    return this.#unlessHidden(await this.#source.openLater(path), path);
  }

  async list(path: string, limit: number): Promise<readonly ListedName[] | Refusal> {
    const named = this.#named(path);
    const folder = this.#existingPathOf(path);
    if (folder === null || this.#hides(named) || this.#hides(folder)) return 'missing';
    const names = await this.#source.list(path, limit);
    if (typeof names === 'string') return names;
    return names.filter(({ name }) => ![named, folder].some((place) => this.#hides(join(place, shownName(name)))));
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

  #hides(path: string): boolean {
    const { hidden, nowMs } = this.#options;
    hidden.refresh(nowMs());
    return hidden.hides(path);
  }

  /** What was found is in memory, and so are the names that lead there: the system need not wait for a disk. */
  #factsUnlessHidden<T extends FileFacts | Refusal | null>(found: T, path: string): T | 'missing' {
    if (found === null || typeof found === 'string') return found;
    const real = this.#existingPathOf(path);
    return real === null || this.#hides(real) || this.#options.hidden.hidesFile(found) ? 'missing' : found;
  }

  #unlessHidden(file: OpenFile | Refusal, path: string): OpenFile | Refusal {
    if (typeof file === 'string') return this.#refusalUnlessHidden(file, path);
    const real = this.#realPath(file) ?? this.#existingPathOf(path);
    if (real !== null && !this.#hides(real) && !this.#options.hidden.hidesFile(file.facts)) return file;
    file.close();
    return 'missing';
  }

  /** That a folder is there, or a file that may not be read, is hidden too where a link leads to it. */
  #refusalUnlessHidden(refusal: Refusal, path: string): Refusal {
    if (refusal === 'missing' || isOverload(refusal)) return refusal;
    return this.#hides(realPathOf(this.#named(path))) ? 'missing' : refusal;
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

/** As the system's answers show a name that is no text, and as an option that hides it was read. */
function shownName(path: string): string {
  return isTextName(path) ? path : bytesOfName(path).toString();
}
