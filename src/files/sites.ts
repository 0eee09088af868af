// The static file handler: opens the folders and creates the sites.

import { realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EpollServerError } from '../errors.ts';
import type { Handler, HttpRequest } from '../http/handler.ts';
import { type NextHandler, nextHandlerOf } from '../http/next-handler.ts';
import type { Files } from '../kernel/files.ts';
import { relieveDescriptors } from '../kernel/spare-descriptors.ts';
import type { Limits } from '../limits.ts';
import { mountsOf } from '../options/mount-paths.ts';
import type { StaticSettings } from '../options/option-types.ts';
import { settingsOfHost } from '../options/static-settings.ts';
import { hostsOf } from '../options/virtual-hosts.ts';
import { CacheRules } from './cache-rules.ts';
import { CodingChooser } from './coding-chooser.ts';
import { DenyList, isOutside, openPathOf, realPathOf, type ServedFolder } from './deny-list.ts';
import { DenyListSource } from './deny-list-source.ts';
import { DirectorySource } from './directory-source.ts';
import { FileCache } from './file-cache.ts';
import { type FileCounters, type FileStats, makeFileCounters } from './file-counters.ts';
import type { FieldPairs } from './file-kinds.ts';
import type { FileSource } from './file-source.ts';
import type { Mount } from './finder.ts';
import { Hosts } from './hosts.ts';
import { Listings } from './listings.ts';
import { Loader } from './loader.ts';
import { MediaTypes } from './media-types.ts';
import { OpenFiles } from './open-files.ts';
import { resolveRoot } from './resolve-root.ts';
import { RootDirectory } from './root-directory.ts';
import type { FileServices } from './services.ts';
import { FRESH_MS, Site } from './site.ts';
import { poolThreads, WorkPool } from './work-pool.ts';

/** The defaults of current browsers, sent so that older ones behave the same and no client guesses types. */
const SECURITY: FieldPairs = [
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'strict-origin-when-cross-origin'],
];

/** The folders of one site by their absolute names, whose targets may change. */
interface SiteFolders {
  /** Null: only the mounted folders are served. */
  readonly root: string | null;
  readonly mounts: readonly (readonly [readonly string[], string])[];
}

/** The folders of a configuration. */
export interface Folders extends SiteFolders {
  readonly hosts: readonly (SiteFolders & { readonly host: string; readonly settings: StaticSettings })[];
  /** Files and folders that are never served. */
  readonly hidden: DenyList;
}

/**
 * `sources`: folders of an application, which are never served.
 * @throws EpollServerError `ERR_ROOT`: a folder is missing, not a directory, or not readable. `ERR_OPTION`: a hidden
 * path lies in no folder, or an application lies in one.
 */
export async function resolveFolders(settings: StaticSettings, sources: readonly string[] = []): Promise<Folders> {
  const served: ServedFolder[] = [];
  const named = async (folder: string): Promise<string> => {
    const path = await resolveRoot(folder);
    served.push({ named: path, real: await realpath(path) });
    return path;
  };
  const foldersOf = async ({ root, mounts, spa }: StaticSettings): Promise<SiteFolders> => {
    const path = root === null ? null : await named(root);
    const mounted = mountsOf(Object.entries(mounts), 'a folder').map(
      async ([at, each]) => [at.slice(1).split('/'), await named(each)] as const,
    );
    const folders = { root: path, mounts: longestFirst(await Promise.all(mounted)) };
    if (spa !== false) await checkFallback(spa, folders);
    return folders;
  };
  const folders = await foldersOf(settings);
  const hosts = hostsOf(settings.hosts).map(async ([host, own]) => {
    const ofHost = settingsOfHost(settings, own);
    return { host, settings: ofHost, ...(await foldersOf(ofHost)) };
  });
  const all = { ...folders, hosts: await Promise.all(hosts) };
  const { hide, hideIfServed } = settings;
  refuseSources(served, sources);
  refuseOutside(served, hide);
  return { ...all, hidden: new DenyList([...sources, ...hide, ...hideIfServed], served) };
}

