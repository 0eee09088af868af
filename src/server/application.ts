// What answers when it is not a folder: the handler that the options name, and what it has open. Doors are loaded
// when somebody comes through them: who serves a folder starts without. It must not know connections.

import type { Handler } from '../http/handler.ts';
import type { Limits } from '../limits.ts';
import type { ServeOptions } from './options.ts';

export interface Application {
  /** Null: a folder answers. */
  readonly handler: Handler | null;
  /** Gives back what it has open. */
  close(): Promise<void>;
}

const nothingOpen = async (): Promise<void> => {};

/** @throws EpollServerError `ERR_APPLICATION_MODULE`, `ERR_OPTION`. */
export async function openApplication(
  options: ServeOptions,
  limits: Limits,
  onError: (error: unknown) => void,
): Promise<Application> {
  const { app, fetch, overrideGlobals = true } = options;
  if (fetch !== undefined) {
    const { fetchHandler } = await import('../handlers/fetch.ts');
    return { handler: fetchHandler(fetch, { overrideGlobals }), close: nothingOpen };
  }
  if (app === undefined) return { handler: options.handler ?? null, close: nothingOpen };
  if (options.offload === undefined || options.offload === 0) {
    const { loadApplication } = await import('../handlers/application.ts');
    return { handler: await loadApplication(app, { overrideGlobals }), close: nothingOpen };
  }
  const { offload } = await import('../handlers/offload/pool.ts');
  const maxWaiting = limits.maxOffloadQueue;
  return offload({ application: app, threads: options.offload, maxWaiting, overrideGlobals, onError });
}
