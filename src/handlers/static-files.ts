// Serves the files below a root: small ones from memory, large ones as they are read. Nothing here waits
// for a disk on the loop's thread. It must not know connections.

import { prepareFields } from '../http/fields.ts';
import type { Handler, HttpRequest, HttpResponse } from '../http/handler.ts';
import { answerFile } from './files/answer.ts';
import { type CachedFile, FileCache } from './files/file-cache.ts';
import { parseFilePath } from './files/file-path.ts';
import type { FileSource, OpenFile, Refusal } from './files/file-source.ts';
import { represent, SETTLED_AFTER_MS } from './files/representation.ts';

/** A cached file is looked at again after this long: nothing stale is served for longer. */
const FRESH_MS = 900;

const ALLOW = 'GET, HEAD, OPTIONS';
const ALLOW_FIELDS = prepareFields({ Allow: ALLOW });
const HTML = prepareFields({ 'Content-Type': 'text/html; charset=utf-8' });
const METHOD_NOT_ALLOWED = prepareFields({ Allow: ALLOW, 'Content-Type': 'text/html; charset=utf-8' });

/** Methods that exist (RFC 9110, 5789, 4918) and are not for files; others are 501. */
const KNOWN_METHODS = new Set([
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'CONNECT',
  'TRACE',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
]);

const REFUSED: Readonly<Record<Exclude<Refusal, 'directory'>, readonly [number, string]>> = {
  missing: [404, 'There is no such page here.'],
  forbidden: [403, 'This file may not be read.'],
  exhausted: [503, 'The server has no room for this file right now.'],
  failed: [500, 'This file could not be read.'],
};

export interface StaticFilesOptions {
  readonly source: FileSource;
  readonly maxCacheBytes: number;
  readonly maxCachedFileBytes: number;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  readonly wallClockMs: () => number;
}

/** A handler that serves files. GET and HEAD; the page for what is missing is the root's `404.html`. */
export function staticFiles(options: StaticFilesOptions): Handler {
  const site = new Site(options);
  return (request, response) => site.handle(request, response);
}

class Site {
  readonly #options: StaticFilesOptions;
  readonly #cache: FileCache;
  /** Looks at files that are under way, so that a hundred requests make one. */
  readonly #looking = new Map<string, Promise<CachedFile | OpenFile | Refusal>>();

  constructor(options: StaticFilesOptions) {
    this.#options = options;
    this.#cache = new FileCache(options.maxCacheBytes);
  }

  handle(request: HttpRequest, response: HttpResponse): void | Promise<void> {
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') return refuseMethod(method, response);
    const { path } = request;
    const cached = this.#cache.get(path);
    if (cached !== undefined && this.#options.nowMs() - cached.checkedMs < FRESH_MS) {
      return this.#answer(request, response, cached);
    }
    return this.#serve(request, response, path);
  }

  async #serve(request: HttpRequest, response: HttpResponse, path: string): Promise<void> {
    const filePath = parseFilePath(path);
    if (filePath === 400) return sendPage(response, 400, 'This address is malformed.');
    if (filePath === 404) return this.#refuse(response, 'missing');
    const segments = filePath.isDirectory ? [...filePath.segments, 'index.html'] : filePath.segments;
    const file = await this.#find(path, segments);
    if (file === 'directory' && !filePath.isDirectory) return redirect(request, response, path);
    if (typeof file === 'string') return this.#refuse(response, file === 'directory' ? 'missing' : file);
    if ('content' in file) return this.#answer(request, response, file);
    const nowMs = this.#options.wallClockMs();
    try {
      await answerFile(request, response, represent(segments.at(-1) ?? '', file, nowMs), file, nowMs);
    } finally {
      await file.close();
    }
  }

  #answer(request: HttpRequest, response: HttpResponse, file: CachedFile): void | Promise<void> {
    return answerFile(request, response, file.representation, file.content, this.#options.wallClockMs());
  }

  /** A cached file, or an open one that is too large for the cache and belongs to this caller. */
  async #find(key: string, segments: readonly string[]): Promise<CachedFile | OpenFile | Refusal> {
    const looking = this.#looking.get(key);
    if (looking !== undefined) {
      const found = await looking;
      // An open file has one owner, who asked first.
      return typeof found === 'string' || 'content' in found ? found : this.#options.source.open(segments);
    }
    const look = this.#look(key, segments);
    this.#looking.set(key, look);
    try {
      return await look;
    } finally {
      this.#looking.delete(key);
    }
  }

  async #look(key: string, segments: readonly string[]): Promise<CachedFile | OpenFile | Refusal> {
    const checkedMs = this.#options.nowMs();
    const opened = await this.#options.source.open(segments);
    const cached = this.#cache.get(key);
    if (typeof opened === 'string') {
      this.#cache.delete(key);
      return opened;
    }
    if (opened.size > this.#options.maxCachedFileBytes) {
      this.#cache.delete(key);
      return opened;
    }
    try {
      if (cached?.settled === true && cached.identity === opened.identity) {
        cached.checkedMs = checkedMs;
        this.#cache.set(key, cached);
        return cached;
      }
      const file = await this.#load(opened, segments, checkedMs);
      this.#cache.set(key, file);
      return file;
    } catch {
      return 'failed';
    } finally {
      await opened.close();
    }
  }

  async #load(opened: OpenFile, segments: readonly string[], checkedMs: number): Promise<CachedFile> {
    const buffer = Buffer.allocUnsafeSlow(opened.size);
    let length = 0;
    while (length < buffer.length) {
      const count = await opened.read(buffer.subarray(length), length);
      if (count === 0) break;
      length += count;
    }
    const nowMs = this.#options.wallClockMs();
    const { modifiedMs } = opened;
    return {
      identity: opened.identity,
      representation: represent(segments.at(-1) ?? '', { size: length, modifiedMs }, nowMs),
      content: buffer.subarray(0, length),
      settled: nowMs - modifiedMs > SETTLED_AFTER_MS,
      checkedMs,
    };
  }

  /** The root's own page for what is missing, or a plain one. */
  async #refuse(response: HttpResponse, refusal: Exclude<Refusal, 'directory'>): Promise<void> {
    const [status, text] = REFUSED[refusal];
    if (status !== 404) return sendPage(response, status, text);
    const page = await this.#find('/404.html', ['404.html']);
    if (typeof page === 'string') return sendPage(response, status, text);
    if ('content' in page) response.send(404, HTML, page.content);
    else await page.close().then(() => sendPage(response, status, text));
  }
}

function refuseMethod(method: string, response: HttpResponse): void {
  if (method === 'OPTIONS') response.send(204, ALLOW_FIELDS);
  else if (KNOWN_METHODS.has(method))
    response.send(405, METHOD_NOT_ALLOWED, page(405, 'Files can be read with GET and HEAD.'));
  else response.send(501, HTML, page(501, 'This method is not known here.'));
}

/**
 * A directory without its slash. The location is relative, so that `//host` in a path leads nowhere
 * else, and `./` keeps a colon from being taken for a scheme.
 */
function redirect(request: HttpRequest, response: HttpResponse, path: string): void {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const query = request.query === '' ? '' : `?${request.query}`;
  response.send(
    301,
    [
      ['Location', `./${name}/${query}`],
      ['Content-Type', 'text/html; charset=utf-8'],
    ],
    page(301, 'This is a folder.'),
  );
}

function sendPage(response: HttpResponse, status: number, text: string): void {
  response.send(status, HTML, page(status, text));
}

function page(status: number, text: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${status}</title><h1>${status}</h1><p>${text}</p></html>\n`;
}