/** @throws EpollServerError `ERR_OPTION`: a hidden path that is not served in any case. */
function refuseOutside(served: readonly ServedFolder[], hidden: readonly string[]): void {
  const path = hidden.find((each) => isOutside(each, served));
  if (path === undefined) return;
  const folders = [...new Set(served.map(({ named }) => named))].join(', ');
  throw wrong(`hide: ${resolve(path)} is not below a served folder (${folders}): use a path in one of them`);
}

/** @throws EpollServerError `ERR_OPTION`: the fallback page does not exist, or is not a file. */
async function checkFallback(spa: string, { root, mounts }: SiteFolders): Promise<void> {
  const names = spa.split('/').filter((name) => name !== '');
  const [prefix, folder] = mounts.find(([prefix]) => prefix.every((name, at) => names[at] === name)) ?? [[], root];
  if (folder === null) throw wrong(`spa: ${spa} is in no mounted folder, and there is no root: add a root`);
  const path = join(folder, ...names.slice(prefix.length));
  const found = await kindOf(path);
  if (found === 'missing')
    throw wrong(`spa: the page ${path} does not exist: name a file of the root, such as index.html`);
  if (found === 'folder') {
    throw wrong(`spa: ${path} is a folder: use a page in it, such as ${names.join('/')}/index.html`);
  }
}

/** A page that cannot be looked at for another reason gets its error response when it is requested. */
async function kindOf(path: string): Promise<'missing' | 'folder' | 'other'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'other';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : 'other';
  }
}

function longestFirst(mounts: SiteFolders['mounts']): SiteFolders['mounts'] {
  return [...mounts].sort(([a], [b]) => b.length - a.length);
}

/** @throws EpollServerError `ERR_OPTION`: a source folder is, or contains, a served folder. */
function refuseSources(served: readonly ServedFolder[], sources: readonly string[]): void {
  for (const source of sources) {
    if (!served.some(({ real }) => real === source)) continue;
    throw wrong(
      `${source} is served as files and contains the application, whose source must not be served: use separate folders`,
    );
  }
}

/** The limits of static files. */
export const STATIC_LIMITS = [
  'maxCacheBytes',
  'maxCachedFileBytes',
  'maxCompressedFileBytes',
  'maxCodingBytesPerSecond',
  'maxFileQueue',
  'maxOpenFiles',
] as const;

export type StaticLimits = Pick<Limits, (typeof STATIC_LIMITS)[number]>;

/** The context that the sites need. */
export interface SiteContext {
  readonly files: Files;
  readonly limits: StaticLimits;
  readonly nowMs: () => number;
  readonly wallClockMs: () => number;
  /** Called with the reason why an existing file cannot be sent (`ERR_FILE`), once a second for the same reason. */
  readonly onError: (error: unknown, request: HttpRequest | null) => void;
  /** Handles requests without a file. Absent or null: the sites respond with 404 or 405. */
  readonly next?: Handler | null;
}

/** A failing disk causes one log line a second, not one per request. */
const REPORT_MS = 1_000;

/** The share of the process's descriptors for files kept open; the rest is for clients. */
const DESCRIPTOR_SHARE = 1 / 4;

/** The number of different problems that are remembered. */
const MAX_PROBLEMS = 100;

function sparingly({ nowMs, onError }: SiteContext): FileServices['report'] {
  const lastMs = new Map<string, number>();
  return (request, problem) => {
    if (nowMs() - (lastMs.get(problem) ?? Number.NEGATIVE_INFINITY) < REPORT_MS) return;
    if (lastMs.size >= MAX_PROBLEMS) lastMs.clear();
    lastMs.set(problem, nowMs());
    onError(new EpollServerError('ERR_FILE', problem), request);
  };
}

/** The handler, and its counters. */
export class Sites {
  readonly handler: Handler;
  readonly cache: FileCache;
  readonly openFiles: OpenFiles;
  readonly counters: FileCounters = makeFileCounters();
  readonly #context: SiteContext;
  readonly #nextHandler: NextHandler | null;
  readonly #hidden: DenyList;
  readonly #services: FileServices;
  /** One for all sites, so that compression is bounded for all of them together. */
  readonly #codings: CodingChooser;

