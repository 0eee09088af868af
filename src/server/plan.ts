// What a server is to do, checked and found, before anything is open; and what it then opens besides sockets.

import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findModule } from '../app/module-file.ts';
import { resolveRoot } from '../files/resolve-root.ts';
import { type Folders, resolveFolders } from '../files/sites.ts';
import { createNativeFiles, type Files } from '../kernel/files.ts';
import type { Limits } from '../limits.ts';
import { logError } from '../log/error-log.ts';
import { type Application, openApplication } from './application.ts';
import { type Place, resolveHost } from './listener.ts';
import { checkOptions, type ServeOptions } from './options.ts';

const DEFAULT_HOST = '127.0.0.1';

/** Options that were checked, and what they name. */
export interface Plan {
  readonly options: ServeOptions;
  readonly limits: Limits;
  /** Threads in which the application runs; 0: none. */
  readonly offload: number;
  /** Null when a handler answers. */
  readonly folders: Folders | null;
  /** FILE[:NAME] of an application, the file's path being real; null: none is named. */
  readonly app: string | null;
  /** The folder whose modules answer at URLs of their own, by its name, absolute; null: there is none. */
  readonly dynamic: string | null;
  /** The folders that they are in, and the application's file, by their names, which may lead through links. */
  readonly names: readonly string[];
  readonly place: Place;
}

/** @throws EpollServerError `ERR_OPTION`, `ERR_ROOT`, `ERR_LISTEN` (an unknown host). */
export async function planOf(options: ServeOptions): Promise<Plan> {
  const { limits, port, offload } = checkOptions(options);
  const dynamic = options.dynamic === undefined ? null : await resolveRoot(options.dynamic, 'the dynamic folder');
  const folder = dynamic === null ? null : await realpath(dynamic);
  const module = options.app === undefined ? null : findModule(options.app, folder === null ? [] : [folder]);
  const home = module === null ? null : await realpath(dirname(module.file));
  const real = [folder, home].filter((each) => each !== null);
  const named = await sourcesOf(dynamic, module?.file);
  const folders =
    options.root === undefined ? null : await resolveFolders(options.root, options.site ?? {}, [...real, ...named]);
  const address = await resolveHost(options.host ?? DEFAULT_HOST);
  return {
    options,
    limits,
    offload,
    folders,
    app: module === null ? null : `${module.file}:${module.name}`,
    // A folder that holds the application has its parts, not pages.
    dynamic: folder === home ? null : dynamic,
    names: [...named, ...(module === null ? [] : [module.file])],
    place: placeOf(options, limits, port, address),
  };
}

/** Folders of an application as they are named, for links in them may lead elsewhere later; and that of a linked file. */
async function sourcesOf(dynamic: string | null, file: string | undefined): Promise<readonly string[]> {
  const folders = dynamic === null ? [] : [dynamic];
  return file === undefined ? folders : [...folders, dirname(file), dirname(await realpath(file))];
}

/**
 * The plan of a server with a handler whose `host` is numeric.
 * @throws EpollServerError `ERR_OPTION`.
 */
export function planOfHandler(options: ServeOptions): Plan {
  const { limits, port, offload } = checkOptions(options);
  return {
    options,
    limits,
    offload,
    folders: null,
    app: null,
    dynamic: null,
    names: [],
    place: placeOf(options, limits, port, options.host ?? DEFAULT_HOST),
  };
}

function placeOf({ host = DEFAULT_HOST }: ServeOptions, limits: Limits, port: number, address: string): Place {
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
  static async open(plan: Plan): Promise<Resources> {
    const { options, folders } = plan;
    const application = await openApplication(plan, options.onError ?? logError);
    return new Resources(folders === null ? null : createNativeFiles(), application);
  }

  async close(): Promise<void> {
    this.files?.destroy();
    await this.application.close();
  }
}
