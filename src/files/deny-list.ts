// Files and folders that are never served, by their configured names and by their current targets. Links may change,
// and a configured path need not exist yet.

import { readlinkSync, realpathSync, statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { CODING_SUFFIXES } from './codings.ts';
import { isStreamSafe } from './file-name.ts';
import type { FileFacts } from './file-source.ts';

/** A served folder: its configured absolute path, and its real path at the start. */
export interface ServedFolder {
  readonly named: string;
  readonly real: string;
}

/** Remembered real paths of a folder: the current target of its name, and the one that running responses still use. */
const MAX_REALS = 2;

/** A precompressed sibling of a file has the same content. */
const SUFFIXES = ['', ...Object.values(CODING_SUFFIXES)];

/** Whether `path` is `folder` or lies in it; both are absolute. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** The real path, as far as it exists; the missing part is appended as configured. */
export function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPathOf(parent), basename(path));
  }
}

/** The same in the thread pool. */
export async function realPathLater(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPathLater(parent), basename(path));
  }
}

/** Linux appends this to the path of an open file that was deleted or replaced. */
const DELETED = / \(deleted\)$/;

/** The path of an open file or folder, found without waiting for a disk. Null: the system has no /proc. */
export function openPathOf(descriptor: number): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).replace(DELETED, '');
  } catch {
    return null;
  }
}

/** A denied path: absolute, and its relative paths below the served folders that contain it. */
interface Given {
  readonly path: string;
  readonly below: readonly (readonly [folder: Served, path: string])[];
}

/** A served folder and its last real paths, the newest first. */
interface Served {
  readonly named: string;
  reals: readonly string[];
}

/** A denied path, and its last known state. */
interface Entry {
  readonly path: string;
  /** Its paths below the real paths of served folders, whatever it leads to. */
  readonly names: readonly string[];
  real: string;
  /** Empty: nothing exists there. */
  identity: string;
}

export class DenyList {
  readonly #served: readonly Served[];
  readonly #given: readonly Given[];
  #entries: readonly Entry[];
  #refreshedMs = Number.NaN;

  /** `paths`: of files and folders, which need not exist. Paths outside of all `served` folders have no effect. */
  constructor(paths: readonly string[], served: readonly ServedFolder[]) {
    this.#served = served.map(({ named, real }) => ({ named, reals: [real] }));
    this.#given = paths.map((path) => givenOf(path, this.#served));
    this.#entries = entriesOf(this.#given, this.#served);
  }

  /**
   * Records that `real` is the current real path of the served folder `named`, so that denied paths in it apply there
   * too.
   */
  enter(named: string, real: string): void {
    let isNew = false;
    for (const folder of this.#served) {
      if (folder.named !== named || folder.reals[0] === real) continue;
      folder.reals = [real, ...folder.reals.filter((each) => each !== real)].slice(0, MAX_REALS);
      isNew = true;
    }
    if (!isNew) return;
    this.#entries = entriesOf(this.#given, this.#served);
    this.#refreshedMs = Number.NaN;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Looks up the current targets of the paths, once for each `nowMs`. */
  refresh(nowMs: number): void {
    if (nowMs === this.#refreshedMs) return;
    this.#refreshedMs = nowMs;
    for (const entry of this.#entries) {
      entry.real = realPathOf(entry.path);
      entry.identity = identityOf(entry.real);
    }
  }

  /**
   * Whether `path` must not be served: by its configured name below a served folder, or by its real path. A path whose
   * normalization would be slow is hidden: no file needs such a name.
   */
  hides(path: string): boolean {
    if (!isStreamSafe(path)) return true;
    const folded = fold(path);
    return this.#entries.some(
      (entry) =>
        covers(entry.real, path) || entry.names.some((name) => covers(name, path)) || isVariant(entry, path, folded),
    );
  }

  /** Whether an open file must not be served: its name may differ in case, or be another hard link. */
  hidesFile({ device, inode }: FileFacts): boolean {
    const identity = identify(device, inode);
    return this.#entries.some((entry) => entry.identity === identity);
  }
}

/** Whether `path` lies in none of the folders, neither by name nor by its real path. */
export function isOutside(path: string, served: readonly ServedFolder[]): boolean {
  const folders = served.map(({ named, real }) => ({ named, reals: [real] }));
  return entriesOf([givenOf(path, folders)], folders).length === 0;
}

function givenOf(given: string, served: readonly Served[]): Given {
  const path = resolve(given);
  const below = served.flatMap((folder) =>
    [folder.named, ...folder.reals]
      .filter((each) => isWithin(path, each))
      .map((each) => [folder, relative(each, path)] as const),
  );
  return { path, below };
}

/** Entries of the paths that lie in currently served folders. */
function entriesOf(given: readonly Given[], served: readonly Served[]): readonly Entry[] {
  return given.map(entryOf).filter(({ names, real }) => {
    return names.length > 0 || served.some(({ reals }) => reals.some((folder) => isWithin(real, folder)));
  });
}

function entryOf({ path, below }: Given): Entry {
  const names = below.flatMap(([{ reals }, name]) => reals.map((folder) => join(folder, name)));
  const real = realPathOf(path);
  return { path, names: [...new Set(names)], real, identity: identityOf(real) };
}

function covers(hidden: string, path: string): boolean {
  return isWithin(path, hidden) || (path.startsWith(hidden) && SUFFIXES.includes(path.slice(hidden.length)));
}

/**
 * Whether the first names of `path` are another spelling of the denied path that its file system treats as equal: in
 * another case or another Unicode normalization. They must look alike and lead to the same file.
 */
function isVariant({ real, identity }: Entry, path: string, folded: string): boolean {
  if (identity === '' || !isWithin(folded, fold(real))) return false;
  const start = path.split(sep).slice(0, real.split(sep).length).join(sep);
  return identityOf(start) === identity;
}

/** Folds more strings together than any file system does. */
function fold(path: string): string {
  return path.normalize('NFD').toUpperCase().toLowerCase();
}

function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path);
    return identify(dev, ino);
  } catch {
    return '';
  }
}

function identify(device: number, inode: number): string {
  return `${device} ${inode}`;
}
