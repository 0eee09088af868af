// Static files as one handler, which stands by itself: on any server, several on one, one on several.

import { EpollServerError } from '../errors.ts';
import type { Handler } from '../http/handler.ts';
import { sourcesOf, withTraits } from '../http/handler-traits.ts';
import { createNativeFiles } from '../kernel/files.ts';
import { type GivenLimits, resolveLimits } from '../limits.ts';
import { logError } from '../log/error-log.ts';
import type { FileStats } from './file-counters.ts';
import { checkSite, type SiteOptions } from './site-options.ts';
import { type Folders, resolveFolders, type SiteContext, Sites, type StaticLimits } from './sites.ts';

/** A folder whose files are served, and how. */
export interface StaticOptions extends SiteOptions {
  readonly root: string;
}

/** What {@link staticFiles} takes. */
export interface StaticFilesOptions extends StaticOptions {
  /** Bounds of this handler's own cache, open files and work. */
  readonly limits?: Pick<GivenLimits, keyof StaticLimits>;
  /** Called with what is wrong with a file or folder. Default: one line on standard error. */
  readonly onError?: SiteContext['onError'];
}

/** Answers from files. Closed by the code that made it, after the servers that it answers for. */
export interface StaticHandler extends Handler {
  /** Counters since the start. They may change in any release. */
  stats(): FileStats;
  /** Gives its descriptors back. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How static files run within a server, which has clocks and bounds of its own. */
export type StaticContext = Omit<SiteContext, 'files' | 'next'>;

/**
 * A handler that answers from the files of a folder; what is no file, and other methods than GET and HEAD, is for `next`.
 * No folder that an application of `next` lies in is served.
 * @throws EpollServerError `ERR_OPTION`, `ERR_ROOT`, `ERR_ADDON`, `ERR_PLATFORM`.
 */
export async function staticFiles(options: string | StaticFilesOptions, next?: Handler): Promise<StaticHandler> {
  const { limits = {}, onError = logError, ...given } = typeof options === 'string' ? { root: options } : options;
  if (typeof onError !== 'function') throw wrong('onError must be a function');
  if (next !== undefined && typeof next !== 'function') throw wrong(`next must be a function, not ${typeof next}`);
  const context = { limits: resolveLimits(limits), onError, nowMs: () => performance.now(), wallClockMs: Date.now };
  return openStaticFiles(given, await findFolders(given, sourcesOf(next)), next, context);
}

/**
 * Finds what `options` names, and opens nothing. `sources`: folders of applications that stand behind the files.
 * @throws EpollServerError `ERR_OPTION`, `ERR_ROOT`.
 */
export async function findFolders({ root, ...site }: StaticOptions, sources: readonly string[]): Promise<Folders> {
  if (typeof root !== 'string' || root === '') throw wrong('root must be a folder');
  checkSite(site);
  return resolveFolders(root, site, sources);
}

/** @throws EpollServerError `ERR_ROOT`, `ERR_ADDON`, `ERR_PLATFORM`. */
export function openStaticFiles(
  { root: _root, ...site }: StaticOptions,
  folders: Folders,
  next: Handler | undefined,
  context: StaticContext,
): StaticHandler {
  const files = createNativeFiles();
  try {
    const sites = new Sites(folders, site, { ...context, files, next: next ?? null });
    const close = async (): Promise<void> => sites.close();
    const handler = Object.assign(sites.handler, {
      stats: () => sites.stats(),
      close,
      [Symbol.asyncDispose]: close,
    });
    return withTraits(handler, { sources: sourcesOf(next) });
  } catch (error) {
    files.destroy();
    throw error;
  }
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
