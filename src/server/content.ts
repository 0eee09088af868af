// The handler that serves a server's requests. A process that only listens checks it; a process that serves opens it.

import { mount } from '../app/mount.ts';
import type { Outgoing } from '../connection/outgoing.ts';
import { EpollServerError } from '../errors.ts';
import type { Folders } from '../files/sites.ts';
import type { StaticContext, StaticHandler } from '../files/static-files.ts';
import type { Handler } from '../http/handler.ts';
import { sourcesOf } from '../http/handler-traits.ts';
import type { Limits } from '../limits.ts';
import type { StaticSettings } from '../options/option-types.ts';
import { type UpstreamPlace, upstreamName } from '../options/upstream-place.ts';
import { SpoolSpace } from '../upstream/spool-space.ts';
import type { UpstreamContext } from '../upstream/upstream.ts';
import type { ContentClock } from './content-clock.ts';
import { resolveHost } from './listener.ts';
import type { ServerSettings } from './options.ts';

export interface ServedContent {
  /** How files are served; null: there are none. */
  readonly served: StaticSettings | null;
  /**
   * Finds the files and modules that the options name, without loading an application.
   * @throws EpollServerError `ERR_OPTION`, `ERR_ROOT`, `ERR_APPLICATION_MODULE`.
   */
  check(): Promise<void>;
  /** @throws EpollServerError as `check` does, when an application does not load, and `ERR_ADDON`, `ERR_PLATFORM`. */
  open(context: ContentContext): Promise<OpenContent>;
  /**
   * Starts what the processes of one server share, before they open the content; null: nothing. Absent: the same.
   * `renewal`: what the processes before them share.
   * @throws EpollServerError as `open` does.
   */
  share?(context: ShareContext, renewal?: Renewal): Promise<SharedContent | null>;
}

/** For what the processes of one server share. */
export interface ShareContext {
  readonly limits: Limits;
  readonly owner: ContentOwner;
}

/** The user and the group of the processes that serve; absent: those of this one. */
export interface ContentOwner {
  readonly uid?: number;
  readonly gid?: number;
}

/** What the processes of one server share. The process that started it closes it after them. */
export interface SharedContent {
  /** Variables by which these processes find it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends what no later processes share. `limitMs`: the time for what still runs; absent: as long as it usually needs. */
  close(limitMs?: number): Promise<void>;
}

/** What is shared while processes replace others. What both need stays, and loads its application again. */
export interface Renewal {
  /** What the processes share that are replaced; null: nothing. */
  readonly shared: SharedContent | null;
  /** The beginning of a log line, such as `files changed`. */
  readonly reason: string;
  /** Aborted when the new processes are not needed any more. */
  readonly signal: AbortSignal;
}

/** The clocks, bounds and outgoing connections that the server gives to its content. */
export interface ContentContext extends StaticContext {
  readonly limits: Limits;
  readonly upstreams: UpstreamContext;
}

/** Opened content, which the code that opened it closes. */
export interface OpenContent {
  readonly handler: Handler;
  /** The static files; null: there are none. */
  readonly files: StaticHandler | null;
  /** `limitMs`: the time for what still runs; absent: as long as it usually needs. */
  close(limitMs?: number): Promise<void>;
}

/** The options of a server, and its content, which the options do not name. */
export interface Setup {
  readonly settings: ServerSettings;
  readonly content: ServedContent;
  /** Variables by which child processes and threads get the same options. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Opens the content of a server with these settings, this clock and these outgoing connections, behind its rules. */
export async function openContent(
  content: ServedContent,
  { limits, onError, rules }: ServerSettings,
  clock: ContentClock,
  outgoing: Outgoing,
): Promise<OpenContent> {
  const nowMs = (): number => clock.nowMs();
  const upstreams = { outgoing, space: new SpoolSpace(limits.maxSpoolBytes), limits, onError };
  const opened = await content.open({ limits, onError, nowMs, wallClockMs: Date.now, upstreams });
  if (rules === null) return opened;
  try {
    const { openRules } = await import('../rules/open-rules.ts');
    const { handler, close } = openRules(rules, opened.handler, content.served, { nowMs, onError });
    const closeAll = async (limitMs?: number): Promise<void> => {
      await Promise.all([opened.close(limitMs), close()]);
    };
    return { handler, files: opened.files, close: closeAll };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Wraps an existing handler. */
export function contentOfHandler(handler: Handler): OpenContent {
  return { handler, files: null, close: async () => {} };
}

/** The content from the options of `serve`: files, then one application. */
export class OptionsContent implements ServedContent {
  readonly #settings: ServerSettings;
  /** Null: no files are served. */
  #folders: Folders | null = null;

  constructor(settings: ServerSettings) {
    this.#settings = settings;
  }

  get served(): StaticSettings | null {
    return this.#settings.files;
  }

  async check(): Promise<void> {
    const { files, handler, fetch, wsgi, proxies } = this.#settings;
    const hasApplication = [handler, fetch, wsgi].some((each) => each !== undefined) || proxies.length > 0;
    if (files === null && !hasApplication) {
      const text =
        'there is nothing to serve: set static (a folder), proxy, or one of handler, fetch and wsgi (functions)';
      throw new EpollServerError('ERR_OPTION', text);
    }
    if (files === null) return;
    const { resolveFolders } = await import('../files/sites.ts');
    this.#folders = await resolveFolders(files, sourcesOf(handler));
  }

  async open(context: ContentContext): Promise<OpenContent> {
    const { proxies } = this.#settings;
    const handler = await withUpstreams(proxies, await applicationOf(this.#settings), context.upstreams);
    const { files: given } = this.#settings;
    if (given === null || this.#folders === null) {
      // checkOptions has ensured that files or a handler exist.
      return contentOfHandler(handler ?? (() => {}));
    }
    const { openStaticFiles } = await import('../files/static-files.ts');
    const files = openStaticFiles(given, this.#folders, handler, context);
    return { handler: files, files, close: () => files.close() };
  }
}

/**
 * A handler that gives requests to the programs at `places`, and all others to `next`.
 * @throws EpollServerError `ERR_LISTEN`: an unknown host; `ERR_OPTION`: two programs at one path.
 */
export async function withUpstreams(
  places: readonly UpstreamPlace[],
  next: Handler | undefined,
  context: UpstreamContext,
): Promise<Handler | undefined> {
  if (places.length === 0) return next;
  const { upstreamHandler } = await import('../upstream/upstream-handler.ts');
  let last = next;
  const mounted: [string, Handler][] = [];
  for (const { mountPath, address } of places) {
    const numeric = 'path' in address ? address : { ...address, host: await resolveHost(address.host) };
    const handler = upstreamHandler({ name: upstreamName(address), address: numeric }, context);
    if (mountPath === '') last = handler;
    else mounted.push([mountPath, handler]);
  }
  return mounted.length === 0 ? last : mount(Object.fromEntries(mounted), last);
}

/** Adapters are loaded only when an application needs them: loading one takes longer than starting a server. */
async function applicationOf(settings: ServerSettings): Promise<Handler | undefined> {
  const { handler, fetch, wsgi, overrideGlobals } = settings;
  if (fetch !== undefined) {
    const { fetchHandler } = await import('../adapters/fetch.ts');
    return fetchHandler(fetch, { overrideGlobals });
  }
  if (wsgi === undefined) return handler;
  const { wsgi: wsgiHandler } = await import('../adapters/wsgi.ts');
  return wsgiHandler(wsgi);
}
