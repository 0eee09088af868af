// What answers the requests of a server: found by a process that only listens, opened by one that serves.

import { EpollServerError } from '../errors.ts';
import type { Folders } from '../files/sites.ts';
import type { StaticContext, StaticHandler, StaticOptions } from '../files/static-files.ts';
import type { Handler } from '../http/handler.ts';
import { sourcesOf } from '../http/handler-traits.ts';
import type { Limits } from '../limits.ts';
import { logError } from '../log/error-log.ts';
import type { ContentClock } from './content-clock.ts';
import type { ServeOptions } from './options.ts';

export interface ServedContent {
  /**
   * Finds what it names, and loads no application.
   * @throws EpollServerError `ERR_OPTION`, `ERR_ROOT`, `ERR_APPLICATION_MODULE`.
   */
  check(): Promise<void>;
  /** @throws EpollServerError the same, when an application does not load, and `ERR_ADDON`, `ERR_PLATFORM`. */
  open(context: ContentContext): Promise<OpenContent>;
}

/** What content runs on: the clocks and bounds of its server. */
export interface ContentContext extends StaticContext {
  readonly limits: Limits;
}

/** Content that was opened, by the code that closes it. */
export interface OpenContent {
  readonly handler: Handler;
  /** The static files among it; null: there are none. */
  readonly files: StaticHandler | null;
  close(): Promise<void>;
}

/** Options of a server, and what it serves, which they do not name. */
export interface Setup {
  readonly options: ServeOptions;
  readonly content: ServedContent;
}

/** Opens the content of a server with these bounds and this clock. */
export function openContent({ options, content }: Setup, limits: Limits, clock: ContentClock): Promise<OpenContent> {
  const { onError = logError } = options;
  return content.open({ limits, onError, nowMs: () => clock.nowMs(), wallClockMs: Date.now });
}

/** A handler that is there already. */
export function contentOfHandler(handler: Handler): OpenContent {
  return { handler, files: null, close: async () => {} };
}

/** What the options of `serve` give: files, then one application. */
export class OptionsContent implements ServedContent {
  readonly #options: ServeOptions;
  /** Null: no files are served. */
  #folders: Folders | null = null;

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  async check(): Promise<void> {
    const { handler } = this.#options;
    checkApplication(this.#options);
    const given = staticOptionsOf(this.#options);
    if (given === null) return;
    const { findFolders } = await import('../files/static-files.ts');
    this.#folders = await findFolders(given, sourcesOf(handler));
  }

  async open(context: ContentContext): Promise<OpenContent> {
    const handler = await applicationOf(this.#options);
    const given = staticOptionsOf(this.#options);
    if (given === null || this.#folders === null) {
      // One of both is there: this was checked.
      return contentOfHandler(handler ?? (() => {}));
    }
    const { openStaticFiles } = await import('../files/static-files.ts');
    const files = openStaticFiles(given, this.#folders, handler, context);
    return { handler: files, files, close: () => files.close() };
  }
}

function staticOptionsOf({ root, site }: ServeOptions): StaticOptions | null {
  return root === undefined ? null : { ...site, root };
}

/** Adapters are loaded when an application needs them: they take longer to load than a server takes to start. */
async function applicationOf({
  handler,
  fetch,
  wsgi,
  overrideGlobals = false,
}: ServeOptions): Promise<Handler | undefined> {
  if (fetch !== undefined) {
    const { fetchHandler } = await import('../adapters/fetch.ts');
    return fetchHandler(fetch, { overrideGlobals });
  }
  if (wsgi === undefined) return handler;
  const { wsgi: wsgiHandler } = await import('../adapters/wsgi.ts');
  return wsgiHandler(wsgi);
}

/** One thing at most answers what files do not. */
function checkApplication({ root, site, handler, fetch, wsgi }: ServeOptions): void {
  const given = Object.entries({ handler, fetch, wsgi }).filter(([, each]) => each !== undefined);
  if (given.length > 1) {
    const names = given.map(([name]) => name).join(' and ');
    throw wrong(`give one of handler, fetch and wsgi, not ${names}: each answers every request`);
  }
  if (given.length === 0 && root === undefined)
    throw wrong('there is nothing to serve: give root (a folder), or one of handler, fetch and wsgi (functions)');
  const isFetch = typeof fetch === 'object' && fetch !== null && typeof fetch.fetch === 'function';
  if (fetch !== undefined && typeof fetch !== 'function' && !isFetch)
    throw wrong(`fetch must be a function, or an object with a function "fetch", not ${typeof fetch}`);
  for (const [name, each] of Object.entries({ handler, wsgi }))
    if (each !== undefined && typeof each !== 'function') throw wrong(`${name} must be a function, not ${typeof each}`);
  if (site !== undefined && root === undefined)
    throw wrong('site says how the files of root are served: give root too');
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
