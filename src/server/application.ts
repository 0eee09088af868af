// What answers besides files: the modules of the dynamic folder, and the handler that the options name; and what they
// have open. Adapters are loaded when somebody comes through them: who serves a folder starts without. It must not know
// connections.

import { realpath } from 'node:fs/promises';
import { DynamicFolder } from '../app/dynamic-folder.ts';
import { PeriodicLook } from '../files/periodic-look.ts';
import type { Handler } from '../http/handler.ts';
import { withTraits } from '../http/handler-traits.ts';
import { handlerOf, type Successor } from '../http/successor.ts';
import type { ServeOptions } from './options.ts';
import type { ResolvedOptions } from './resolved-options.ts';

export interface Application {
  /** Answers what files do not have; null: nothing does. */
  readonly handler: Handler | null;
  /** Gives back what it has open. */
  close(): Promise<void>;
}

/** How long a name may lead to another folder unnoticed. */
const FRESH_MS = 900;

/** How the adapter of a module in the dynamic folder is chosen: each may have another. */
const BY_NAME = 'export it as "application" if it is WSGI-style, or as "fetch" if it takes a Request';

const nothingOpen = async (): Promise<void> => {};

/** An application that is one handler. */
export function applicationOf(handler: Handler | null, close: () => Promise<void> = nothingOpen): Application {
  return { handler, close };
}

/** @throws EpollServerError `ERR_APPLICATION_MODULE`, `ERR_OPTION`. */
export async function openApplication(
  resolved: ResolvedOptions,
  onError: NonNullable<ServeOptions['onError']>,
): Promise<Application> {
  const main = await openMain(resolved, onError);
  if (resolved.dynamic === null) return main;
  const { loadApplication } = await import('../app/application.ts');
  // Loaded now: Node.js would remember for ever that descriptors ran out when the first module asked for it.
  await import('../adapters/fetch.ts');
  const { dynamicSuffix: suffix = '', overrideGlobals = true } = resolved.options;
  const nowMs = (): number => performance.now();
  const dynamic = await followFolder(resolved.dynamic, nowMs, (folder) => {
    const load = (file: string): Promise<Handler> =>
      loadApplication(file, { overrideGlobals, loadTimeoutMs: resolved.limits.loadTimeoutMs, choice: BY_NAME });
    return new DynamicFolder({ folder, suffix, load, onError, nowMs });
  });
  const successor: Successor = (request) => {
    const unknown = dynamic.whenKnown();
    if (unknown !== null) return unknown.then(() => successor(request));
    const found = dynamic.current().handlerFor(request);
    if (found instanceof Promise) return found.then((later) => later ?? main.handler);
    return found ?? main.handler;
  };
  return { handler: withTraits(handlerOf(successor), { find: successor }), close: () => main.close() };
}

/** Modules by the name of their folder: where it leads to another one, that one's are loaded. */
interface FollowedFolder {
  readonly current: () => DynamicFolder;
  /** Resolves when it is known what the name leads to; null: it is. */
  readonly whenKnown: () => Promise<void> | null;
}

/** `open`: of a real path. Modules of a folder that is gone stay. */
async function followFolder(
  named: string,
  nowMs: () => number,
  open: (real: string) => DynamicFolder,
): Promise<FollowedFolder> {
  let real = await realpath(named);
  let folder = open(real);
  const look = async (): Promise<void> => {
    const now = await realpath(named).catch(() => real);
    if (now === real) return;
    real = now;
    folder = open(real);
  };
  const looks = new PeriodicLook({ nowMs, freshMs: () => FRESH_MS, look });
  return { current: () => folder, whenKnown: () => looks.whenFresh() };
}

async function openMain(
  { options, limits, app, offload: threads }: ResolvedOptions,
  onError: NonNullable<ServeOptions['onError']>,
): Promise<Application> {
  const { fetch, overrideGlobals = true, adapter } = options;
  const { loadTimeoutMs, offloadTimeoutMs, maxOffloadQueue: maxWaiting } = limits;
  if (fetch !== undefined) {
    const { fetchHandler } = await import('../adapters/fetch.ts');
    return applicationOf(fetchHandler(fetch, { overrideGlobals }));
  }
  if (app === null) return applicationOf(options.handler ?? null);
  if (threads === 0) {
    const { loadApplication } = await import('../app/application.ts');
    return applicationOf(await loadApplication(app, { overrideGlobals, adapter, loadTimeoutMs }));
  }
  const { offload } = await import('../app/offload/pool.ts');
  const { handler, close } = await offload({
    application: app,
    threads,
    maxWaiting,
    overrideGlobals,
    adapter,
    loadTimeoutMs,
    offloadTimeoutMs,
    onError: (error) => onError(error, null),
  });
  return applicationOf(handler, close);
}
