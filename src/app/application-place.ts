// Where the files of an application are. They are found before it is loaded, so that a process that does not run it can
// check, watch and hide them.

import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { resolveRoot } from '../files/resolve-root.ts';
import { findModule } from './module-file.ts';

export interface ApplicationPlace {
  /** FILE:NAME of a module, or the folder of modules, as an absolute path. */
  readonly reference: string;
  /** The folder of the application, with links resolved. */
  readonly home: string;
  /** Source folders, which are never served as files: real paths, and the names that lead to them, which may change. */
  readonly sources: readonly string[];
  /** Names of the files and folders whose changes mean that the application has changed. */
  readonly names: readonly string[];
}

/**
 * `reference`: MODULE[:NAME]; a module name without folders is also looked up in `folders`.
 * @throws EpollServerError `ERR_APPLICATION_MODULE`: there is no such module.
 */
export async function placeOfModule(reference: string, folders: readonly string[] = []): Promise<ApplicationPlace> {
  const { file, name } = findModule(reference, folders);
  const home = await realpath(dirname(file));
  // The folder of the module, and the folder that a link to it leads to.
  const named = [dirname(file), dirname(await realpath(file))];
  return { reference: `${file}:${name}`, home, sources: [home, ...named], names: [...named, file] };
}

/** @throws EpollServerError `ERR_ROOT`: there is no such folder. */
export async function placeOfFolder(folder: string): Promise<ApplicationPlace> {
  const named = await resolveRoot(folder, 'the dynamic folder');
  const home = await realpath(named);
  return { reference: named, home, sources: [home, named], names: [named] };
}
