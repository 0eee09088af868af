// Serves the modules of a folder by the folder's name. When the name leads to another folder, that folder's modules are
// loaded.

import { realpath } from 'node:fs/promises';
import { PeriodicLook } from '../files/periodic-look.ts';
import type { Handler } from '../http/handler.ts';
import { isFullOf, sourcesOf, withTraits } from '../http/handler-traits.ts';
import { handlerOf, type NextHandler, nextHandlerOf } from '../http/next-handler.ts';
import type { ApplicationPlace } from './application-place.ts';
import { DynamicFolder, type DynamicFolderOptions } from './dynamic-folder.ts';
import { loadHandler, type ModuleHandlerOptions } from './module-handler.ts';

/** A changed target of the name is noticed after this time. */
const FRESH_MS = 900;

/** How to choose the adapter of one module: each module may have its own. */
const BY_NAME = 'export it as "application" if it is WSGI-style, or as "fetch" if it takes a Request';

export interface DynamicHandlerOptions
  extends Pick<DynamicFolderOptions, 'suffix' | 'onError'>,
    Pick<ModuleHandlerOptions, 'overrideGlobals' | 'loadTimeoutMs'> {
  /** The handler of requests that no module handles. Default: 404. */
  readonly next?: Handler | undefined;
}

/** Opens the modules of the folder at `place` as a handler. */
export async function openDynamicFolder(
  { reference, sources }: ApplicationPlace,
  { suffix, onError, next, ...loading }: DynamicHandlerOptions,
): Promise<Handler> {
  // Loaded now: Node.js remembers for ever if the import fails for want of descriptors at the first request.
  await import('../adapters/fetch.ts');
  const nowMs = (): number => performance.now();
  const load = (file: string): Promise<Handler> => loadHandler(file, { ...loading, choice: BY_NAME });
  const modules = await followFolder(
    reference,
    nowMs,
    (folder) => new DynamicFolder({ folder, suffix, load, onError, nowMs }),
  );
  const nextHandler = nextHandlerOf(next) ?? (() => null);
  const find: NextHandler = (request) => {
    const unknown = modules.whenKnown();
    if (unknown !== null) return unknown.then(() => find(request));
    const found = modules.current().handlerFor(request);
    if (found instanceof Promise) return found.then((later) => later ?? nextHandler(request));
    return found ?? nextHandler(request);
  };
  return withTraits(handlerOf(find), { find, sources: [...sources, ...sourcesOf(next)], isFull: isFullOf(next) });
}

interface FollowedFolder {
  readonly current: () => DynamicFolder;
  /** Resolves when the target of the name is known; null: it is known now. */
  readonly whenKnown: () => Promise<void> | null;
}

/** `open`: opens the modules at a real path. Modules of a folder that is gone stay loaded. */
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
