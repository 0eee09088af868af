// Which file a path of a site means: mounts, index files, clean URLs. It asks for one name after the other and
// is told what is there, now or later. It must not know requests.

import type { FilePath } from './file-path.ts';
import type { FileSource, OpenFile, Refusal } from './file-source.ts';

/** Files of `source` appear below `prefix`. */
export interface Mount {
  /** Names; none for the root of the site. */
  readonly prefix: readonly string[];
  readonly source: FileSource;
}

/** A path below a source. */
export interface Place {
  readonly source: FileSource;
  readonly path: string;
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
  readonly place: Place;
  /** No other name was looked for in front of it. */
  readonly isFirst: boolean;
}

export type Found =
  | FoundFile
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'listing'; readonly place: Place }
  | Refusal;

/** Yields the place to open next, is given what {@link FileSource.open} said, and returns what was found. */
export type Search = Generator<Place, Found, OpenFile | Refusal>;

export function findFile(path: FilePath, options: FinderOptions): Search {
  const place = placeOf(path.segments, options.mounts);
  return path.isDirectory ? findIndex(place, options) : findNamed(path.segments.at(-1) ?? '', place, options);
}

function placeOf(segments: readonly string[], mounts: readonly Mount[]): Place {
  const mount = mounts.find(({ prefix }) => prefix.every((name, index) => segments[index] === name));
  if (mount === undefined) throw new Error('epoll-server: broken invariant: a site has a root');
  return { source: mount.source, path: segments.slice(mount.prefix.length).join('/') };
}

function* findIndex(place: Place, { indexes, listing }: FinderOptions): Search {
  let isFirst = true;
  for (const index of indexes) {
    const at = { source: place.source, path: place.path === '' ? index : `${place.path}/${index}` };
    const opened = yield at;
    if (typeof opened !== 'string') return { kind: 'file', file: opened, place: at, isFirst };
    if (opened !== 'missing' && opened !== 'directory') return opened;
    isFirst = false;
  }
  return listing ? { kind: 'listing', place } : 'missing';
}

function* findNamed(name: string, place: Place, { cleanUrls }: FinderOptions): Search {
  const opened = yield place;
  if (typeof opened !== 'string') {
    if (!cleanUrls || !name.endsWith('.html')) return { kind: 'file', file: opened, place, isFirst: true };
    opened.close();
    return { kind: 'redirect', location: cleanLocation(name.slice(0, -'.html'.length)) };
  }
  if (opened === 'directory') return { kind: 'redirect', location: `./${encodeURIComponent(name)}/` };
  if (opened !== 'missing' || !cleanUrls) return opened;
  const page = { source: place.source, path: `${place.path}.html` };
  const found = yield page;
  return typeof found === 'string' ? 'missing' : { kind: 'file', file: found, place: page, isFirst: false };
}

function cleanLocation(name: string): string {
  return name === 'index' ? './' : `./${encodeURIComponent(name)}`;
}
