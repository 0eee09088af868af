// A folder's files without some of them: an application's own modules, a config file. What an open file is called in
// the end is asked of the system, so that links, cases and encodings of a name make no difference.

import { readlinkSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { FileFacts, FileSource, ListedName, OpenFile, Refusal } from '../handlers/files/file-source.ts';

/** Whether `path` is `folder` or lies in it; both are real paths. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

export class HidingSource implements FileSource {
  readonly #source: FileSource;
  readonly #root: string;
  readonly #hidden: readonly string[];

  /** `root`: the real path of the source's folder; `hidden`: those of files and folders. */
  constructor(source: FileSource, root: string, hidden: readonly string[]) {
    this.#source = source;
    this.#root = root;
    this.#hidden = hidden;
  }

  look(path: string): FileFacts | Refusal | null {
    return this.#hides(this.#named(path)) ? 'missing' : this.#source.look(path);
  }

  async lookLater(path: string): Promise<FileFacts | Refusal> {
    return this.#hides(this.#named(path)) ? 'missing' : this.#source.lookLater(path);
  }

  open(path: string): OpenFile | Refusal | null {
    if (this.#hides(this.#named(path))) return 'missing';
    const file = this.#source.open(path);
    return file === null || typeof file === 'string' ? file : this.#unlessHidden(file, path);
  }

  async openLater(path: string): Promise<OpenFile | Refusal> {
    if (this.#hides(this.#named(path))) return 'missing';
    const file = await this.#source.openLater(path);
    return typeof file === 'string' ? file : this.#unlessHidden(file, path);
  }

  async list(path: string, limit: number): Promise<readonly ListedName[] | Refusal> {
    const folder = realPathOf(this.#named(path));
    if (folder === null || this.#hides(folder)) return 'missing';
    const names = await this.#source.list(path, limit);
    return typeof names === 'string' ? names : names.filter(({ name }) => !this.#hides(join(folder, name)));
  }

  #named(path: string): string {
    return join(this.#root, path);
  }

  #hides(path: string): boolean {
    return this.#hidden.some((each) => isWithin(path, each));
  }

  #unlessHidden(file: OpenFile, path: string): OpenFile | Refusal {
    const real = realPathOf(`/proc/self/fd/${file.descriptor}`) ?? realPathOf(this.#named(path));
    if (real !== null && !this.#hides(real)) return file;
    file.close();
    return 'missing';
  }
}

/** Without waiting for a disk where /proc tells; null: not known. */
function realPathOf(path: string): string | null {
  try {
    return path.startsWith('/proc/') ? readlinkSync(path) : realpathSync.native(path);
  } catch {
    return null;
  }
}
