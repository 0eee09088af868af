// What a server is to do: its options, checked, and what they name, found before anything is open.

import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findModule } from '../app/module-file.ts';
import { EpollServerError } from '../errors.ts';
import { resolveRoot } from '../files/resolve-root.ts';
import { type Folders, resolveFolders } from '../files/sites.ts';
import type { Limits } from '../limits.ts';
import { type CheckedListen, listenText } from './listen-address.ts';
import { type ListenerSpec, resolveHost } from './listener.ts';
import { checkOptions, type ServeOptions } from './options.ts';

/** Options that were checked, and what they name. */
export interface ResolvedOptions {
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
  readonly listeners: readonly ListenerSpec[];
}

/** @throws EpollServerError `ERR_OPTION`, `ERR_ROOT`, `ERR_LISTEN` (an unknown host). */
export async function resolveOptions(options: ServeOptions): Promise<ResolvedOptions> {
  const { limits, offload, listen } = checkOptions(options);
  const dynamic = options.dynamic === undefined ? null : await resolveRoot(options.dynamic, 'the dynamic folder');
  const folder = dynamic === null ? null : await realpath(dynamic);
  const module = options.app === undefined ? null : findModule(options.app, folder === null ? [] : [folder]);
  const home = module === null ? null : await realpath(dirname(module.file));
  const real = [folder, home].filter((each) => each !== null);
  const named = await sourcesOf(dynamic, module?.file);
  const folders =
    options.root === undefined ? null : await resolveFolders(options.root, options.site ?? {}, [...real, ...named]);
  const ips = await Promise.all(listen.map(({ address }) => ('host' in address ? resolveHost(address.host) : '')));
  return {
    options,
    limits,
    offload,
    folders,
    app: module === null ? null : `${module.file}:${module.name}`,
    // A folder that holds the application has its parts, not pages.
    dynamic: folder === home ? null : dynamic,
    names: [...named, ...(module === null ? [] : [module.file])],
    listeners: listenersOf(listen, ips, limits),
  };
}

/** Folders of an application as they are named, for links in them may lead elsewhere later; and that of a linked file. */
async function sourcesOf(dynamic: string | null, file: string | undefined): Promise<readonly string[]> {
  const folders = dynamic === null ? [] : [dynamic];
  return file === undefined ? folders : [...folders, dirname(file), dirname(await realpath(file))];
}

/**
 * For a server with a handler whose hosts are numeric.
 * @throws EpollServerError `ERR_OPTION`.
 */
export function resolveHandlerOptions(options: ServeOptions): ResolvedOptions {
  const { limits, offload, listen } = checkOptions(options);
  const ips = listen.map(({ address }) => ('host' in address ? address.host : ''));
  return {
    options,
    limits,
    offload,
    folders: null,
    app: null,
    dynamic: null,
    names: [],
    listeners: listenersOf(listen, ips, limits),
  };
}

/**
 * `ips`: the hosts of `listen` in numbers.
 * @throws EpollServerError `ERR_OPTION`: two are the same.
 */
function listenersOf(
  listen: readonly CheckedListen[],
  ips: readonly string[],
  { backlog }: Limits,
): readonly ListenerSpec[] {
  const names = new Set<string>();
  return listen.map(({ address, options }, index) => {
    const ip = ips[index] ?? '';
    const name = listenText('host' in address ? { host: ip, port: address.port } : address);
    // With port 0 each has another one.
    if (names.has(name) && !('port' in address && address.port === 0)) {
      throw new EpollServerError('ERR_OPTION', `listen names ${name} twice`);
    }
    names.add(name);
    return { address, ip, isShared: false, options: { backlog, ...options } };
  });
}
