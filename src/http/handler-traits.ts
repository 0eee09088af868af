// Traits of the handlers that this package makes, for handlers that contain them: a static handler, or a mount.
// Handlers of a user have none.

import type { Handler, HttpRequest, HttpResponse } from './handler.ts';

export interface HandlerTraits {
  /**
   * Finds the handler for a request, at once or later. Null: there is none, so the response would be 404. Absent: the
   * handler responds to each request itself.
   */
  readonly find?: (request: HttpRequest) => Handler | null | Promise<Handler | null>;
  /** Returns the same handler below a path such as `/api`. Absent: the path makes no difference to it. */
  readonly mountedAt?: (path: string) => Handler;
  /**
   * The response on which a failure of the handler is reported: the one that the handler got, if that is not the
   * original. Absent: the original.
   */
  readonly responseFor?: (request: HttpRequest, response: HttpResponse) => HttpResponse;
  /** Folders of the applications that the handler calls, which are never served as files. */
  readonly sources?: readonly string[];
  /** Whether a queue of the handler is full, so that it would reject the next request. Absent: it has none. */
  readonly isFull?: () => boolean;
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

/** The trait `isFull` of a handler that calls these. */
export function isFullOf(...handlers: readonly (Handler | null | undefined)[]): () => boolean {
  const queues = handlers.flatMap((handler) => (handler ? (traitsOf(handler).isFull ?? []) : []));
  return () => queues.some((isFull) => isFull());
}

/** `handler` mounted at `path`, on which SCRIPT_NAME and the like depend. */
export function handlerAt(path: string, handler: Handler): Handler {
  return path === '' ? handler : (traitsOf(handler).mountedAt?.(path) ?? handler);
}
