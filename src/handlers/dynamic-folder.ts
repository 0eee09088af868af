// A folder whose modules answer at URLs of their own, as CGI scripts do: `clock.js` at /clock. A module is loaded
// once, when it is first asked for. It must not know what answers elsewhere.

import { readdir, realpath } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { EpollServerError } from '../errors.ts';
import { prepareFields } from '../http/fields.ts';
import type { Handler, HttpRequest } from '../http/handler.ts';
import { parseFilePath } from './files/file-path.ts';
import { MODULE_SUFFIXES } from './module-file.ts';

export interface DynamicFolderOptions {
  /** Its real path. */
  readonly folder: string;
  /** What may stand behind a module's name in a URL, such as `.py`; empty: nothing. */
  readonly suffix: string;
  /** Loads an application. */
  readonly load: (file: string) => Promise<Handler>;
  /** Told once of each module that does not load. */
  readonly onError: (error: unknown, request: HttpRequest) => void;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

/** A module that is added or removed is noticed after this long, if it was not loaded before. */
const FRESH_MS = 900;

const TEXT = prepareFields({ 'Content-Type': 'text/plain; charset=utf-8' });

/** What answers for a module that does not load. */
const broken: Handler = (_request, response) => response.send(500, TEXT, 'Internal Server Error\n');

export class DynamicFolder {
  readonly #options: DynamicFolderOptions;
  /** Loaded ones, by name. */
  readonly #ready = new Map<string, Handler>();
  /** Under way, by name, so that a hundred requests load a module once. */
  readonly #loading = new Map<string, Promise<Handler | null>>();
  /** File names by module name, as they were at {@link #listedMs}. */
  #files: ReadonlyMap<string, string> | Promise<ReadonlyMap<string, string>> = new Map();
  #listedMs = Number.NEGATIVE_INFINITY;

  constructor(options: DynamicFolderOptions) {
    this.#options = options;
  }

  /** What answers a request, if a module does: at once unless it has to be looked for. */
  handlerFor(request: HttpRequest): Handler | null | Promise<Handler | null> {
    const name = this.#nameOf(request.path);
    if (name === null) return null;
    const ready = this.#ready.get(name);
    if (ready !== undefined) return ready;
    const files = this.#list();
    if (files instanceof Promise) return files.then((later) => this.#find(name, later, request));
    return this.#find(name, files, request);
  }

  /** One name below the root, without `suffix`; what a site would refuse or hide names no module either. */
  #nameOf(path: string): string | null {
    const parsed = parseFilePath(path);
    if (typeof parsed === 'number' || parsed.isDirectory || parsed.segments.length !== 1) return null;
    const [name = ''] = parsed.segments;
    const { suffix } = this.#options;
    return suffix !== '' && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  }

  #find(name: string, files: ReadonlyMap<string, string>, request: HttpRequest): null | Promise<Handler | null> {
    const file = files.get(name);
    if (file === undefined) return null;
    const loading = this.#loading.get(name) ?? this.#load(name, file, request);
    this.#loading.set(name, loading);
    return loading;
  }

  async #load(name: string, file: string, request: HttpRequest): Promise<Handler | null> {
    const { folder, load, onError } = this.#options;
    try {
      // A link that leads elsewhere is no module of this folder.
      const path = await realpath(join(folder, file)).catch(() => '');
      if (!path.startsWith(folder + sep)) return null;
      const handler = await load(path).catch((error: unknown) => {
        onError(error, request);
        return broken;
      });
      this.#ready.set(name, handler);
      return handler;
    } finally {
      this.#loading.delete(name);
    }
  }

  #list(): ReadonlyMap<string, string> | Promise<ReadonlyMap<string, string>> {
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#listedMs < FRESH_MS) return this.#files;
    this.#listedMs = nowMs;
    this.#files = this.#read().then((files) => {
      this.#files = files;
      return files;
    });
    return this.#files;
  }

  /** A folder that cannot be read any more has no modules. */
  async #read(): Promise<ReadonlyMap<string, string>> {
    const names = await readdir(this.#options.folder).catch((): string[] => []);
    const files = new Map<string, string>();
    for (const suffix of [...MODULE_SUFFIXES].reverse()) {
      for (const name of names) if (extname(name) === suffix) files.set(name.slice(0, -suffix.length), name);
    }
    return files;
  }
}

/** @throws EpollServerError `ERR_OPTION`: it would not stand behind one name. */
export function checkSuffix(suffix: unknown): void {
  if (typeof suffix === 'string' && !/[\0/\\]/.test(suffix)) return;
  throw new EpollServerError('ERR_OPTION', `dynamicSuffix must be text such as .py, not ${JSON.stringify(suffix)}`);
}
