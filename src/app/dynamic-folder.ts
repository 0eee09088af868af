// Serves the modules of a folder at URLs of their own, as CGI scripts: `clock.js` at /clock. A module is loaded once,
// at its first request. After a failure it is loaded again when that may help.

import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { EpollServerError, messageOf } from '../errors.ts';
import { parseFilePath } from '../files/file-path.ts';
import { INTERNAL_ERROR, sendError, UNAVAILABLE } from '../http/error-response.ts';
import type { Handler, HttpRequest } from '../http/handler.ts';
import { isScarcity, MODULE_SUFFIXES } from './module-file.ts';
import { ModuleLoad } from './module-load.ts';

export interface DynamicFolderOptions {
  /** Its real path. */
  readonly folder: string;
  /** A suffix of module names in URLs, such as `.py`; empty: none. */
  readonly suffix: string;
  /** Loads an application. */
  readonly load: (file: string) => Promise<Handler>;
  /** Called once for each reason why a module fails to load. */
  readonly onError: (error: unknown, request: HttpRequest) => void;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

/** An added or removed module is noticed after this time, unless it was loaded before. */
const FRESH_MS = 900;

/** The handler of a module that fails to load. */
const broken: Handler = (request, response) => sendError(request, response, INTERNAL_ERROR);

/** The handler of a module that fails to load because a resource is short: see `isScarcity`. */
const unavailable: Handler = (request, response) => sendError(request, response, UNAVAILABLE);

/** Thrown for a file outside the folder, or a file that is gone. */
const NO_MODULE = new Error('no module of the folder');

type Names = ReadonlyMap<string, string>;

export class DynamicFolder {
  readonly #options: DynamicFolderOptions;
  /** Loaded modules, by name. */
  readonly #ready = new Map<string, Handler>();
  /** Requested modules that are not loaded, by name. Concurrent requests load a module once. */
  readonly #loads = new Map<string, ModuleLoad>();
  /** The last reported message of each module that fails to load, by name. */
  readonly #reported = new Map<string, string>();
  /** File names by module name, as of {@link #listedMs}. */
  #files: Names | Promise<Names> = new Map();
  #listedMs = Number.NEGATIVE_INFINITY;

  constructor(options: DynamicFolderOptions) {
    this.#options = options;
  }

  /** The handler of the module that a request names, or null: at once unless the folder has to be read. */
  handlerFor(request: HttpRequest): Handler | null | Promise<Handler | null> {
    const name = this.#optionName(request.path);
    if (name === null) return null;
    const ready = this.#ready.get(name);
    if (ready !== undefined) return ready;
    const files = this.#list();
    if (files instanceof Promise) {
      const find = (later: Names): null | Promise<Handler | null> => this.#find(name, later, request);
      return files.then(find, (error: unknown) => this.#failed('', error, request));
    }
    return this.#find(name, files, request);
  }

  /** The one path segment, without `suffix`. A name that a site would reject or hide is not a module name either. */
  #optionName(path: string): string | null {
    const parsed = parseFilePath(path);
    if (typeof parsed === 'number' || parsed.isDirectory || parsed.segments.length !== 1) return null;
    const [name = ''] = parsed.segments;
    const { suffix } = this.#options;
    return suffix !== '' && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  }

  #find(name: string, files: Names, request: HttpRequest): null | Promise<Handler | null> {
    const file = files.get(name);
    if (file === undefined) return null;
    const path = join(this.#options.folder, file);
    const load = this.#loads.get(name) ?? new ModuleLoad(path, () => this.#load(path), this.#options.nowMs);
    this.#loads.set(name, load);
    return load.get().then(
      (handler) => this.#loaded(name, handler),
      (error: unknown) => (error === NO_MODULE ? null : this.#failed(name, error, request)),
    );
  }

  async #load(path: string): Promise<Handler> {
    const { folder, load } = this.#options;
    const real = await realFile(path).catch((error: unknown) => {
      if (isScarcity(error)) throw error;
      return null;
    });
    // A link to another folder is not a module of this one.
    if (real?.startsWith(folder + sep) !== true) throw NO_MODULE;
    return load(real);
  }

  #loaded(name: string, handler: Handler): Handler {
    this.#ready.set(name, handler);
    this.#loads.delete(name);
    this.#reported.delete(name);
    return handler;
  }

  #failed(name: string, error: unknown, request: HttpRequest): Handler {
    const message = messageOf(error);
    if (this.#reported.get(name) !== message) {
      this.#reported.set(name, message);
      this.#options.onError(error, request);
    }
    return isScarcity(error) ? unavailable : broken;
  }

  #list(): Names | Promise<Names> {
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#listedMs < FRESH_MS) return this.#files;
    this.#listedMs = nowMs;
    const before = this.#files;
    const files = this.#read().catch((error: unknown) => {
      // The names of a second ago are better than none.
      if (before instanceof Map && before.size > 0) return before;
      const text = `the folder ${this.#options.folder} cannot be read: ${messageOf(error)}`;
      throw new EpollServerError('ERR_FILE', text, { cause: error });
    });
    this.#files = files;
    files.then(
      (later) => {
        this.#files = later;
        this.#reported.delete('');
      },
      () => {},
    );
    return files;
  }

  /** Reads the names. A folder that is gone has no modules. */
  async #read(): Promise<Names> {
    const entries = await readdir(this.#options.folder, { withFileTypes: true }).catch((error: unknown): Dirent[] => {
      if (isScarcity(error)) throw error;
      return [];
    });
    // A folder may have the name of a module.
    const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
    const files = new Map<string, string>();
    for (const suffix of [...MODULE_SUFFIXES].reverse()) {
      for (const name of names) if (extname(name) === suffix) files.set(name.slice(0, -suffix.length), name);
    }
    return files;
  }
}

/** The real path of `path`; null: there is no file. */
async function realFile(path: string): Promise<string | null> {
  const real = await realpath(path);
  return (await stat(real)).isFile() ? real : null;
}
