// Classifies an argument without a flag: a folder, an application or a mount. An existing file or folder decides; only
// otherwise does the name.

import { basename } from 'node:path';
import { isModule, MODULE_SUFFIXES } from '../app/module-file.ts';
import { pathStats } from '../app/path-stats.ts';
import { findPythonModule, PACKAGE_FILE, PYTHON_SUFFIX } from '../app/python-module.ts';

export type PositionalKind = 'root' | 'app' | 'mount';

export function positionalKind(argument: string): PositionalKind {
  const stats = pathStats(argument);
  if (stats?.isDirectory() === true) return isPackage(argument) ? 'app' : 'root';
  if (stats?.isFile() === true) return mayBeModule(argument) ? 'app' : 'root';
  if (/^\/[^=]*=/.test(argument)) return 'mount';
  const isFound = isModule(argument) || findPythonModule(argument) !== undefined;
  return isFound || isCalledLikeModule(argument) ? 'app' : 'root';
}

/** A file with another extension is not an application: the message that a folder was expected is more helpful. */
function mayBeModule(file: string): boolean {
  return [...MODULE_SUFFIXES, PYTHON_SUFFIX].some((suffix) => file.endsWith(suffix)) || !basename(file).includes('.');
}

function isCalledLikeModule(argument: string): boolean {
  return /\.(?:[cm]?[jt]s|py)(?::[^/:]*)?$/.test(argument) || /[^/]:[A-Za-z_$][\w$]*$/.test(argument);
}

/** A package of Python is a folder whose source is not meant to be served. */
function isPackage(folder: string): boolean {
  return basename(findPythonModule(folder)?.file ?? '') === PACKAGE_FILE;
}
