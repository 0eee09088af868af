// Where the files of an application are. They are found before it is loaded, so that a process that does not run it can
// check, watch and hide them.

import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { resolveRoot } from '../files/resolve-root.ts';
import { findModule, isModule, refuseModule } from './module-file.ts';
import { findPythonModule, isPythonFile, type PythonModule } from './python-module.ts';

export interface ApplicationPlace {
  /** FILE:NAME of a module, or the folder of modules, as an absolute path. */
  readonly reference: string;
  /** The folder of the application, with links resolved. */
  readonly home: string;
  /** Source folders, which are never served as files: real paths, and the names that lead to them, which may change. */
  readonly sources: readonly string[];
  /** Names of the files and folders whose changes mean that the application has changed. */
  readonly names: readonly string[];
  /** The Python module that it is; absent: it is in JavaScript. */
  readonly python?: PythonModule;
  /** What the operator should know about the choice between languages; absent: nothing. */
  readonly notice?: string;
}

/**
 * `reference`: MODULE[:NAME]; a module name without folders is also looked up in `folders`.
 * @throws EpollServerError `ERR_APPLICATION_MODULE`: there is no such module.
 */
export async function placeOfModule(reference: string, folders: readonly string[] = []): Promise<ApplicationPlace> {
  const python = findPythonModule(reference, folders);
  if (python !== undefined && (isPythonFile(reference) || !isModule(reference, folders))) return placeOfPython(python);
  if (isPythonFile(reference) && isModule(reference, folders)) {
    throw refuseModule(`${reference} has no name that Python can import: use letters, digits and underscores`);
  }
  const { file, name } = findModule(reference, folders);
  const place = await placeOfFile(file, name);
  return python === undefined ? place : { ...place, notice: noticeOf(reference, file, python) };
}

/** A module that is there in both languages: JavaScript is what this server has always run. */
function noticeOf(reference: string, file: string, { file: other, callable }: PythonModule): string {
  const name = callable === '' ? '' : `:${callable}`;
  return `${reference} is both ${file} and ${other}: the JavaScript one is taken. For the other one write ${other}${name}`;
}

async function placeOfPython(python: PythonModule): Promise<ApplicationPlace> {
  const { file, folder, callable } = python;
  const home = await realpath(folder);
  const reference = callable === '' ? file : `${file}:${callable}`;
  return { reference, home, sources: [home, folder, await realpath(dirname(file))], names: [folder, file], python };
}

async function placeOfFile(file: string, name: string): Promise<ApplicationPlace> {
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
