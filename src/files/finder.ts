// Which file a path of a site means: mounts, index files, clean URLs. Each name is asked for after the other. What the
// system does not know at once is asked for in the thread pool.

import { encodeName } from './file-name.ts';
import type { FilePath } from './file-path.ts';
import { type FileSource, isCurrentSource, isOverload, type OpenFile, type Refusal } from './file-source.ts';
import type { FileServices } from './services.ts';
import type { WaitingClient } from './shared-wait.ts';

/** Files of `source` appear below `prefix`. */
export interface Mount {
  /** Names; none for the root of the site. */
  readonly prefix: readonly string[];
  /** What the folder's name leads to now. */
  readonly source: FileSource;
  /** Resolves when that is known; null: it is. Absent: it always is. */
  whenKnown?(): Promise<void> | null;
}

/** A path below a source. */
export interface FilePlace {
  readonly source: FileSource;
  readonly path: string;
  /** Names in front of the path, where the source is mounted. */
  readonly prefix: readonly string[];
}

/** The path of a file as the site has it, without `/` in front: below its mount, and with its index's name. */
export function sitePathOf({ prefix, path }: FilePlace): string {
  return [...prefix, path].join('/');
}

/** What a site does with paths. */
export interface FinderOptions {
  /** The longest prefix first; the last one is the root's. */
  readonly mounts: readonly Mount[];
  /** What answers for a folder, the first that is there. */
  readonly indexes: readonly string[];
  /** `/about` is answered by `about.html`, and `/about.html` sends there. */
  readonly cleanUrls: boolean;
  readonly listing: boolean;
}

export interface FoundFile {
  readonly kind: 'file';
  readonly file: OpenFile;
  readonly place: FilePlace;
  /** No other name was looked for in front of it. */
  readonly isFirst: boolean;
}

export type Found =
  | FoundFile
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'listing'; readonly place: FilePlace }
  | Refusal;

/** Yields the place to open next, is given what {@link FileSource.open} said, and returns what was found. */
type Search = Generator<FilePlace, Found, OpenFile | Refusal>;

/** Finds the files of a site: at once as far as the system knows their names, else in the thread pool. */
export class Finder {
  readonly #options: FinderOptions;
  readonly #services: FileServices;

  constructor(options: FinderOptions, services: FileServices) {
    this.#options = options;
    this.#services = services;
  }

  /** `own`: the site asks for its own page, by its very name. */
  find(path: FilePath, own: boolean, client: WaitingClient): Found | Promise<Found> {
    const unknown = mountOf(path.segments, this.#options.mounts).whenKnown?.() ?? null;
    if (unknown !== null) return unknown.then(() => (client.ended ? 'busy' : this.find(path, own, client)));
    const search = own ? findExactly(path, this.#options.mounts) : findFile(path, this.#options);
    let step = search.next();
    while (step.done !== true) {
      const opened = step.value.source.open(step.value.path);
      if (opened === null) return this.#findLater(search, step.value, client, () => this.find(path, own, client));
      step = search.next(opened);
    }
    return step.value;
  }

  /** In the pool, unless that is full. */
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

  /** Whether something is missing in a folder that is not served any more, which says nothing of the one that is. */
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

function findFile(path: FilePath, options: FinderOptions): Search {
  const place = placeOf(path.segments, options.mounts);
  return path.isDirectory ? findIndex(place, options) : findNamed(path.segments.at(-1) ?? '', place, options);
}

/** Asks for the file of that very name and nothing else: no index, no other address. */
function* findExactly(path: FilePath, mounts: readonly Mount[]): Search {
  const place = placeOf(path.segments, mounts);
  const opened = yield place;
  if (typeof opened === 'string') return opened === 'directory' ? 'missing' : opened;
  return { kind: 'file', file: opened, place, isFirst: true };
}

/** The mount that the names of a path lie below. */
function mountOf(segments: readonly string[], mounts: readonly Mount[]): Mount {
  const mount = mounts.find(({ prefix }) => prefix.every((name, index) => segments[index] === name));
  if (mount === undefined) throw new Error('epoll-server: broken invariant: a site has a root');
  return mount;
}

function placeOf(segments: readonly string[], mounts: readonly Mount[]): FilePlace {
  const { source, prefix } = mountOf(segments, mounts);
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

/** Looks for one name after the other, as {@link Search}, and tells whether something is there. */
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

/** Where `about.html` is found without its ending; null: another file or folder has that address. */
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

/** The page that a clean URL means. */
function pageOf(place: FilePlace): FilePlace {
  return { ...place, path: `${place.path}.html` };
}
