// Listings of the folders of all sites. The names in a folder are read and sorted in the pool, and cached as bytes
// until it changes. Pages are rendered some names at a time, so that a folder of a million names does not block the
// loop. Concurrent requests for the same listing share the work.

import { createHash } from 'node:crypto';
import { type PrecompiledFields, precompileFields } from '../http/fields.ts';
import type { FieldPairs } from './file-kinds.ts';
import type { FileSource, Refusal } from './file-source.ts';
import type { FilePlace } from './finder.ts';
import { type FolderNames, MAX_FOLDER_NAMES } from './folder-names.ts';
import { htmlRows, jsonMembers, listingHtml, listingJson, type PagePlace } from './listing-page.ts';
import { RecentValues } from './recent-values.ts';
import { SharedWait, type WaitingClient } from './shared-wait.ts';
import type { WorkPool } from './work-pool.ts';

/** Names on an HTML page. */
const HTML_NAMES = 1_000;

/** Names on a JSON page, about 2 MiB: programs seldom request the next page. */
const JSON_NAMES = 20_000;

/** Names that are described and rendered in one step: a millisecond or two of the loop. */
const STEP_NAMES = 1_000;

/** Memory for cached folder names, of which one folder takes 36 MiB at most; and the number of cached folders. */
const MAX_NAMES_BYTES = 41_943_040;
const MAX_FOLDERS = 64;

/** Memory for cached pages, and their number. */
const MAX_PAGES_BYTES = 16_777_216;
const MAX_PAGES = 256;

/**
 * A folder with at least this many names is checked again after {@link ListingsOptions.maxFreshMs}; smaller ones
 * sooner.
 */
const FRESH_NAMES = 10_000;

/** The work for such a folder takes at most this fraction of the time. */
const SHARE = 10;

/** The longest time in which a change of a folder that is slow to read may go unnoticed. */
const MAX_STALE_MS = 20_000;

/** Some file systems do not update the time of a folder when it changes: its names are read again after this time. */
const TRUSTED_MS = 30_000;

export interface ListingsOptions {
  readonly pool: WorkPool;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  readonly maxFreshMs: number;
}

/** A request for a listing. */
export interface ListingRequest {
  /** Identifies this folder among those of all sites. */
  readonly key: string;
  /** The decoded path of the folder, for display. */
  readonly path: string;
  readonly place: FilePlace;
  readonly isJson: boolean;
  readonly page: number;
  readonly showsHidden: boolean;
  /** Fields of every response. */
  readonly extra: FieldPairs;
}

/** A page as it is sent. */
export interface ListingPage {
  readonly content: Buffer;
  readonly etag: string;
  readonly fields: PrecompiledFields;
  readonly notModified: PrecompiledFields;
}

/** Names are valid only for requests to the source in which they were found. */
interface KeptNames {
  readonly source: FileSource;
  readonly names: FolderNames;
  readonly freshUntilMs: number;
  readonly trustedUntilMs: number;
}

interface KeptPage {
  readonly source: FileSource;
  readonly page: ListingPage;
  readonly freshUntilMs: number;
}

/** Work in progress. */
interface Coming<T> {
  readonly source: FileSource;
  readonly wait: SharedWait<T | Refusal>;
}

export class Listings {
  readonly #options: ListingsOptions;
  readonly #names = new RecentValues<KeptNames>(MAX_NAMES_BYTES, MAX_FOLDERS);
  readonly #pages = new RecentValues<KeptPage>(MAX_PAGES_BYTES, MAX_PAGES);
  /** Names and pages in progress. */
  readonly #reading = new Map<string, Coming<FolderNames>>();
  readonly #making = new Map<string, Coming<ListingPage>>();

  constructor(options: ListingsOptions) {
    this.#options = options;
  }

