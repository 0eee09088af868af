// Opens an application as a handler, by the name of its module or of a folder of modules.

import { EpollServerError } from '../errors.ts';
import type { Handler, HttpRequest } from '../http/handler.ts';
import { sourcesOf, traitsOf, withTraits } from '../http/handler-traits.ts';
import { logError } from '../log/error-log.ts';
import { checkGiven } from '../options/check.ts';
import type { AdapterName } from '../options/choices.ts';
import { optionNamed } from '../options/lookup.ts';
import type { ApplicationOptions } from '../options/option-types.ts';
import { limitsOf } from '../options/resolve-limits.ts';
import { type ApplicationPlace, placeOfFolder, placeOfModule } from './application-place.ts';
import { refuseModule } from './module-file.ts';

/** A handler that runs the application. The code that opened it closes it, after the servers that use it. */
export interface LoadedApplication extends Handler {
  /** Folders that contain its source. A static handler in front of it never serves files in them. */
  readonly sources: readonly string[];
  /** Ends its threads, even while they run. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How an application is run: checked options and defaults. */
export interface ApplicationSettings {
  readonly overrideGlobals: boolean;
  /** Undefined: it is chosen by the shape of the application. */
  readonly adapter: AdapterName | undefined;
  /** The number of threads for it; 0: the thread of the loop. */
  readonly threads: number;
  readonly dynamic: true | { readonly suffix?: string | undefined } | undefined;
  readonly next: Handler | undefined;
  readonly loadTimeoutMs: number;
  readonly offloadTimeoutMs: number;
  readonly maxOffloadQueue: number;
  readonly onError: (error: unknown, request: HttpRequest | null) => void;
}

/** As `loadApplication` does. */
export async function applicationByName(name: string, options: ApplicationOptions): Promise<LoadedApplication> {
  const settings = applicationSettings(options);
  checkApplication(name, settings);
  const place = settings.dynamic === undefined ? await placeOfModule(name) : await placeOfFolder(name);
  return openApplication(place, settings);
}

/** As {@link applicationByName}, for a place that was found already. */
export async function openApplication(
  place: ApplicationPlace,
  settings: ApplicationSettings,
): Promise<LoadedApplication> {
  const { dynamic, overrideGlobals, adapter, next, onError, threads } = settings;
  const { loadTimeoutMs, offloadTimeoutMs, maxOffloadQueue: maxWaiting } = settings;
  if (dynamic !== undefined) {
    const { openDynamicFolder } = await import('./dynamic-handler.ts');
    const { suffix = '' } = dynamic === true ? {} : dynamic;
    const ofFolder = { suffix, onError, next, overrideGlobals, loadTimeoutMs };
    return loaded(await openDynamicFolder(place, ofFolder), place);
  }
  const { reference } = place;
  if (place.python !== undefined) throw refusePython(reference);
  if (threads === 0) {
    const { loadHandler } = await import('./module-handler.ts');
    return loaded(await loadHandler(reference, { overrideGlobals, adapter, loadTimeoutMs }), place);
  }
  const { offload } = await import('./offload/pool.ts');
  const { handler, close } = await offload({
    application: reference,
    threads,
    maxWaiting,
    overrideGlobals,
    adapter,
    loadTimeoutMs,
    offloadTimeoutMs,
    onError: (error) => onError(error, null),
  });
  return loaded(handler, place, close);
}

function refusePython(reference: string): EpollServerError {
  const elsewhere = "set proxy of serve() to a process manager such as uWSGI, as in 'uwsgi:unix:/run/app.sock'";
  return refuseModule(
    `${reference} is in Python: run it by the command, as in "epoll-server 8080 ${reference}", or ${elsewhere}`,
  );
}

/** Returns a new function: `handler` may be the application itself, which may be used elsewhere too. */
function loaded(
  handler: Handler,
  { sources: own }: ApplicationPlace,
  close = async (): Promise<void> => {},
): LoadedApplication {
  const sources = [...new Set([...own, ...sourcesOf(handler)])];
  const wrapper: Handler = (request, response) => handler(request, response);
  // Messages show this name.
  Object.defineProperty(wrapper, 'name', { value: handler.name });
  const application = Object.assign(wrapper, { sources, close, [Symbol.asyncDispose]: close });
  return withTraits(application, { ...traitsOf(handler), sources });
}

/** @throws EpollServerError `ERR_OPTION` with the option, its value and the expected value. */
function applicationSettings(options: ApplicationOptions): ApplicationSettings {
  const given = checkGiven(options, 'load');
  // The kind of each option has checked its value, and the default of each has the same type.
  const value = <T>(name: string): T => (given.get(name) ?? optionNamed(name).default) as T;
  const { loadTimeoutMs, offloadTimeoutMs, maxOffloadQueue } = limitsOf(given);
  return {
    overrideGlobals: value('overrideGlobals'),
    adapter: value('adapter'),
    threads: value('offload'),
    dynamic: value('dynamic'),
    next: value('next'),
    loadTimeoutMs,
    offloadTimeoutMs,
    maxOffloadQueue,
    onError: value<ApplicationSettings['onError'] | undefined>('onError') ?? logError,
  };
}

/** @throws EpollServerError `ERR_OPTION`: two options conflict. */
function checkApplication(name: string, { adapter, threads, dynamic, next }: ApplicationSettings): void {
  const isFolder = dynamic !== undefined;
  if (typeof name !== 'string' || name === '') {
    throw wrong(
      isFolder
        ? 'a dynamic application must be named by its folder'
        : 'an application must be named MODULE or MODULE:NAME',
    );
  }
  if (isFolder && (threads > 0 || adapter !== undefined))
    throw wrong('threads and adapter apply to a single application, not to a dynamic folder');
  if (!isFolder && next !== undefined)
    throw wrong('next handles requests that no module of a dynamic folder handles: set dynamic too');
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
