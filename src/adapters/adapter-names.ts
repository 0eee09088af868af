// Decides from the exports of a module which adapter it is written for.

import type { AdapterName } from '../options/choices.ts';

/**
 * The adapter that the shape of `found` determines; null: ambiguous. `name`: the name of the export.
 * A function of two parameters may be a WSGI-style application, a raw handler, or a node:http listener, such as Koa's
 * `callback()`. Only its name decides.
 */
export function adapterOf(found: unknown, name: string): AdapterName | null {
  if (isMadeForNode(found)) return 'node';
  if (typeof found !== 'function') return hasMethod(found, 'fetch') ? 'fetch' : null;
  if (name === 'fetch') return 'fetch';
  if (name === 'application') return 'wsgi';
  return found.length === 1 && !isClass(found) ? 'fetch' : null;
}

/** Whether `found` is a class: a function that cannot be called. */
export function isClass(found: unknown): boolean {
  return typeof found === 'function' && /^class\b/.test(Function.prototype.toString.call(found));
}

/**
 * Whether `found` is made for node:http. Express and Connect export functions with methods; Koa, Fastify and node:http
 * objects.
 */
function isMadeForNode(found: unknown): boolean {
  if (hasMethod(found, 'fetch')) return false;
  if (typeof found === 'function') return hasMethod(found, 'use') && hasMethod(found, 'handle');
  const isKoa = hasMethod(found, 'use') && hasMethod(found, 'callback');
  const isFastify = hasMethod(found, 'inject') && hasMethod(found, 'listen');
  const isNest = hasMethod(found, 'getHttpServer') && hasMethod(found, 'init');
  const isPolka = hasMethod(found, 'use') && hasMethod(found, 'handler') && hasMethod(found, 'listen');
  const isServer = hasMethod(found, 'listen') && hasMethod(found, 'closeAllConnections');
  // Restify's applications have the server in a property.
  const isRestify =
    hasMethod(found, 'listen') && hasMethod(Reflect.get(Object(found), 'server'), 'closeAllConnections');
  return isKoa || isFastify || isNest || isPolka || isServer || isRestify;
}

function hasMethod(found: unknown, name: string): boolean {
  const isObject = (typeof found === 'object' && found !== null) || typeof found === 'function';
  return isObject && typeof Reflect.get(found, name) === 'function';
}
