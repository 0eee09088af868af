// Finds the file of MODULE[:NAME] and imports it.

import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { EpollServerError, messageOf } from '../errors.ts';
import { pathStats } from './path-stats.ts';

/** The extensions of modules, in the order in which they are tried. */
export const MODULE_SUFFIXES = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'] as const;

export interface ModuleReference {
  /** The file of the module. */
  readonly file: string;
  /** The name of the export; empty: not given. */
  readonly name: string;
}

/**
 * Finds the file that `reference` names, with or without its extension. A name without folders is also looked up in
 * `folders`, as Python does with `sys.path`.
 * @throws EpollServerError `ERR_APPLICATION_MODULE`.
 */
export function findModule(reference: string, folders: readonly string[] = []): ModuleReference {
  const { module, name } = splitReference(reference);
  for (const place of placesOf(module, folders)) {
    const file = fileOf(place);
    if (file !== undefined) return { file, name };
  }
  const path = resolve(module);
  if (pathStats(path)?.isDirectory() === true) {
    throw refuseModule(`${path} is a folder: use a JavaScript file in it, as in examples/hello-wsgi.js`);
  }
  const usual =
    'use a JavaScript file, as in examples/hello-wsgi.js, or a Python module, as in mysite.wsgi:application';
  throw refuseModule(`there is no module ${path}: ${usual}`);
}

/** Whether `reference` names an existing module, as {@link findModule} finds it. */
export function isModule(reference: string, folders: readonly string[] = []): boolean {
  return placesOf(splitReference(reference).module, folders).some((place) => fileOf(place) !== undefined);
}

function placesOf(module: string, folders: readonly string[]): readonly string[] {
  return [module, ...(basename(module) === module ? folders.map((folder) => join(folder, module)) : [])];
}

/** A colon counts only in front of an export name: other colons belong to the path. */
function splitReference(reference: string): { readonly module: string; readonly name: string } {
  const colon = reference.lastIndexOf(':');
  const name = reference.slice(colon + 1);
  return colon <= 0 || /[./]/.test(name)
    ? { module: reference, name: '' }
    : { module: reference.slice(0, colon), name };
}

function fileOf(place: string): string | undefined {
  return ['', ...MODULE_SUFFIXES].map((suffix) => resolve(place + suffix)).find((path) => isFile(path));
}

function isFile(path: string): boolean {
  return pathStats(path)?.isFile() === true;
}

export type Exports = Readonly<Record<string, unknown>>;

/** Errors of short resources: a retry may succeed in a moment. */
const SCARCE: ReadonlySet<string> = new Set([
  ...['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EAGAIN', 'EBUSY', 'EINTR', 'EIO', 'ESTALE', 'ETIMEDOUT'],
  ...['ECONNREFUSED', 'ECONNRESET', 'ENETUNREACH', 'EHOSTUNREACH', 'EAI_AGAIN'],
]);

/** Errors of a missing or half-written part, as during a deployment. */
const MISSING: ReadonlySet<string> = new Set([
  ...['ENOENT', 'ENOTDIR', 'MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND', 'ERR_INVALID_PACKAGE_CONFIG'],
]);

/** How many nested causes are inspected. */
const MAX_CAUSES = 8;

/** Whether a module failed to load for want of descriptors, memory, a network or time. */
export function isScarcity(error: unknown): boolean {
  return hasCode(error, SCARCE);
}

/** Whether a module that failed to load may load later with the same file. */
export function isTransient(error: unknown): boolean {
  return hasCode(error, SCARCE) || hasCode(error, MISSING);
}

function hasCode(error: unknown, codes: ReadonlySet<string>): boolean {
  for (let each = error, depth = 0; each instanceof Error && depth < MAX_CAUSES; each = each.cause, depth++) {
    if (codes.has(codeOf(each))) return true;
  }
  return false;
}

/** The error of a module that was not imported, or not completely. Its message is complete without a stack. */
class Unloadable extends Error {
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** Failed imports of each file. */
const failures = new Map<string, number>();

/**
 * How often the import of `file` has failed in this thread. An import that was not attempted, for want of descriptors,
 * does not count.
 */
export function failedImports(file: string): number {
  return failures.get(file) ?? 0;
}

/**
 * Imports a module and returns its exports. A failed import is not final: another call imports it again.
 * @throws EpollServerError `ERR_APPLICATION_MODULE`: it throws, or has not ended after `timeoutMs`.
 */
export async function importModule(file: string, timeoutMs: number): Promise<Exports> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    const late = new Unloadable(`it has not ended after ${timeoutMs} ms (timeouts.loadMs)`, 'ETIMEDOUT');
    timer = setTimeout(() => reject(late), timeoutMs);
  });
  try {
    return await Promise.race([importOnce(file), tooLate]);
  } catch (error) {
    throw refuseModule(`${file} does not load: ${await reasonOf(error, file)}`, error);
  } finally {
    clearTimeout(timer);
  }
}

/** Node.js caches the failure of a URL that could not be read or threw: a retry needs another URL. */
async function importOnce(file: string): Promise<Exports> {
  await assertReadable(file);
  const url = pathToFileURL(file);
  const failed = failedImports(file);
  if (failed > 0) url.searchParams.set('retry', String(failed));
  try {
    return await import(url.href);
  } catch (error) {
    failures.set(file, failed + 1);
    throw error;
  }
}

/** The maximum number of files of a module graph that are open at once while it loads. */
const PARTS = 16;

/**
 * Opens `file` as often as loading its graph may need descriptors. Node.js caches the failure of a dependency, which
 * has a URL of its own.
 */
async function assertReadable(file: string): Promise<void> {
  const results = await Promise.allSettled(Array.from({ length: PARTS }, () => open(file)));
  for (const result of results) if (result.status === 'fulfilled') await result.value.close();
  const refused = results.find((result) => result.status === 'rejected');
  if (refused !== undefined) throw new Unloadable(messageOf(refused.reason), codeOf(refused.reason));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

async function reasonOf(error: unknown, file: string): Promise<string> {
  if (error instanceof Unloadable) return error.message;
  if (isUnknownType(error) && /\.[cm]?ts$/.test(file)) {
    return `it is TypeScript, which Node.js ${process.version} cannot run: use 22.18 or later, or compile it first`;
  }
  const place = placeOf(error) ?? (error instanceof SyntaxError ? await syntaxErrorPlace(file) : undefined);
  return place === undefined ? messageOf(error) : `${messageOf(error)} (${place})`;
}

function isUnknownType(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION';
}

/** `file:line`, from the stack of a thrown value. */
function placeOf(error: unknown): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const own = /^((?:file:\/\/)?\/[^\n]+?):(\d+)\n/.exec(stack);
  const [, path, line] = own ?? /(?:at |\()((?:file:\/\/)?\/[^\s():]+):(\d+):\d+/.exec(stack) ?? [];
  if (path === undefined || line === undefined || path.includes('/node_modules/')) return undefined;
  return `${path.startsWith('file:') ? fileURLToPath(path) : path}:${line}`;
}

/** Node.js prints the line of a syntax error in an ES module only on standard error. */
async function syntaxErrorPlace(file: string): Promise<string | undefined> {
  try {
    await promisify(execFile)(process.execPath, ['--check', file], { timeout: 5_000 });
    return undefined;
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    const line = /^(?:file:\/\/)?\/[^\n]*:(\d+)\n/.exec(said)?.[1];
    return line === undefined ? undefined : `${file}:${line}`;
  }
}

export function refuseModule(text: string, cause?: unknown): EpollServerError {
  return new EpollServerError('ERR_APPLICATION_MODULE', text, { cause });
}
