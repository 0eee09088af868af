// Decides from the exports of a module which adapter it is written for.

import type { AdapterName } from '../options/choices.ts';

/**
 * The adapter that the shape of `found` leaves no doubt about; `name`: that of its export. A function of two values may be
 * a WSGI-style application, a raw handler, or made for node:http, as Koa's `callback()` is: only its name tells.
 */
export function adapterOf(found: unknown, name: string): AdapterName | null {
  if (isMadeForNode(found)) return 'node';
  if (typeof found !== 'function') return hasMethod(found, 'fetch') ? 'fetch' : null;
  if (name === 'fetch') return 'fetch';
  if (name === 'application') return 'wsgi';
  return found.length === 1 && !isClass(found) ? 'fetch' : null;
}

/** Classes are functions that cannot be called. */
export function isClass(found: unknown): boolean {
  return typeof found === 'function' && /^class\b/.test(Function.prototype.toString.call(found));
}

/** Applications of Express and Connect are functions that can be extended; Koa's, Fastify's and node:http's objects. */
function isMadeForNode(found: unknown): boolean {
  if (hasMethod(found, 'fetch')) return false;
  if (typeof found === 'function') return hasMethod(found, 'use') && hasMethod(found, 'handle');
  const isKoa = hasMethod(found, 'use') && hasMethod(found, 'callback');
  const isFastify = hasMethod(found, 'inject') && hasMethod(found, 'listen');
  const isServer = hasMethod(found, 'listen') && hasMethod(found, 'closeAllConnections');
  return isKoa || isFastify || isServer;
}

function hasMethod(found: unknown, name: string): boolean {
  const isObject = (typeof found === 'object' && found !== null) || typeof found === 'function';
  return isObject && typeof Reflect.get(found, name) === 'function';
}
