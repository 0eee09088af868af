// Finds the file of a Python module, as Python itself finds it: `mysite.wsgi` is mysite/wsgi.py in a folder.

import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { pathStats } from './path-stats.ts';

export interface PythonModule {
  /** The file of the module: NAME.py, or __init__.py of a package. */
  readonly file: string;
  /** The folder that goes first in `sys.path`. */
  readonly folder: string;
  /** The name to import: `mysite.wsgi`. */
  readonly module: string;
  /** The name of the application in it; empty: not given. */
  readonly callable: string;
}

export const PYTHON_SUFFIX = '.py';

export const PACKAGE_FILE = '__init__.py';

/** `MODULE:CALLABLE`; a path may contain colons too. */
const CALLABLE = /:([\p{L}_][\p{L}\p{N}_.]*)$/u;

/** What `import` accepts between dots. */
const IDENTIFIER = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/**
 * Finds `MODULE[:CALLABLE]`: dotted names, or the path of a file. A name without folders is also looked up in `folders`.
 * Undefined: there is no such Python module.
 */
export function findPythonModule(reference: string, folders: readonly string[] = []): PythonModule | undefined {
  const callable = CALLABLE.exec(reference)?.[1] ?? '';
  const place = callable === '' ? reference : reference.slice(0, -callable.length - 1);
  const name = basename(place);
  const places = [resolve(place), ...(name === place ? folders.map((folder) => join(folder, name)) : [])];
  for (const each of places) {
    const found = each.endsWith(PYTHON_SUFFIX) ? moduleAtPath(each) : moduleByName(dirname(each), name);
    if (found !== undefined) return { ...found, callable };
  }
  return undefined;
}

/** Whether `reference` names a file of Python by its suffix. */
export function isPythonFile(reference: string): boolean {
  return reference.replace(CALLABLE, '').endsWith(PYTHON_SUFFIX);
}

type Found = Omit<PythonModule, 'callable'>;

/** `file` as the name by which Python would import it: a file of a package belongs to the package. */
function moduleAtPath(file: string): Found | undefined {
  const name = basename(file, PYTHON_SUFFIX);
  if (!IDENTIFIER.test(name) || !isFile(file)) return undefined;
  const names = name === basename(PACKAGE_FILE, PYTHON_SUFFIX) ? [] : [name];
  let folder = dirname(file);
  while (existsSync(join(folder, PACKAGE_FILE)) && IDENTIFIER.test(basename(folder))) {
    names.unshift(basename(folder));
    folder = dirname(folder);
  }
  return names.length === 0 ? undefined : { file, folder, module: names.join('.') };
}

function moduleByName(folder: string, dotted: string): Found | undefined {
  const names = dotted.split('.');
  if (!names.every((name) => IDENTIFIER.test(name))) return undefined;
  const path = join(folder, ...names);
  // In this order: a package hides a file of the same name.
  const file = [join(path, PACKAGE_FILE), path + PYTHON_SUFFIX].find(isFile);
  if (file === undefined) return undefined;
  // The path of a file in a package, without its suffix.
  return names.length === 1 && file.endsWith(names[0] + PYTHON_SUFFIX)
    ? moduleAtPath(file)
    : { file, folder, module: dotted };
}

function isFile(path: string): boolean {
  return pathStats(path)?.isFile() === true;
}
