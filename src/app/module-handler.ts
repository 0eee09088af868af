// A handler for the application that MODULE[:NAME] names, by the adapter that it is written for. It must not know which
// thread runs it.

import { createRequire } from 'node:module';
import { adapterOf, isClass } from '../adapters/adapter-names.ts';
import type { FetchApplication, FetchOptions } from '../adapters/fetch.ts';
import { type WsgiApplication, wsgi } from '../adapters/wsgi.ts';
import type { Handler } from '../http/handler.ts';
import type { AdapterName } from '../options/choices.ts';
import { type Exports, findModule, importModule, refuseModule } from './module-file.ts';

/** The exports that are looked for when none is named, in this order: gunicorn's, Bun's and Deno's. */
const DEFAULT_NAMES = ['application', 'fetch', 'default'];

/** How the adapter of an application is chosen. */
const BY_OPTION = 'say with --adapter wsgi, fetch or raw what it is written for';

/** As the bound of the same name. */
const LOAD_TIMEOUT_MS = 30_000;

export interface ModuleHandlerOptions extends FetchOptions {
  /** What the application is written for. Default: what its shape says. */
  readonly adapter?: AdapterName | undefined;
  /** For its module to load. Default: 30,000. */
  readonly loadTimeoutMs?: number;
  /** How the adapter of a function that may be anything is chosen, for the text that refuses it. Default: by --adapter. */
  readonly choice?: string;
}

/**
 * A handler for the application `reference`. An object with `fetch`, an export of that name, and a function of one
 * value are fetch applications; an export `application` is a WSGI-style one.
 * @throws EpollServerError `ERR_APPLICATION_MODULE`: no such module, it fails, no such export, nothing that could be
 * called, or an adapter that is not told by its shape or not built.
 */
export async function loadHandler(reference: string, options: ModuleHandlerOptions = {}): Promise<Handler> {
  const { file, name: given } = findModule(reference);
  const exports = exportsOf(await importModule(file, options.loadTimeoutMs ?? LOAD_TIMEOUT_MS), file);
  const name = given === '' ? (DEFAULT_NAMES.find((each) => exports.has(each)) ?? 'application') : given;
  const found = exports.get(name);
  if (found === undefined) {
    throw refuseModule(`${file} has no export "${name}": it has ${[...exports.keys()].join(', ') || 'none'}`);
  }
  const what = `the export "${name}" of ${file}`;
  return handlerFor(found, options.adapter ?? adapterOf(found, name), what, options);
}

/** What a module exports, by name. */
function exportsOf(namespace: Exports, file: string): ReadonlyMap<string, unknown> {
  const named = new Map(Object.entries(namespace));
  const { default: whole } = namespace;
  if (!isCommonJs(namespace, file) || typeof whole !== 'object' || whole === null) return named;
  // Node.js recognises but some of what CommonJS modules export; the rest is in their default.
  for (const [name, value] of Object.entries(whole)) named.set(name, value);
  const isCompiled = '__esModule' in whole;
  if (isCompiled ? !('default' in whole) : !('fetch' in whole)) named.delete('default');
  // An object that is an application as a whole: its method needs it.
  if (!isCompiled && 'fetch' in whole) named.delete('fetch');
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
    throw refuseModule(
      `${what} is written for node:http (Express, Koa, Fastify): that adapter is not built yet, use one of fetch, wsgi, raw`,
    );
  }
  if (isClass(found)) throw refuseModule(`${what} is a class: export an instance that has "fetch", or a function`);
  if (adapter === 'fetch' && isFetchApplication(found)) {
    // Node's fetch, behind ours, takes 50 ms to load.
    const { fetchHandler } = await import('../adapters/fetch.ts');
    return fetchHandler(found, options);
  }
  if (adapter === 'wsgi' && isWsgiApplication(found)) return wsgi(found);
  if (adapter === 'raw' && isHandler(found)) return found;
  if (typeof found === 'function') {
    const { choice = BY_OPTION } = options;
    throw refuseModule(`${what} is a function of ${found.length} values, which may be anything: ${choice}`);
  }
  throw refuseModule(`${what} is not a function but ${typeof found} (nor an object with a function "fetch")`);
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
