// Which files and folders are never served: by the names that they were given, and by where these lead now. Links may
// change, and what is named may not be there yet. It must not know requests.

import { readlinkSync, realpathSync, statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { CODING_SUFFIXES } from './codings.ts';
import type { FileFacts } from './file-source.ts';

/** A folder of files: as it was named, absolute, and its real path at the start. */
export interface ServedFolder {
  readonly named: string;
  readonly real: string;
}

/** Real paths of a folder that are remembered: of what its name leads to, and of what answers are still made of. */
const MAX_REALS = 2;

/** What a file in another coding is called holds the same content. */
const SUFFIXES = ['', ...Object.values(CODING_SUFFIXES)];

/** Whether `path` is `folder` or lies in it; both are absolute. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** The real path, as far as there is one: what is missing is taken to come where it is named. */
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

/** What the system writes behind the name of an open file that was deleted or replaced meanwhile. */
const DELETED = / \(deleted\)$/;

/** What an open file or folder is called, found without waiting for a disk; null: the system has no /proc. */
export function openPathOf(descriptor: number): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).replace(DELETED, '');
  } catch {
    return null;
  }
}

/** A path that is never served: absolute, and what it is called below the served folders that it lies in. */
interface Given {
  readonly path: string;
  readonly below: readonly (readonly [folder: Served, path: string])[];
}

/** A folder of files, and the real paths that it had last, the newest first. */
interface Served {
  readonly named: string;
  reals: readonly string[];
}

/** A path that is never served, and what was found out about it last. */
interface Entry {
  readonly path: string;
  /** What it is called below the real paths of served folders, whatever it leads to. */
  readonly names: readonly string[];
  real: string;
  /** Empty: nothing is there. */
  identity: string;
}

export class DenyList {
  readonly #served: readonly Served[];
  readonly #given: readonly Given[];
  #entries: readonly Entry[];
  #refreshedMs = Number.NaN;

  /** `paths`: of files and folders that need not be there. Those outside of all `served` folders hide nothing. */
  constructor(paths: readonly string[], served: readonly ServedFolder[]) {
    this.#served = served.map(({ named, real }) => ({ named, reals: [real] }));
    this.#given = paths.map((path) => givenOf(path, this.#served));
    this.#entries = entriesOf(this.#given, this.#served);
  }

  /** The real path of the served folder that is called `named` is `real` now: what was hidden in it is hidden there too. */
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

  /** Looks where the paths lead now, once for each `nowMs`. */
  refresh(nowMs: number): void {
    if (nowMs === this.#refreshedMs) return;
    this.#refreshedMs = nowMs;
    for (const entry of this.#entries) {
      entry.real = realPathOf(entry.path);
      entry.identity = identityOf(entry.real);
    }
  }

  /** Whether `path` must not be served: below the real path of a served folder as it is named, or real itself. */
  hides(path: string): boolean {
    const folded = fold(path);
    return this.#entries.some(
      (entry) =>
        covers(entry.real, path) || entry.names.some((name) => covers(name, path)) || isVariant(entry, path, folded),
    );
  }

  /** Whether that open file must not be served: its name may differ in case, or be another one (a hard link). */
  hidesFile({ device, inode }: FileFacts): boolean {
    const identity = identify(device, inode);
    return this.#entries.some((entry) => entry.identity === identity);
  }
}

/** Whether `path` lies in none of the folders, neither as it is named nor where it leads. */
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

/** Of paths that lie in what is served now. */
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
 * Whether the first names of `path` are a spelling of the hidden path that its file system takes for the same, in another
 * case or composed otherwise: they look alike, and the same is there.
 */
function isVariant({ real, identity }: Entry, path: string, folded: string): boolean {
  if (identity === '' || !isWithin(folded, fold(real))) return false;
  const start = path.split(sep).slice(0, real.split(sep).length).join(sep);
  return identityOf(start) === identity;
}

/** More strings become equal than on any file system. */
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
