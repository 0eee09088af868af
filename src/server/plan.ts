// What a server is to do, checked and found, before anything is open; and what it then opens besides sockets.

import { createNativeFiles, type Files } from '../kernel/files.ts';
import type { Limits } from '../limits.ts';
import { type Application, openApplication } from './application.ts';
import { logError } from './error-log.ts';
import { type Place, resolveHost } from './listener.ts';
import { checkOptions, type ServeOptions } from './options.ts';
import { type Folders, resolveFolders } from './sites.ts';

const DEFAULT_PORT = 8080;
const DEFAULT_HOST = '127.0.0.1';

/** Options that were checked, and what they name. */
export interface Plan {
  readonly options: ServeOptions;
  readonly limits: Limits;
  /** Null when a handler answers. */
  readonly folders: Folders | null;
  readonly place: Place;
}

/** @throws EpollServerError `ERR_OPTION`, `ERR_ROOT`, `ERR_LISTEN` (an unknown host). */
export async function planOf(options: ServeOptions): Promise<Plan> {
  const limits = checkOptions(options);
  const folders = options.root === undefined ? null : await resolveFolders(options.root, options.site ?? {});
  const address = await resolveHost(options.host ?? DEFAULT_HOST);
  return { options, limits, folders, place: placeOf(options, limits, address) };
}

/**
 * The plan of a server with a handler whose `host` is numeric.
 * @throws EpollServerError `ERR_OPTION`.
 */
export function planOfHandler(options: ServeOptions): Plan {
  const limits = checkOptions(options);
  return { options, limits, folders: null, place: placeOf(options, limits, options.host ?? DEFAULT_HOST) };
}

function placeOf({ host = DEFAULT_HOST, port = DEFAULT_PORT }: ServeOptions, limits: Limits, address: string): Place {
  return { host, address, port, backlog: limits.backlog };
}

/** What a server has open besides its sockets. */
export class Resources {
  /** Null when a handler answers. */
  readonly files: Files | null;
  readonly application: Application;

  constructor(files: Files | null, application: Application) {
    this.files = files;
    this.application = application;
  }

  /** @throws EpollServerError `ERR_APPLICATION_MODULE`, `ERR_OPTION`, `ERR_ADDON`. */
  static async open({ options, limits, folders }: Plan): Promise<Resources> {
    const onError = options.onError ?? logError;
    const application = await openApplication(options, limits, (error) => onError(error, null));
    return new Resources(folders === null ? null : createNativeFiles(), application);
  }

  async close(): Promise<void> {
    this.files?.destroy();
    await this.application.close();
  }
}
