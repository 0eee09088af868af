// One site: its files, the responses for missing ones, and a cache that is valid for a second. The loop's thread never
// waits for a disk: a response that needs one is sent later.

import { messageOf } from '../errors.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';
import { type NextHandler, passOn } from '../http/next-handler.ts';
import { SERVED_BY } from '../http/served-by.ts';
import { acceptedCodings } from './codings.ts';
import { ContentSender, readSmall } from './content.ts';
import { answerMissing, type Responder } from './fallback.ts';
import type { FieldPairs } from './file-kinds.ts';
import { cacheKey, canonicalPath, type FilePath, isPagePath, type PathRefusal, parseFilePath } from './file-path.ts';
import { answerWithout, beginResponse, chooseResponse, type FileResponse, responseFrom } from './file-response.ts';
import {
  type FileSource,
  isCurrentSource,
  isOverload,
  isSameFile,
  type OpenFile,
  type Refusal,
} from './file-source.ts';
import type { FileVariant } from './file-variant.ts';
import { type FilePlace, Finder, type FinderOptions, type Found, type FoundFile } from './finder.ts';
import { answerListing, pageNumberOf, wantsJson } from './listing-response.ts';
import type { Loader } from './loader.ts';
import { Pages, REFUSAL_ANSWERS, REFUSAL_PROBLEMS, type SiteRefusal } from './pages.ts';
import type { Resource } from './resource.ts';
import type { FileServices } from './services.ts';
import { SharedWait } from './shared-wait.ts';

/** A cached resource is checked again after this time: nothing staler is served. */
export const FRESH_MS = 900;

/**
 * Separates a site's name from paths in cache keys, and marks the site's requests for its own pages: clean URLs
 * redirect other requests. No host, sent path or file name contains this character, so keys are unique.
 */
const END = '\0';

export interface SiteParts extends FinderOptions {
  /**
   * A path below the root that is sent for navigations to missing paths, for applications that route in the browser.
   */
  readonly fallback: string | null;
  readonly showsHidden: boolean;
  /** Fields of every response. */
  readonly extra: FieldPairs;
  readonly loader: Loader;
  /** Absent or null: only files are served. */
  readonly nextHandler?: NextHandler | null;
}

/** A file of `source` that is being loaded. The wait resolves to the reason if loading fails. */
interface Loading {
  readonly source: FileSource;
  readonly wait: SharedWait<Resource | Refusal>;
}

export class Site {
  readonly #options: SiteParts;
  readonly #services: FileServices;
  /** The prefix of this site's cache keys, which separates it from other sites. */
  readonly #prefix: string;
  /** Files that are being loaded, so that concurrent requests load a file once. */
  readonly #loading = new Map<string, Loading>();
  readonly #finder: Finder;
  readonly #pages: Pages;

  /** `name`: of its host; empty for the default site. */
  constructor(name: string, options: SiteParts, services: FileServices) {
    this.#prefix = name === '' ? '' : name + END;
    this.#options = options;
    this.#services = services;
    this.#finder = new Finder(options, services);
    this.#pages = new Pages(options.extra);
  }

  handle(request: HttpRequest, response: HttpResponse): void | Promise<void> {
    request.servedBy = SERVED_BY.FILES;
    const { method, path } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      const { nextHandler } = this.#options;
      return passOn(nextHandler, request, response, () => this.#pages.answerMethod(method, response));
    }
    const known = this.#known(this.#prefix + path);
    return known === undefined ? this.#serve(request, response, path) : this.#answer(request, response, known, null);
  }

  #serve(request: HttpRequest, response: HttpResponse, path: string, own = false): void | Promise<void> {
    const filePath = parseFilePath(path, this.#options.showsHidden);
    if (typeof filePath === 'number') return this.#serveMissing(request, response, filePath);
    const key = this.#prefix + (own ? END : '') + cacheKey(filePath);
    const known = this.#known(key);
    if (known !== undefined) return this.#answer(request, response, known, null);
    this.#services.counters.cacheMisses++;
    const loading = this.#loadingOf(key);
    if (loading !== undefined) return this.#answerLoaded(request, response, loading);
    const found = this.#finder.find(filePath, own, response);
    if (!(found instanceof Promise)) return this.#serveFound(request, response, filePath, key, found);
    return found.then((later) =>
      response.ended ? discard(later) : this.#serveFound(request, response, filePath, key, later),
    );
  }

