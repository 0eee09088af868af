// The Python modules of a dynamic folder, by the names of their files: dynamic/time.py at /time.py. The workers load them.

import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { PYTHON_SUFFIX } from '../app/python-module.ts';
import { parseFilePath } from '../files/file-path.ts';
import { PeriodicLook } from '../files/periodic-look.ts';
import type { Handler } from '../http/handler.ts';
import { sourcesOf, withTraits } from '../http/handler-traits.ts';
import { handlerOf, type NextHandler, nextHandlerOf } from '../http/next-handler.ts';

/** An added or removed module is noticed after this time, as one of JavaScript. */
const FRESH_MS = 900;

export interface PythonFolderOptions {
  readonly folder: string;
  /** Gives a request to the workers. */
  readonly workers: Handler;
  /** The handler of requests that no Python module handles. Default: 404. */
  readonly next: Handler | undefined;
  readonly nowMs: () => number;
}

export async function pythonFolder({ folder, workers, next, nowMs }: PythonFolderOptions): Promise<Handler> {
  let names = await modulesIn(folder);
  const look = async (): Promise<void> => {
    // The names of a second ago are better than none.
    names = await modulesIn(folder).catch(() => names);
  };
  const looks = new PeriodicLook({ nowMs, freshMs: () => FRESH_MS, look });
  const nextHandler = nextHandlerOf(next) ?? (() => null);
  const find: NextHandler = (request) => {
    const name = nameOf(request.path);
    if (name === null) return nextHandler(request);
    const unknown = looks.whenFresh();
    if (unknown !== null) return unknown.then(() => find(request));
    return names.has(name) ? workers : nextHandler(request);
  };
  return withTraits(handlerOf(find), { find, sources: sourcesOf(next) });
}

/** Whether a dynamic folder has modules in Python. */
export async function hasPythonModules(folder: string): Promise<boolean> {
  return (await modulesIn(folder)).size > 0;
}

/** The name of the file that a path may name; null: it names none. */
function nameOf(path: string): string | null {
  const parsed = parseFilePath(path);
  if (typeof parsed === 'number' || parsed.isDirectory || parsed.segments.length !== 1) return null;
  const [name = ''] = parsed.segments;
  return name.endsWith(PYTHON_SUFFIX) ? name : null;
}

/** The names of the modules in a folder. A link to another folder is not a module of this one. */
async function modulesIn(folder: string): Promise<ReadonlySet<string>> {
  const entries = await readdir(folder, { withFileTypes: true });
  const isOwn = await Promise.all(entries.map((entry) => isModuleIn(folder, entry)));
  return new Set(entries.filter((_, at) => isOwn[at]).map(({ name }) => name));
}

async function isModuleIn(folder: string, entry: Dirent): Promise<boolean> {
  if (!entry.name.endsWith(PYTHON_SUFFIX) || entry.name.startsWith('.')) return false;
  if (entry.isFile()) return true;
  if (!entry.isSymbolicLink()) return false;
  const real = await realpath(join(folder, entry.name)).catch(() => '');
  return real.startsWith((await realpath(folder)) + sep) && (await stat(real)).isFile();
}
