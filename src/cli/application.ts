// Finds the application that MODULE[:NAME] names.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EpollServerError, messageOf } from '../errors.ts';
import type { WsgiApplication } from '../handlers/wsgi.ts';

/** The export that is taken when none is named, as gunicorn does. */
const DEFAULT_NAME = 'application';

/** @throws EpollServerError `ERR_APPLICATION_MODULE`: no such module, it fails, no such export, not a function. */
export async function loadApplication(reference: string): Promise<WsgiApplication> {
  const colon = reference.lastIndexOf(':');
  const file = resolve(colon > 0 ? reference.slice(0, colon) : reference);
  const name = colon > 0 ? reference.slice(colon + 1) : '';
  if (!existsSync(file))
    throw refuse(`there is no module ${file}: name a JavaScript file, as in examples/hello.js:application`);
  const exports = await importModule(file);
  const found = pick(exports, name);
  if (found === undefined) {
    throw refuse(
      `${file} has no export "${name || DEFAULT_NAME}": it has ${Object.keys(exports).join(', ') || 'none'}`,
    );
  }
  if (!isFunction(found))
    throw refuse(`the export "${name || DEFAULT_NAME}" of ${file} is not a function but ${typeof found}`);
  return found;
}

async function importModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    throw refuse(`${file} does not load: ${messageOf(error)}`, error);
  }
}

function pick(exports: Readonly<Record<string, unknown>>, name: string): unknown {
  if (name !== '') return exports[name];
  return exports[DEFAULT_NAME] ?? exports['default'];
}

function isFunction(value: unknown): value is WsgiApplication {
  return typeof value === 'function';
}

function refuse(text: string, cause?: unknown): EpollServerError {
  return new EpollServerError('ERR_APPLICATION_MODULE', text, { cause });
}
