// An application by the name of its module, or of a folder of modules, as a handler.

import { ADAPTERS, type AdapterName } from '../adapters/adapter-names.ts';
import { EpollServerError } from '../errors.ts';
import type { Handler, HttpRequest } from '../http/handler.ts';
import { sourcesOf, traitsOf, withTraits } from '../http/handler-traits.ts';
import { type GivenLimits, type GivenNumber, resolveLimits, wholeNumber } from '../limits.ts';
import { logError } from '../log/error-log.ts';
import { type ApplicationPlace, placeOfFolder, placeOfModule } from './application-place.ts';

export interface ApplicationOptions
  extends Pick<GivenLimits, 'loadTimeoutMs' | 'offloadTimeoutMs' | 'maxOffloadQueue'> {
  /** What the application is written for: `wsgi`, `fetch` or `raw`. Default: what its shape says. */
  readonly adapter?: AdapterName | undefined;
  /** Runs it in a pool of so many threads, each with a copy of it; 0: in this thread. Default: 0. */
  readonly threads?: GivenNumber | undefined;
  /** `name` is a folder, whose modules answer at URLs of their own; `suffix`, such as `.py`, may stand behind their names. */
  readonly dynamic?: true | { readonly suffix?: string | undefined } | undefined;
  /** Answers what the modules of such a folder do not. Default: 404. */
  readonly next?: Handler | undefined;
  /** Make the light Headers, Request and Response the globals of its thread. Default: false. */
  readonly overrideGlobals?: boolean | undefined;
  /** Called with what belongs to no request: a module of a folder that does not load, a thread that died. */
  readonly onError?: ((error: unknown, request: HttpRequest | null) => void) | undefined;
}

/** Runs the application. Closed by the code that made it, after the servers that it answers for. */
export interface LoadedApplication extends Handler {
  /** Folders that hold its source. A static handler in front of it never serves what is in them. */
  readonly sources: readonly string[];
  /** Ends its threads, whatever they do. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Each thread has a heap of its own; more than the processors of any machine do not help. */
export const MAX_OFFLOAD_THREADS = 256;

/** By option: all there are. */
const NAMES: Readonly<Record<keyof ApplicationOptions, true>> = {
  adapter: true,
  threads: true,
  dynamic: true,
  next: true,
  overrideGlobals: true,
  onError: true,
  loadTimeoutMs: true,
  offloadTimeoutMs: true,
  maxOffloadQueue: true,
};

/**
 * Loads the application MODULE[:NAME]. NAME is one of its exports; without it, `application`, `fetch` or `default`.
 * @throws EpollServerError `ERR_OPTION`; `ERR_APPLICATION_MODULE`: there is none, or it does not load; `ERR_ROOT`: no folder.
 */
export async function loadApplication(name: string, options: ApplicationOptions = {}): Promise<LoadedApplication> {
  checkApplication(name, options);
  const place = options.dynamic === undefined ? await placeOfModule(name) : await placeOfFolder(name);
  return openApplication(place, options);
}

/** As {@link loadApplication}, of what was found already. */
export async function openApplication(
  place: ApplicationPlace,
  options: ApplicationOptions,
): Promise<LoadedApplication> {
  const { dynamic, overrideGlobals = false, adapter, next, onError = logError } = options;
  const { loadTimeoutMs, offloadTimeoutMs, maxOffloadQueue: maxWaiting } = resolveLimits(options);
  const threads = Number(options.threads ?? 0);
  if (dynamic !== undefined) {
    const { openDynamicFolder } = await import('./dynamic-handler.ts');
    const { suffix = '' } = dynamic === true ? {} : dynamic;
    const settings = { suffix, onError, next, overrideGlobals, loadTimeoutMs };
    return loaded(await openDynamicFolder(place, settings), place);
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
function checkApplication(name: string, options: ApplicationOptions): void {
  for (const option of Object.keys(options)) {
    if (!Object.hasOwn(NAMES, option)) throw wrong(`there is no option "${option}" of an application`);
  }
  const { adapter, threads = 0, dynamic, next, overrideGlobals = false, onError = logError } = options;
  const isFolder = dynamic !== undefined;
  if (typeof name !== 'string' || name === '') {
    throw wrong(isFolder ? 'a dynamic application is named by its folder' : 'an application is MODULE or MODULE:NAME');
  }
  if (adapter !== undefined && !ADAPTERS.includes(adapter))
    throw wrong(`adapter must be one of ${ADAPTERS.join(', ')}, not "${adapter}"`);
  const count = wholeNumber('threads', threads, 0, MAX_OFFLOAD_THREADS, 'a whole number of threads');
  if (isFolder) checkDynamic(dynamic);
  if (isFolder && (count > 0 || adapter !== undefined))
    throw wrong('threads and adapter are for one application: a dynamic folder has many');
  if (!isFolder && next !== undefined)
    throw wrong('next answers what a dynamic folder does not have: give dynamic too');
  if (next !== undefined && typeof next !== 'function') throw wrong(`next must be a function, not ${typeof next}`);
  if (typeof overrideGlobals !== 'boolean') throw wrong('overrideGlobals must be true or false');
  if (typeof onError !== 'function') throw wrong('onError must be a function');
}

function checkDynamic(dynamic: NonNullable<ApplicationOptions['dynamic']>): void {
  if (dynamic !== true && (typeof dynamic !== 'object' || dynamic === null))
    throw wrong('dynamic must be true or { suffix }');
  checkSuffix(dynamic === true ? '' : (dynamic.suffix ?? ''));
}

/** @throws EpollServerError `ERR_OPTION`: it would not stand behind one name. */
export function checkSuffix(suffix: unknown): void {
  if (typeof suffix === 'string' && !/[\0/\\]/.test(suffix)) return;
  throw wrong(`dynamicSuffix must be text such as .py, not ${JSON.stringify(suffix)}`);
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
