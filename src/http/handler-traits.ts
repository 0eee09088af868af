// What a handler of this package tells the handlers that contain it: a static handler, or a mount. Functions of a user
// have no traits.

import type { Handler, HttpRequest } from './handler.ts';

export interface HandlerTraits {
  /**
   * The handler for a request, at once or later; null: this one has none, and would answer 404. Absent: it answers each
   * request itself.
   */
  readonly find?: (request: HttpRequest) => Handler | null | Promise<Handler | null>;
  /** The same handler below a path such as `/api`. Absent: it makes no difference to it. */
  readonly mountedAt?: (path: string) => Handler;
  /** Folders of the applications that it calls, which are never served as files. */
  readonly sources?: readonly string[];
}

const NONE: HandlerTraits = {};

const traitsByHandler = new WeakMap<Handler, HandlerTraits>();

/** Gives `handler` these traits, and returns it. */
export function withTraits<T extends Handler>(handler: T, traits: HandlerTraits): T {
  traitsByHandler.set(handler, traits);
  return handler;
}

export function traitsOf(handler: Handler): HandlerTraits {
  return traitsByHandler.get(handler) ?? NONE;
}

/** The folders of the applications that `handler` calls. */
export function sourcesOf(handler: Handler | null | undefined): readonly string[] {
  return handler === null || handler === undefined ? [] : (traitsOf(handler).sources ?? []);
}

/** `handler` below `path`: what depends on the path that it is mounted at, such as SCRIPT_NAME, differs. */
export function handlerAt(path: string, handler: Handler): Handler {
  return path === '' ? handler : (traitsOf(handler).mountedAt?.(path) ?? handler);
}
