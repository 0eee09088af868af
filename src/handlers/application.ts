// Finds the application that MODULE[:NAME] names, and the door that it is written for. It must not know which
// thread runs it.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EpollServerError, messageOf } from '../errors.ts';
import type { Handler } from '../http/handler.ts';
import { type FetchApplication, type FetchOptions, fetchHandler } from './fetch.ts';
import { type WsgiApplication, wsgi } from './wsgi.ts';

/** The exports that are looked for when none is named, in this order: gunicorn's, Bun's and Deno's. */
const DEFAULT_NAMES = ['application', 'fetch', 'default'];

/**
 * A handler for the application `reference`. An object with `fetch`, an export of that name, and a function of one
 * value are fetch applications; any other function is a WSGI-style one.
 * @throws EpollServerError `ERR_APPLICATION_MODULE`: no such module, it fails, no such export, not a function.
 */
export async function loadApplication(reference: string, options: FetchOptions = {}): Promise<Handler> {
  const colon = reference.lastIndexOf(':');
  const file = resolve(colon > 0 ? reference.slice(0, colon) : reference);
  const given = colon > 0 ? reference.slice(colon + 1) : '';
  if (!existsSync(file))
    throw refuse(`there is no module ${file}: name a JavaScript file, as in examples/hello-wsgi.js`);
  const exports = await importModule(file);
  const name = given === '' ? (DEFAULT_NAMES.find((each) => exports[each] !== undefined) ?? 'application') : given;
  const found = exports[name];
  if (found === undefined) {
    throw refuse(`${file} has no export "${name}": it has ${Object.keys(exports).join(', ') || 'none'}`);
  }
  if (isFetchApplication(found, name)) return fetchHandler(found, options);
  if (isWsgiApplication(found)) return wsgi(found);
  throw refuse(
    `the export "${name}" of ${file} is not a function but ${typeof found} (nor an object with a function "fetch")`,
  );
}

async function importModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    throw refuse(`${file} does not load: ${messageOf(error)}`, error);
  }
}

function isFetchApplication(found: unknown, name: string): found is FetchApplication {
  if (typeof found === 'function') return name === 'fetch' || (name !== 'application' && found.length === 1);
  return typeof found === 'object' && found !== null && 'fetch' in found && typeof found.fetch === 'function';
}

function isWsgiApplication(found: unknown): found is WsgiApplication {
  return typeof found === 'function';
}

function refuse(text: string, cause?: unknown): EpollServerError {
  return new EpollServerError('ERR_APPLICATION_MODULE', text, { cause });
}
