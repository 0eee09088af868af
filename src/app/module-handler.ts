// Makes a handler of the application that MODULE[:NAME] names, with the adapter of its interface.

import { createRequire } from 'node:module';
import { adapterOf, isClass } from '../adapters/adapter-names.ts';
import type { FetchApplication, FetchOptions } from '../adapters/fetch.ts';
import { type WsgiApplication, wsgi } from '../adapters/wsgi.ts';
import { countText } from '../count-text.ts';
import type { Handler } from '../http/handler.ts';
import type { AdapterName } from '../options/choices.ts';
import { type Exports, findModule, importModule, refuseModule } from './module-file.ts';

/** The exports that are tried when no name is given, in this order: those of gunicorn, Bun and Deno. */
const DEFAULT_NAMES = ['application', 'fetch', 'default'];

/** How to choose the adapter of an application. */
const BY_OPTION = 'choose its interface with --adapter node, wsgi, fetch or raw';

/** The default of the option of the same name. */
const LOAD_TIMEOUT_MS = 30_000;

export interface ModuleHandlerOptions extends FetchOptions {
  /** The interface of the application. Default: chosen by its shape. */
  readonly adapter?: AdapterName | undefined;
  /** The time limit for loading its module. Default: 30,000. */
  readonly loadTimeoutMs?: number;
  /** The application runs in a thread of the pool, apart from the connections. */
  readonly isOffloaded?: boolean;
  /** The part of the error message that explains how to choose the adapter. Default: by --adapter. */
  readonly choice?: string;
}

/**
 * Makes a handler of the application `reference`. An object with `fetch`, an export of that name, and a function of one
 * parameter are fetch applications; an export `application` is a WSGI-style one.
 * @throws EpollServerError `ERR_APPLICATION_MODULE`: no such module, a failing module, no such export, nothing
 * callable, or an adapter that cannot be chosen by shape or does not exist.
 */
export async function loadHandler(reference: string, options: ModuleHandlerOptions = {}): Promise<Handler> {
  const { file, name: given } = findModule(reference);
  const exports = exportsOf(await importModule(file, options.loadTimeoutMs ?? LOAD_TIMEOUT_MS), file);
  const name = given === '' ? (DEFAULT_NAMES.find((each) => exports.has(each)) ?? 'application') : given;
  const found = exports.get(name);
  if (found === undefined) {
    throw refuseModule(missingExport(file, name, [...exports.keys()]));
  }
  const what = `the export "${name}" of ${file}`;
  return handlerFor(found, options.adapter ?? adapterOf(found, name), what, options);
}

function missingExport(file: string, name: string, exported: readonly string[]): string {
  if (exported.length === 0) {
    return `${file} exports nothing: export the application as "application", "fetch" or "default"`;
  }
  return `${file} does not export "${name}", only ${exported.join(', ')}: name one, as in MODULE:${exported[0]}`;
}

/** The exports of a module, by name. */
function exportsOf(namespace: Exports, file: string): ReadonlyMap<string, unknown> {
  const named = new Map(Object.entries(namespace));
  const { default: whole } = namespace;
  if (!isCommonJs(namespace, file) || typeof whole !== 'object' || whole === null) return named;
  // Node.js detects only some of the exports of CommonJS modules; the others are in the default export.
  for (const [name, value] of Object.entries(whole)) named.set(name, value);
  const isCompiled = '__esModule' in whole;
  // Such as `module.exports = new Koa()`. A `fetch` method needs its object as `this`.
  const isApplication = !isCompiled && adapterOf(whole, 'default') !== null;
  if (isApplication) named.delete('fetch');
  else if (!isCompiled || !('default' in whole)) named.delete('default');
  return named;
}

function isCommonJs(namespace: Exports, file: string): boolean {
  return 'module.exports' in namespace || createRequire(file).cache[file] !== undefined;
}

async function handlerFor(
  found: unknown,
  adapter: AdapterName | null,
  what: string,
  options: ModuleHandlerOptions,
): Promise<Handler> {
  if (adapter === 'node') {
    if (options.isOffloaded === true) {
      throw refuseModule(
        `${what} is written for node:http, whose sockets cannot pass to other threads: leave --offload out`,
      );
    }
    if (typeof found !== 'function' && (typeof found !== 'object' || found === null)) {
      throw refuseModule(`${what} is ${typeof found}, not an application for node:http`);
    }
    const { nodeApplication } = await import('../adapters/node/application.ts');
    return nodeApplication(found);
  }
  if (isClass(found)) throw refuseModule(`${what} is a class: export an instance that has "fetch", or a function`);
  if (adapter === 'fetch' && isFetchApplication(found)) {
    // Node's fetch, behind this package's own, takes 50 ms to load.
    const { fetchHandler } = await import('../adapters/fetch.ts');
    return fetchHandler(found, options);
  }
  if (adapter === 'wsgi' && isWsgiApplication(found)) return wsgi(found);
  if (adapter === 'raw' && isHandler(found)) return found;
  if (typeof found === 'function') {
    const { choice = BY_OPTION } = options;
    throw refuseModule(
      `${what} is a function of ${countText(found.length, 'parameter')}, whose interface is unknown: ${choice}`,
    );
  }
  throw refuseModule(`${what} is ${typeof found}, not a function or an object with a function "fetch"`);
}

function isFetchApplication(found: unknown): found is FetchApplication {
  if (typeof found === 'function') return true;
  return typeof found === 'object' && found !== null && 'fetch' in found && typeof found.fetch === 'function';
}

function isWsgiApplication(found: unknown): found is WsgiApplication {
  return typeof found === 'function';
}

function isHandler(found: unknown): found is Handler {
  return typeof found === 'function';
}
