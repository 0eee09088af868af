// Finds the file of a site path: mounts, index files, clean URLs. Candidates are tried in turn. If the system does not
// know one at once, the thread pool looks it up.

import { encodeName } from './file-name.ts';
import type { FilePath } from './file-path.ts';
import { type FileSource, isCurrentSource, isOverload, type OpenFile, type Refusal } from './file-source.ts';
import type { FileServices } from './services.ts';
import type { WaitingClient } from './shared-wait.ts';

/** Mounts the files of `source` below `prefix`. */
export interface Mount {
  /** The names of the path; empty for the root of the site. */
  readonly prefix: readonly string[];
  /** The folder that the name leads to now. */
  readonly source: FileSource;
  /** Resolves when that is known; null: it is known. Absent: always known. */
  whenKnown?(): Promise<void> | null;
}

/** A path below a source. */
export interface FilePlace {
  readonly source: FileSource;
  readonly path: string;
  /** The names of the mount path of the source. */
  readonly prefix: readonly string[];
}

/** The site path of a file, without the leading `/`: below its mount, and with the name of its index. */
export function sitePathOf({ prefix, path }: FilePlace): string {
  return [...prefix, path].join('/');
}

/** The path options of a site. */
export interface FinderOptions {
  /** The longest prefix first; the last one is the root's, if there is a root. */
  readonly mounts: readonly Mount[];
  /** Index files of a folder; the first that exists is used. */
  readonly indexes: readonly string[];
  /** Serves `about.html` at `/about`, and redirects `/about.html` to it. */
  readonly cleanUrls: boolean;
  readonly listing: boolean;
}

export interface FoundFile {
  readonly kind: 'file';
  readonly file: OpenFile;
  readonly place: FilePlace;
  /** Whether no other candidate was tried before it. */
  readonly isFirst: boolean;
}

export type Found =
  | FoundFile
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'listing'; readonly place: FilePlace }
  | Refusal;

/** Yields the place to open next, receives the result of {@link FileSource.open}, and returns the file. */
type Search = Generator<FilePlace, Found, OpenFile | Refusal>;

/** Finds the files of a site: at once as far as the system knows the names, otherwise in the thread pool. */
export class Finder {
  readonly #options: FinderOptions;
  readonly #services: FileServices;

  constructor(options: FinderOptions, services: FileServices) {
    this.#options = options;
    this.#services = services;
  }

