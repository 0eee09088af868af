// Which files and folders are never served: by the names that they were given, and by where these lead now. Links may
// change, and what is named may not be there yet. It must not know requests.

import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { CODING_SUFFIXES } from '../handlers/files/codings.ts';
import type { FileFacts } from '../handlers/files/file-source.ts';

/** A folder of files: as it was named, absolute, and its real path. */
export interface ServedFolder {
  readonly named: string;
  readonly real: string;
}

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

/** A path that is never served, and what was found out about it last. */
interface Entry {
  readonly path: string;
  /** What it is called below the real paths of served folders, whatever it leads to. */
  readonly names: readonly string[];
  real: string;
  /** Empty: nothing is there. */
  identity: string;
}

export class HiddenPaths {
  readonly #entries: readonly Entry[];
  #refreshedMs = Number.NaN;

  /** `paths`: of files and folders that need not be there. Those outside of all `served` folders are left out. */
  constructor(paths: readonly string[], served: readonly ServedFolder[]) {
    this.#entries = paths.map((path) => entryOf(path, served)).filter((entry) => isServed(entry, served));
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
  return !isServed(entryOf(path, served), served);
}

function entryOf(given: string, served: readonly ServedFolder[]): Entry {
  const path = resolve(given);
  const names = served.flatMap(({ named, real }) =>
    [named, real].filter((folder) => isWithin(path, folder)).map((folder) => join(real, relative(folder, path))),
  );
  const real = realPathOf(path);
  return { path, names: [...new Set(names)], real, identity: identityOf(real) };
}

function isServed({ names, real }: Entry, served: readonly ServedFolder[]): boolean {
  return names.length > 0 || served.some((folder) => isWithin(real, folder.real));
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
