// Several applications by the paths that they are mounted at. It must not know what they are.

import { EpollServerError } from '../errors.ts';
import type { Handler } from '../http/handler.ts';
import { handlerAt, sourcesOf, withTraits } from '../http/handler-traits.ts';
import { endOfMount } from '../http/mount-path.ts';
import { handlerOf, type Successor, successorOf } from '../http/successor.ts';
import { mountsOf } from '../options/mount-paths.ts';

/**
 * A handler that gives each request to the handler of the longest path that it is below, whole segments only:
 * `mount({ '/api': api }, pages)`. All other requests are for `next`; without one they are answered 404. Applications see
 * the request as it was sent. A WSGI-style one gets the path in SCRIPT_NAME, and the rest in PATH_INFO.
 * @throws EpollServerError `ERR_OPTION`: no such path, or the same one twice, or no handler.
 */
export function mount(handlers: Readonly<Record<string, Handler>>, next?: Handler): Handler {
  const given = pathsOf(handlers);
  if (next !== undefined && typeof next !== 'function') throw wrong(`next must be a function, not ${typeof next}`);
  return mountBelow('', given, next);
}

type Mounts = readonly (readonly [path: string, handler: Handler])[];

/** `prefix`: what all of it is mounted at itself; empty: nothing. */
function mountBelow(prefix: string, given: Mounts, after: Handler | undefined): Handler {
  const mounted = given.map(([path, handler]) => [prefix + path, handlerAt(prefix + path, handler)] as const);
  const next = after === undefined ? undefined : handlerAt(prefix, after);
  const successor = successorOf(next);
  const find: Successor = (request) => {
    const { path } = request;
    for (const [mountPath, handler] of mounted) if (endOfMount(path, mountPath) >= 0) return handler;
    return successor === null ? null : successor(request);
  };
  return withTraits(handlerOf(find), {
    find,
    mountedAt: (path) => mountBelow(path, given, after),
    sources: [...given.map(([, handler]) => handler), next].flatMap(sourcesOf),
  });
}

/** The longest first. */
function pathsOf(handlers: Readonly<Record<string, Handler>>): Mounts {
  if (typeof handlers !== 'object' || handlers === null) throw wrong('handlers are given by their paths, as an object');
  const mounts = mountsOf(Object.entries(handlers), 'a handler');
  for (const [path, handler] of mounts) {
    if (typeof handler !== 'function') throw wrong(`the handler of ${path} must be a function, not ${typeof handler}`);
  }
  return [...mounts].sort(([a], [b]) => b.length - a.length);
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