  /** `own`: the site requests its own page, by its exact name. */
  find(path: FilePath, own: boolean, client: WaitingClient): Found | Promise<Found> {
    const mount = mountOf(path.segments, this.#options.mounts);
    if (mount === undefined) return 'missing';
    const unknown = mount.whenKnown?.() ?? null;
    if (unknown !== null) return unknown.then(() => (client.ended ? 'busy' : this.find(path, own, client)));
    const place = placeOf(path.segments, mount);
    const search = own ? findExactly(place) : findFile(path, place, this.#options);
    let step = search.next();
    while (step.done !== true) {
      const opened = step.value.source.open(step.value.path);
      if (opened === null) return this.#findLater(search, step.value, client, () => this.find(path, own, client));
      step = search.next(opened);
    }
    return step.value;
  }

  /** Runs in the pool, unless that is full. */
  async openLater({ source, path }: Omit<FilePlace, 'prefix'>, client: WaitingClient): Promise<OpenFile | Refusal> {
    const { pool, counters } = this.#services;
    if (pool.isFull) return 'busy';
    counters.poolOpens++;
    return (
      (await pool.run(
        () => source.openLater(path),
        () => !client.ended,
      )) ?? 'busy'
    );
  }

  /** Whether a file is missing only in a folder that is not served any more: the current folder may have it. */
  isOutdated(found: unknown, { source }: FilePlace): boolean {
    return found === 'missing' && !isCurrentSource(source, this.#services.nowMs());
  }

  async #findLater(
    search: Search,
    place: FilePlace,
    client: WaitingClient,
    again: () => Found | Promise<Found>,
  ): Promise<Found> {
    for (let at = place; ; ) {
      const step = search.next(at.source.open(at.path) ?? (await this.openLater(at, client)));
      if (step.done === true) return this.isOutdated(step.value, at) ? again() : step.value;
      at = step.value;
    }
  }
}

function findFile(path: FilePath, place: FilePlace, options: FinderOptions): Search {
  return path.isDirectory ? findIndex(place, options) : findNamed(path.segments.at(-1) ?? '', place, options);
}

/** Finds the file with exactly that name: no index, no redirect. */
function* findExactly(place: FilePlace): Search {
  const opened = yield place;
  if (typeof opened === 'string') return opened === 'directory' ? 'missing' : opened;
  return { kind: 'file', file: opened, place, isFirst: true };
}

/** The mount that contains a path; undefined: there is no root. */
function mountOf(segments: readonly string[], mounts: readonly Mount[]): Mount | undefined {
  return mounts.find(({ prefix }) => prefix.every((name, index) => segments[index] === name));
}

function placeOf(segments: readonly string[], { source, prefix }: Mount): FilePlace {
  return { source, path: segments.slice(prefix.length).join('/'), prefix };
}

function* findIndex(place: FilePlace, options: FinderOptions): Search {
  const { indexes, listing, cleanUrls } = options;
  let isFirst = true;
  for (const index of indexes) {
    const at = within(place, index);
    const opened = yield at;
    if (typeof opened !== 'string') return { kind: 'file', file: opened, place: at, isFirst };
    if (opened !== 'missing' && opened !== 'directory') return opened;
    isFirst = false;
  }
  if (listing) return { kind: 'listing', place };
  if (!cleanUrls || place.path === '' || !(yield* isThere(pageOf(place)))) return 'missing';
  return { kind: 'redirect', location: `../${encodeName(place.path.slice(place.path.lastIndexOf('/') + 1))}` };
}

function* findNamed(name: string, place: FilePlace, options: FinderOptions): Search {
  const { cleanUrls } = options;
  const opened = yield place;
  if (typeof opened !== 'string') {
    const file = { kind: 'file', file: opened, place, isFirst: true } as const;
    if (!cleanUrls || !name.endsWith('.html')) return file;
    const location = yield* cleanLocation(place, options);
    if (location === null) return { ...file, isFirst: false };
    opened.close();
    return { kind: 'redirect', location };
  }
  const isFolder = opened === 'directory';
  if (!isFolder && opened !== 'missing') return opened;
  const toFolder = { kind: 'redirect', location: `./${encodeName(name)}/` } as const;
  const otherwise = isFolder ? toFolder : 'missing';
  if (!cleanUrls || place.path === '' || (isFolder && (yield* hasIndex(place, options)))) return otherwise;
  const page = pageOf(place);
  const found = yield page;
  if (typeof found === 'string') return isOverload(found) ? found : otherwise;
  return { kind: 'file', file: found, place: page, isFirst: false };
}

/** As {@link Search}, but returns whether a file exists. */
type Check = Generator<FilePlace, boolean, OpenFile | Refusal>;

function* isThere(place: FilePlace): Check {
  const opened = yield place;
  if (typeof opened === 'string') return false;
  opened.close();
  return true;
}

function* hasIndex(place: FilePlace, { indexes }: FinderOptions): Check {
  for (const index of indexes) if (yield* isThere(within(place, index))) return true;
  return false;
}

/** The clean URL of `about.html`. Null: another file or folder has that URL. */
function* cleanLocation(
  page: FilePlace,
  options: FinderOptions,
): Generator<FilePlace, string | null, OpenFile | Refusal> {
  const path = page.path.slice(0, -'.html'.length);
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name === 'index') return './';
  const place = { ...page, path };
  const opened = yield place;
  if (typeof opened !== 'string') opened.close();
  const isTaken = typeof opened !== 'string' || (opened === 'directory' && (yield* hasIndex(place, options)));
  return isTaken ? null : `./${encodeName(name)}`;
}

function within(place: FilePlace, name: string): FilePlace {
  return { ...place, path: place.path === '' ? name : `${place.path}/${name}` };
}

/** The page that a clean URL names. */
function pageOf(place: FilePlace): FilePlace {
  return { ...place, path: `${place.path}.html` };
}
