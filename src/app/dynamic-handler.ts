// The modules of a folder as a handler, by the folder's name: where that leads to another folder, its modules are loaded.

import { realpath } from 'node:fs/promises';
import { PeriodicLook } from '../files/periodic-look.ts';
import type { Handler } from '../http/handler.ts';
import { sourcesOf, withTraits } from '../http/handler-traits.ts';
import { handlerOf, type Successor, successorOf } from '../http/successor.ts';
import type { ApplicationPlace } from './application-place.ts';
import { DynamicFolder, type DynamicFolderOptions } from './dynamic-folder.ts';
import { loadHandler, type ModuleHandlerOptions } from './module-handler.ts';

/** How long a name may lead to another folder unnoticed. */
const FRESH_MS = 900;

/** How the adapter of a module in the folder is chosen: each may have another. */
const BY_NAME = 'export it as "application" if it is WSGI-style, or as "fetch" if it takes a Request';

export interface DynamicHandlerOptions
  extends Pick<DynamicFolderOptions, 'suffix' | 'onError'>,
    Pick<ModuleHandlerOptions, 'overrideGlobals' | 'loadTimeoutMs'> {
  /** Answers what no module does. Default: 404. */
  readonly next?: Handler | undefined;
}

/** Answers with the modules of the folder at `place`. */
export async function openDynamicFolder(
  { reference, sources }: ApplicationPlace,
  { suffix, onError, next, ...loading }: DynamicHandlerOptions,
): Promise<Handler> {
  // Loaded now: Node.js would remember for ever that descriptors ran out when the first module asked for it.
  await import('../adapters/fetch.ts');
  const nowMs = (): number => performance.now();
  const load = (file: string): Promise<Handler> => loadHandler(file, { ...loading, choice: BY_NAME });
  const modules = await followFolder(
    reference,
    nowMs,
    (folder) => new DynamicFolder({ folder, suffix, load, onError, nowMs }),
  );
  const successor = successorOf(next) ?? (() => null);
  const find: Successor = (request) => {
    const unknown = modules.whenKnown();
    if (unknown !== null) return unknown.then(() => find(request));
    const found = modules.current().handlerFor(request);
    if (found instanceof Promise) return found.then((later) => later ?? successor(request));
    return found ?? successor(request);
  };
  return withTraits(handlerOf(find), { find, sources: [...sources, ...sourcesOf(next)] });
}

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
