// An application by the name of its module, or of a folder of modules, as a handler.

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

/** Runs the application. Closed by the code that made it, after the servers that it answers for. */
export interface LoadedApplication extends Handler {
  /** Folders that hold its source. A static handler in front of it never serves what is in them. */
  readonly sources: readonly string[];
  /** Ends its threads, whatever they do. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How an application is run: options that were checked, and defaults. */
export interface ApplicationSettings {
  readonly overrideGlobals: boolean;
  /** Undefined: what its shape says. */
  readonly adapter: AdapterName | undefined;
  /** Threads in which it runs; 0: in this one. */
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

/** As {@link applicationByName}, of what was found already. */
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

/** A function of its own: `handler` may be the application itself, which may be used elsewhere too. */
function loaded(
  handler: Handler,
  { sources: own }: ApplicationPlace,
  close = async (): Promise<void> => {},
): LoadedApplication {
  const sources = [...new Set([...own, ...sourcesOf(handler)])];
  const wrapper: Handler = (request, response) => handler(request, response);
  // As messages call it.
  Object.defineProperty(wrapper, 'name', { value: handler.name });
  const application = Object.assign(wrapper, { sources, close, [Symbol.asyncDispose]: close });
  return withTraits(application, { ...traitsOf(handler), sources });
}

/** @throws EpollServerError `ERR_OPTION` that names the option, its value and what was expected. */
function applicationSettings(options: ApplicationOptions): ApplicationSettings {
  const given = checkGiven(options, 'load');
  // The kind of each option has checked what was given, and the default of each has the same type.
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

/** @throws EpollServerError `ERR_OPTION`: options that contradict each other. */
function checkApplication(name: string, { adapter, threads, dynamic, next }: ApplicationSettings): void {
  const isFolder = dynamic !== undefined;
  if (typeof name !== 'string' || name === '') {
    throw wrong(isFolder ? 'a dynamic application is named by its folder' : 'an application is MODULE or MODULE:NAME');
  }
  if (isFolder && (threads > 0 || adapter !== undefined))
    throw wrong('threads and adapter are for one application: a dynamic folder has many');
  if (!isFolder && next !== undefined)
    throw wrong('next answers what a dynamic folder does not have: give dynamic too');
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