  /** The cached resource under `key`, if it is still current. */
  #known(key: string): Resource | undefined {
    const resource = this.#services.cache.get(key);
    if (resource === undefined || !this.#isCurrent(resource)) return undefined;
    this.#services.counters.cacheHits++;
    return resource;
  }

  /** Whether the file of a cached resource is unchanged; then it stays cached. */
  #isCurrent(resource: Resource): boolean {
    const checkedMs = this.#services.nowMs();
    if (!isCurrentSource(resource.source, checkedMs)) return false;
    if (checkedMs - resource.checkedMs < FRESH_MS) return true;
    if (!resource.settled || !resource.isFirst) return false;
    const facts = resource.source.look(resource.path);
    if (facts === null || typeof facts === 'string' || !isSameFile(facts, resource.plain.facts)) return false;
    this.#keepOn(resource, checkedMs);
    return true;
  }

  /** Records that the file of a cached resource was found unchanged. */
  #keepOn(resource: Resource, checkedMs: number): void {
    // Many requests may have waited for the same slow file. The first to find it unchanged checks its siblings.
    if (checkedMs - resource.checkedMs >= FRESH_MS) this.#options.loader.codings.forgetChanged(resource);
    resource.checkedMs = checkedMs;
    this.#services.cache.renew(resource);
  }

  /** The running load for `key`, if it belongs to the currently served folder. */
  #loadingOf(key: string): Loading | undefined {
    const loading = this.#loading.get(key);
    return loading !== undefined && isCurrentSource(loading.source, this.#services.nowMs()) ? loading : undefined;
  }

  #serveFound(
    request: HttpRequest,
    response: HttpResponse,
    path: FilePath,
    key: string,
    found: Found,
  ): void | Promise<void> {
    if (typeof found === 'string') {
      if (!isOverload(found)) this.#services.cache.delete(key);
      return found === 'missing' ? this.#serveMissing(request, response, path) : this.#refuse(request, response, found);
    }
    if (found.kind === 'redirect') return this.#pages.redirect(response, found.location, request.query);
    if (found.kind === 'listing') return this.#list(request, response, path, found.place);
    const kept = this.#keptOf(key, found);
    if (kept !== null) {
      const isOpen = kept.plain.content === null;
      return this.#answer(request, response, kept, isOpen ? this.#keepOpen(kept, kept.plain, found.file) : found.file);
    }
    return this.#serveNew(request, response, key, found);
  }

  /** Serves a file that is not cached. */
  #serveNew(request: HttpRequest, response: HttpResponse, key: string, found: FoundFile): void | Promise<void> {
    const underWay = this.#loadingOf(key);
    if (underWay !== undefined) {
      found.file.close();
      return this.#answerLoaded(request, response, underWay);
    }
    const loading: Loading = { source: found.place.source, wait: new SharedWait() };
    const loaded = this.#options.loader.load(found, { isWanted: () => !response.ended || loading.wait.isWanted });
    if (loaded instanceof Promise) {
      this.#loading.set(key, loading);
      const answered = this.#answerLoaded(request, response, loading);
      void this.#keepLoaded(key, loading, loaded);
      return answered;
    }
    this.#keep(key, loaded);
    return this.#answer(request, response, loaded, this.#keepOpen(loaded, loaded.plain, found.file));
  }

  /** The cached resource under `key`, if the file found again is the same: then its codings are the same too. */
  #keptOf(key: string, { file, place }: FoundFile): Resource | null {
    const kept = this.#services.cache.get(key);
    if (kept === undefined || kept.source !== place.source || kept.path !== place.path) return null;
    const nowMs = this.#services.nowMs();
    const isSettled = kept.settled || nowMs - kept.checkedMs < FRESH_MS;
    if (!isSettled || !isSameFile(file.facts, kept.plain.facts)) return null;
    this.#keepOn(kept, nowMs);
    return kept;
  }

  async #keepLoaded(key: string, loading: Loading, loaded: Promise<Resource | null>): Promise<void> {
    const resource = await loaded.catch(() => 'failed' as const);
    if (this.#loading.get(key) === loading) this.#loading.delete(key);
    if (resource !== null && resource !== 'failed') this.#keep(key, resource);
    loading.wait.settle(resource ?? 'busy');
  }

  /** A resource of a folder that is no longer served is used for the requests that waited for it, and for no others. */
  #keep(key: string, resource: Resource): void {
    if (isCurrentSource(resource.source, this.#services.nowMs())) this.#services.cache.set(key, resource);
  }

  async #answerLoaded(request: HttpRequest, response: HttpResponse, loading: Loading): Promise<void> {
    const loaded = await loading.wait.wait(response);
    if (loaded === null) return;
    if (typeof loaded === 'string') return this.#refuse(request, response, loaded);
    return this.#answer(request, response, loaded, null);
  }

  /** The file of the coming response, kept open for later ones if they can detect changes of it. */
  #keepOpen(resource: Resource, variant: FileVariant, file: OpenFile): OpenFile | null {
    if (variant.content !== null) return null;
    if (resource.key !== '') this.#services.openFiles.keep(variant, file.share());
    return file;
  }

  /** Responds without a file: the application, then the fallback page, then an error. */
  #serveMissing(request: HttpRequest, response: HttpResponse, path: FilePath | PathRefusal): void | Promise<void> {
    const { nextHandler, fallback } = this.#options;
    if (fallback === null || path === 400) {
      const refusal = path === 400 ? 'malformed' : 'missing';
      return passOn(nextHandler, request, response, () => this.#refuse(request, response, refusal));
    }
    const isFallback = typeof path !== 'number' && canonicalPath(path) === `/${fallback}`;
    const refuse: Responder = (to) => this.#refuse(request, to, 'missing');
    const serve: Responder = (to) => this.#serve(request, to, encodeURI(`/${fallback}`), true);
    return answerMissing(request, response, {
      nextHandler,
      isPagePath: isPagePath(path),
      fallBack: isFallback ? refuse : serve,
      refuse,
    });
  }

  /** `opened`: the plain file, if it is already open; it is closed here. */
  #answer(
    request: HttpRequest,
    response: HttpResponse,
    resource: Resource,
    opened: OpenFile | null,
  ): void | Promise<void> {
    if (resource.isCodable) {
      const accepted = request.header('accept-encoding');
      if (accepted !== undefined && accepted !== '') {
        const variant = this.#options.loader.codings.choose(resource, acceptedCodings(accepted), response);
        if (!(variant instanceof Promise)) return this.#answerVariant(request, response, resource, variant, opened);
        opened?.close();
        return variant.then((later) => this.#answerVariant(request, response, resource, later, null));
      }
    }
    return this.#answerVariant(request, response, resource, resource.plain, opened);
  }

  #answerVariant(
    request: HttpRequest,
    response: HttpResponse,
    resource: Resource,
    variant: FileVariant,
    opened: OpenFile | null,
  ): void | Promise<void> {
    const { representation, content } = variant;
    if (response.ended) return opened?.close();
    const plan = chooseResponse(request, representation, this.#services.wallClockMs);
    if (answerWithout(request, response, representation, plan)) {
      opened?.close();
    } else if (content !== null) {
      opened?.close();
      responseFrom(content, response, representation, plan);
    } else if (opened !== null && variant === resource.plain) {
      this.#send(request, response, resource, variant, plan, opened);
    } else {
      opened?.close();
      const { openFiles, counters } = this.#services;
      const kept = openFiles.use(variant);
      if (kept === null) return this.#reopen(request, response, resource, variant, plan);
      counters.openHits++;
      this.#send(request, response, resource, variant, plan, kept);
    }
  }

  #send(
    request: HttpRequest,
    response: HttpResponse,
    resource: Resource,
    variant: FileVariant,
    plan: FileResponse,
    file: OpenFile,
  ): void {
    const { counters, report } = this.#services;
    const content = readSmall(file, variant.representation.size);
    if (content === null) {
      const onError = (error: unknown): void => report(request, `this file could not be read: ${messageOf(error)}`);
      new ContentSender(
        response,
        file,
        beginResponse(response, variant.representation, plan),
        this.#services,
        onError,
      ).run();
    } else {
      file.close();
      counters.memoryReads++;
      responseFrom(content, response, variant.representation, plan);
      this.#options.loader.answered(resource, variant, content);
    }
  }

  /** Opens a file that is no longer open. If it has changed meanwhile, the request starts again. */
  #reopen(
    request: HttpRequest,
    response: HttpResponse,
    resource: Resource,
    variant: FileVariant,
    plan: FileResponse,
  ): void | Promise<void> {
    const use = (file: OpenFile | Refusal): void | Promise<void> => {
      if (typeof file !== 'string' && isSameFile(file.facts, variant.facts)) {
        this.#keepOpen(resource, variant, file);
        return this.#send(request, response, resource, variant, plan, file);
      }
      if (typeof file !== 'string') file.close();
      if (response.ended) return;
      if (typeof file === 'string' && isOverload(file)) return this.#refuse(request, response, file);
      // If it stayed cached, it could count as current and lead here again: a file with readable facts need not be
      // openable.
      this.#services.cache.delete(resource.key);
      return this.#serve(request, response, request.path);
    };
    const place = { source: resource.source, path: variant.path ?? resource.path };
    const file = place.source.open(place.path);
    return file === null ? this.#finder.openLater(place, response).then(use) : use(file);
  }

  async #list(request: HttpRequest, response: HttpResponse, filePath: FilePath, place: FilePlace): Promise<void> {
    const path = canonicalPath(filePath);
    const { showsHidden, extra } = this.#options;
    const asked = { isJson: wantsJson(request), page: pageNumberOf(request.query), showsHidden, extra };
    const page = await this.#services.listings.page({ key: this.#prefix + path, path, place, ...asked }, response);
    if (page === null) return;
    if (this.#finder.isOutdated(page, place)) return this.#serve(request, response, request.path);
    if (page === 'missing' || page === 'directory') return this.#serveMissing(request, response, filePath);
    if (typeof page === 'string') return this.#refuse(request, response, page);
    answerListing(request, response, page);
  }

  /** The root's own page for a status (`404.html`), or a plain one. */
  #refuse(request: HttpRequest, response: HttpResponse, refusal: SiteRefusal): void | Promise<void> {
    if (response.ended) return;
    const problem = REFUSAL_PROBLEMS[refusal];
    if (problem !== undefined) this.#services.report(request, problem);
    const send = (content: Uint8Array | null): void => this.#pages.refuse(response, refusal, content);
    const content = this.#pageContent(`${REFUSAL_ANSWERS[refusal][0]}.html`, response);
    return content instanceof Promise ? content.then(send) : send(content);
  }

  /** The content of a small file of the root, cached like any other. */
  #pageContent(name: string, response: HttpResponse): Uint8Array | null | Promise<Uint8Array | null> {
    const path = { segments: [name], isDirectory: false };
    const key = this.#prefix + END + cacheKey(path);
    const known = this.#known(key);
    if (known !== undefined) return known.plain.content;
    const found = this.#finder.find(path, true, response);
    return found instanceof Promise ? found.then((later) => this.#keepPage(key, later)) : this.#keepPage(key, found);
  }

  #keepPage(key: string, found: Found): Uint8Array | null | Promise<Uint8Array | null> {
    if (typeof found === 'string' || found.kind !== 'file') return null;
    const keep = (resource: Resource | null): Uint8Array | null => {
      if (resource === null) return null;
      if (resource.plain.content === null) found.file.close();
      else this.#keep(key, resource);
      return resource.plain.content;
    };
    const loaded = this.#options.loader.load(found, { isImportant: true });
    return loaded instanceof Promise ? loaded.then(keep, () => null) : keep(loaded);
  }
}

function discard(found: Found): void {
  if (typeof found !== 'string' && found.kind === 'file') found.file.close();
}
