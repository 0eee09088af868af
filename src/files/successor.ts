// Who answers what a site has not. It must not know what that is.

import type { Handler, HttpRequest, HttpResponse } from '../http/handler.ts';

/** Who answers a request for what is no file, at once or when it is known; null: nobody. */
export type Successor = (request: HttpRequest) => Handler | null | Promise<Handler | null>;

/** Lets `successor` answer; where there is none, or it knows nobody, `otherwise`. */
export function passOn(
  successor: Successor | null | undefined,
  request: HttpRequest,
  response: HttpResponse,
  otherwise: () => void | Promise<void>,
): void | Promise<void> {
  const next = successor?.(request) ?? null;
  if (next === null) return otherwise();
  if (next instanceof Promise)
    return next.then((later) => (later === null ? otherwise() : call(later, request, response)));
  return call(next, request, response);
}

/**
 * What `handler` returns. One that returned no promise may answer from a callback: then the promise stays pending, since
 * a promise around this call that resolved would mean that no answer comes.
 */
function call(handler: Handler, request: HttpRequest, response: HttpResponse): void | Promise<void> {
  const result = handler(request, response);
  // A handler may return anything, and anything that has `then` is a promise.
  if (typeof result?.then !== 'function') return response.started ? undefined : new Promise(() => {});
  return result instanceof Promise ? result : Promise.resolve(result);
}