  /** The requested page; `missing`: the listing has fewer pages; null: the client has left. */
  page(request: ListingRequest, client: WaitingClient): Promise<ListingPage | Refusal | null> {
    const { pool, nowMs } = this.#options;
    const key = `${request.isJson ? 'json' : 'html'} ${request.page} ${request.key}`;
    const { source } = request.place;
    const kept = this.#pages.get(key);
    if (kept?.source === source && nowMs() < kept.freshUntilMs) return Promise.resolve(kept.page);
    const making = this.#making.get(key);
    if (making?.source === source) return making.wait.wait(client);
    if (pool.isFull) return Promise.resolve('busy');
    const wait = new SharedWait<ListingPage | Refusal>();
    const page = wait.wait(client);
    const made = this.#make(() => wait.isWanted, key, request);
    void settleWith(this.#making, key, { source, wait }, made);
    return page;
  }

  async #make(isWanted: () => boolean, key: string, request: ListingRequest): Promise<ListingPage | Refusal> {
    const begunMs = this.#options.nowMs();
    const names = await this.#namesFor(request, isWanted);
    if (typeof names === 'string') return names;
    const size = request.isJson ? JSON_NAMES : HTML_NAMES;
    const pages = Math.max(1, Math.ceil(names.count / size));
    if (request.page > pages) return 'missing';
    const first = (request.page - 1) * size;
    const end = Math.min(first + size, names.count);
    const pieces: string[] = [];
    for (let at = first; at < end; at += STEP_NAMES) {
      const step = names.slice(at, Math.min(at + STEP_NAMES, end));
      const listed = await this.#run(() => request.place.source.describe(request.place.path, step), isWanted);
      if (typeof listed === 'string') return listed;
      pieces.push(request.isJson ? jsonMembers(listed) : htmlRows(listed));
    }
    const page = this.#pageOf(request, { pages, isCut: names.isCut }, pieces);
    const kept = { source: request.place.source, page, freshUntilMs: this.#freshUntilMs(begunMs, names.count) };
    this.#pages.set(key, kept, page.content.length);
    return page;
  }

  /** The names of a folder, shared by all of its pages that wait for them. */
  async #namesFor(request: ListingRequest, isWanted: () => boolean): Promise<FolderNames | Refusal> {
    const { source } = request.place;
    const kept = this.#names.get(request.key);
    if (kept?.source === source && this.#options.nowMs() < kept.freshUntilMs) return kept.names;
    const reading = this.#reading.get(request.key);
    const client = {
      get ended() {
        return !isWanted();
      },
    };
    if (reading?.source === source) return (await reading.wait.wait(client)) ?? 'busy';
    const wait = new SharedWait<FolderNames | Refusal>();
    const names = wait.wait(client);
    void settleWith(this.#reading, request.key, { source, wait }, this.#read(wait, request));
    return (await names) ?? 'busy';
  }

  async #read(
    wait: SharedWait<FolderNames | Refusal>,
    { key, place: { source, path }, showsHidden }: ListingRequest,
  ): Promise<FolderNames | Refusal> {
    const { nowMs } = this.#options;
    const kept = this.#names.get(key);
    let begunMs = nowMs();
    const known = kept?.source === source && begunMs < kept.trustedUntilMs ? kept : null;
    const names = await this.#run(
      () => {
        begunMs = nowMs();
        return source.list(path, showsHidden, known?.names ?? null);
      },
      () => wait.isWanted,
    );
    if (typeof names === 'string') {
      if (names === 'missing' && kept?.source === source) this.#names.delete(key);
      return names;
    }
    const freshUntilMs = this.#freshUntilMs(begunMs, names.count);
    const trustedUntilMs = names === known?.names ? known.trustedUntilMs : begunMs + TRUSTED_MS;
    this.#names.set(key, { source, names, freshUntilMs, trustedUntilMs }, names.bytes);
    return names;
  }

  async #run<T>(job: () => Promise<T | Refusal>, isWanted: () => boolean): Promise<T | Refusal> {
    return (await this.#options.pool.run(job, isWanted)) ?? 'busy';
  }

  /**
   * Limits the work for a folder to a small share of the time; a small folder is checked for each request. `begunMs`:
   * when the work that has now ended began.
   */
  #freshUntilMs(begunMs: number, count: number): number {
    const { nowMs, maxFreshMs } = this.#options;
    if (count < FRESH_NAMES) return begunMs + (maxFreshMs * count) / FRESH_NAMES;
    return begunMs + Math.max(maxFreshMs, Math.min(SHARE * (nowMs() - begunMs), MAX_STALE_MS));
  }

  #pageOf(
    { path, isJson, page, extra }: ListingRequest,
    { pages, isCut }: { readonly pages: number; readonly isCut: boolean },
    pieces: readonly string[],
  ): ListingPage {
    const notice = isCut ? noticeOfCut() : null;
    const place: PagePlace = { path, page, pages, notice };
    const content = Buffer.from(isJson ? listingJson(pieces) : listingHtml(place, pieces.join('')));
    const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
    const shared: FieldPairs = [['Vary', 'Accept'], ['ETag', etag], ...linksOf(page, pages)];
    const mediaType = isJson ? 'application/json' : 'text/html';
    const cut: FieldPairs = notice === null ? [] : [['X-Listing-Incomplete', notice]];
    return {
      content,
      etag,
      fields: precompileFields([['Content-Type', `${mediaType}; charset=utf-8`], ...shared, ...cut, ...extra]),
      notModified: precompileFields(shared),
    };
  }
}

/** Shares the result with requests of the same source only: another one may have replaced it meanwhile. */
async function settleWith<T>(
  underWay: Map<string, Coming<T>>,
  key: string,
  coming: Coming<T>,
  made: Promise<T | Refusal>,
): Promise<void> {
  underWay.set(key, coming);
  const value = await made.catch(() => 'failed' as const);
  if (underWay.get(key) === coming) underWay.delete(key);
  coming.wait.settle(value);
}

/** A function: formatting a number by a locale takes a tenth of the program's start. */
function noticeOfCut(): string {
  const names = MAX_FOLDER_NAMES.toLocaleString('en');
  return `This folder has more names than are listed: the list ends after ${names} names or 32 MiB of them.`;
}

/** Links to the other pages (RFC 8288). */
function linksOf(page: number, pages: number): FieldPairs {
  const links = [
    ...(page > 1 ? [`<?page=${page - 1}>; rel="prev"`] : []),
    ...(page < pages ? [`<?page=${page + 1}>; rel="next"`] : []),
  ];
  return links.length === 0 ? [] : [['Link', links.join(', ')]];
}