  /** @throws EpollServerError `ERR_ROOT`. */
  constructor(folders: Folders, settings: StaticSettings, context: SiteContext) {
    const { limits, nowMs, wallClockMs } = context;
    const { maxCachedFileBytes, maxCompressedFileBytes, maxCodingBytesPerSecond } = limits;
    this.#context = context;
    this.#nextHandler = nextHandlerOf(context.next);
    this.#hidden = folders.hidden;
    const pool = new WorkPool(poolThreads(), limits.maxFileQueue);
    this.openFiles = new OpenFiles({
      max: Math.min(limits.maxOpenFiles, Math.floor(context.files.descriptorLimit * DESCRIPTOR_SHARE)),
      nowMs,
      later: (ms, callback) => setTimeout(callback, ms).unref(),
    });
    this.cache = new FileCache(limits.maxCacheBytes, this.openFiles);
    this.#services = {
      cache: this.cache,
      openFiles: this.openFiles,
      listings: new Listings({ pool, nowMs, maxFreshMs: FRESH_MS }),
      pool,
      counters: this.counters,
      nowMs,
      wallClockMs,
      maxCachedFileBytes,
      maxCompressedFileBytes,
      maxCodingBytesPerSecond,
      report: sparingly(context),
    };
    this.#codings = new CodingChooser(this.#services);
    const defaultSite = this.#site('', folders, settings);
    const hosts = folders.hosts.map((each) => [each.host, this.#site(each.host, each, each.settings)] as const);
    this.handler = handlerOf(defaultSite, new Map(hosts));
  }

  /** Counters since the start, and current gauges. */
  stats(): FileStats {
    const { bytes: cacheBytes, size: cacheEntries } = this.cache;
    return { ...this.counters, cacheBytes, cacheEntries, open: this.openFiles.size };
  }

  /** Closes all descriptors. */
  close(): void {
    this.openFiles.close();
    this.#context.files.destroy();
  }

  #mount(prefix: readonly string[], folder: string): Mount {
    const { files, nowMs, onError } = this.#context;
    const context = { files, nowMs, relieve: relieveDescriptors };
    return new RootDirectory(prefix, folder, {
      ...context,
      sourceOf: (root, release, fd) => {
        const source = new DirectorySource(root, release, fd, context);
        return fd < 0 ? source : this.#hiding(source, folder, () => (root.isOpen(release) ? fd : -1));
      },
      onReplaced: (source) => this.cache.forget(source),
      onGone: (error) => onError(error, null),
    });
  }

  /** `named`: the configured folder of `source`. */
  #hiding(source: FileSource, named: string, rootFd: () => number): FileSource {
    const hidden = this.#hidden;
    const root = openPathOf(rootFd()) ?? realPathOf(named);
    hidden.enter(named, root);
    return hidden.isEmpty ? source : new DenyListSource(source, { root, rootFd, hidden, nowMs: this.#context.nowMs });
  }

  #site(name: string, { root, mounts }: SiteFolders, settings: StaticSettings): Site {
    const { index, listing, cleanUrls, spa, dotfiles } = settings;
    return new Site(
      name,
      {
        mounts: [...mounts, ...(root === null ? [] : [[[], root] as const])].map(([prefix, folder]) =>
          this.#mount(prefix, folder),
        ),
        indexes: index,
        listing,
        cleanUrls,
        fallback: spa === false ? null : spa.replace(/^\//, ''),
        showsHidden: dotfiles,
        extra: fieldsOf(settings),
        loader: this.#loader(settings),
        nextHandler: this.#nextHandler,
      },
      this.#services,
    );
  }

  #loader(settings: StaticSettings): Loader {
    const { types, charset, compression, cacheControl } = settings;
    const rules = new CacheRules(cacheControl);
    const kinds = { types: new MediaTypes(types, charset), compression, rules, extra: fieldsOf(settings) };
    return new Loader(kinds, this.#services, this.#codings);
  }
}

/** Fields of every response. */
function fieldsOf({ securityHeaders }: StaticSettings): FieldPairs {
  return securityHeaders ? SECURITY : [];
}

/** Responds with the site of the host in a request. */
function handlerOf(defaultSite: Site, byHost: ReadonlyMap<string, Site>): Handler {
  if (byHost.size === 0) return (request, response) => defaultSite.handle(request, response);
  const hosts = new Hosts(defaultSite, byHost);
  return (request, response) => hosts.of(request).handle(request, response);
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
