// A standalone static file handler: for any server, several on one server, or one on several.

import { EpollServerError } from '../errors.ts';
import type { Handler } from '../http/handler.ts';
import { isFullOf, sourcesOf, withTraits } from '../http/handler-traits.ts';
import { createNativeFiles } from '../kernel/files.ts';
import { logError } from '../log/error-log.ts';
import { checkGiven } from '../options/check.ts';
import type { LimitOptions, LogOptions, StaticOptions, StaticSettings } from '../options/option-types.ts';
import { limitsOf } from '../options/resolve-limits.ts';
import { staticSettingsOf } from '../options/static-settings.ts';
import type { FileStats } from './file-counters.ts';
import { type Folders, resolveFolders, type SiteContext, Sites, STATIC_LIMITS, type StaticLimits } from './sites.ts';

/** The options of {@link staticFiles}. */
export interface StaticFilesOptions extends StaticOptions {
  /** Limits of this handler's own cache, open files and work. */
  readonly limits?: Pick<LimitOptions, keyof StaticLimits> | undefined;
  /** `error` is called with errors of files and folders. Default: one line on standard error. */
  readonly log?: Pick<LogOptions, 'error'> | undefined;
}

/** A handler that serves files. The code that made it closes it, after the servers that use it. */
export interface StaticHandler extends Handler {
  /** Counters since the start. They may change in any release. */
  stats(): FileStats;
  /** Closes its descriptors. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The context of static files within a server, which has its own clocks and limits. */
export type StaticContext = Omit<SiteContext, 'files' | 'next'>;

/**
 * Returns a handler that serves the files of a folder. Requests without a file, and methods other than GET and HEAD, go
 * to `next`. A folder that contains an application of `next` is never served.
 * @throws EpollServerError `ERR_OPTION`, `ERR_ROOT`, `ERR_ADDON`, `ERR_PLATFORM`.
 */
export async function staticFiles(options: string | StaticFilesOptions, next?: Handler): Promise<StaticHandler> {
  if (next !== undefined && typeof next !== 'function') throw wrong(`next must be a function, not ${typeof next}`);
  const all: Partial<StaticFilesOptions> = typeof options === 'string' ? { root: options } : (options ?? {});
  const { limits, log, ...own } = all;
  const given = checkGiven({ static: own, limits, log });
  refuseOthers('limits', limits, STATIC_LIMITS);
  refuseOthers('log', log, ['error']);
  const settings = staticSettingsOf(given);
  if (settings === null || settings.root === null) throw wrong('root is missing: name the folder to serve');
  return openStaticFiles(settings, await resolveFolders(settings, sourcesOf(next)), next, {
    limits: limitsOf(given),
    onError: log?.error ?? logError,
    nowMs: () => performance.now(),
    wallClockMs: Date.now,
  });
}

/** @throws EpollServerError `ERR_ROOT`, `ERR_ADDON`, `ERR_PLATFORM`. */
export function openStaticFiles(
  settings: StaticSettings,
  folders: Folders,
  next: Handler | undefined,
  context: StaticContext,
): StaticHandler {
  const files = createNativeFiles();
  try {
    const sites = new Sites(folders, settings, { ...context, files, next: next ?? null });
    const close = async (): Promise<void> => sites.close();
    const handler = Object.assign(sites.handler, {
      stats: () => sites.stats(),
      close,
      [Symbol.asyncDispose]: close,
    });
    return withTraits(handler, { sources: sourcesOf(next), isFull: isFullOf(next) });
  } catch (error) {
    files.destroy();
    throw error;
  }
}

/** @throws EpollServerError `ERR_OPTION`: an option that servers have, and static files alone do not. */
function refuseOthers(group: string, given: object | undefined, accepted: readonly string[]): void {
  const other = Object.keys(given ?? {}).find((key) => !accepted.includes(key));
  if (other !== undefined) throw wrong(`"${group}.${other}" is not an option of static files`);
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
