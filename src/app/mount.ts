// Several applications by their mount paths.

import { EpollServerError } from '../errors.ts';
import type { Handler } from '../http/handler.ts';
import { handlerAt, isFullOf, sourcesOf, withTraits } from '../http/handler-traits.ts';
import { endOfMount } from '../http/mount-path.ts';
import { handlerOf, type NextHandler, nextHandlerOf } from '../http/next-handler.ts';
import { mountsOf } from '../options/mount-paths.ts';

/**
 * Returns a handler that passes each request to the handler with the longest matching mount path, by whole segments:
 * `mount({ '/api': api }, pages)`. All other requests go to `next`; without one they get 404. Applications see the
 * request as it was sent. A WSGI-style one gets the mount path in SCRIPT_NAME, and the rest in PATH_INFO.
 * @throws EpollServerError `ERR_OPTION`: an invalid or repeated path, or a value that is not a handler.
 */
export function mount(handlers: Readonly<Record<string, Handler>>, next?: Handler): Handler {
  const given = pathsOf(handlers);
  if (next !== undefined && typeof next !== 'function') throw wrong(`next must be a function, not ${typeof next}`);
  return mountBelow('', given, next);
}

type Mounts = readonly (readonly [path: string, handler: Handler])[];

/** `prefix`: the mount path of the whole; empty: none. */
function mountBelow(prefix: string, given: Mounts, after: Handler | undefined): Handler {
  const mounted = given.map(([path, handler]) => [prefix + path, handlerAt(prefix + path, handler)] as const);
  const next = after === undefined ? undefined : handlerAt(prefix, after);
  const nextHandler = nextHandlerOf(next);
  const find: NextHandler = (request) => {
    const { path } = request;
    for (const [mountPath, handler] of mounted) if (endOfMount(path, mountPath) >= 0) return handler;
    return nextHandler === null ? null : nextHandler(request);
  };
  return withTraits(handlerOf(find), {
    find,
    mountedAt: (path) => mountBelow(path, given, after),
    sources: [...given.map(([, handler]) => handler), next].flatMap(sourcesOf),
    isFull: isFullOf(...given.map(([, handler]) => handler), next),
  });
}

/** Sorted by length, the longest first. */
function pathsOf(handlers: Readonly<Record<string, Handler>>): Mounts {
  if (typeof handlers !== 'object' || handlers === null) throw wrong('handlers must be an object with paths as keys');
  const mounts = mountsOf(Object.entries(handlers), 'a handler');
  for (const [path, handler] of mounts) {
    if (typeof handler !== 'function') throw wrong(`the handler of ${path} must be a function, not ${typeof handler}`);
  }
  return [...mounts].sort(([a], [b]) => b.length - a.length);
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
