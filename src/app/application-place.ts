// Where an application lies: found before it is loaded, so that a process that does not run it can check, watch and hide
// its files.

import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { resolveRoot } from '../files/resolve-root.ts';
import { findModule } from './module-file.ts';

export interface ApplicationPlace {
  /** FILE:NAME of a module, or the folder of modules, absolute. */
  readonly reference: string;
  /** The folder that holds it, links followed. */
  readonly home: string;
  /** Folders of its source, which are never served as files: real, and by their names, which may lead elsewhere later. */
  readonly sources: readonly string[];
  /** Folders and files by their names, a change in which changes the application. */
  readonly names: readonly string[];
}

/**
 * `reference`: MODULE[:NAME]; one without folders is also looked for in `folders`.
 * @throws EpollServerError `ERR_APPLICATION_MODULE`: there is none.
 */
export async function placeOfModule(reference: string, folders: readonly string[] = []): Promise<ApplicationPlace> {
  const { file, name } = findModule(reference, folders);
  const home = await realpath(dirname(file));
  // That of the module, and where a link to it leads.
  const named = [dirname(file), dirname(await realpath(file))];
  return { reference: `${file}:${name}`, home, sources: [home, ...named], names: [...named, file] };
}

/** @throws EpollServerError `ERR_ROOT`: there is none. */
export async function placeOfFolder(folder: string): Promise<ApplicationPlace> {
  const named = await resolveRoot(folder, 'the dynamic folder');
  const home = await realpath(named);
  return { reference: named, home, sources: [home, named], names: [named] };
}
