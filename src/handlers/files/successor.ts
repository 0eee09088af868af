// Who answers what a site has not. It must not know what that is.

import type { Handler, HttpRequest, HttpResponse } from '../../http/handler.ts';

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
  if (next instanceof Promise) return next.then((later) => (later === null ? otherwise() : later(request, response)));
  const result = next(request, response);
  // A handler may return anything that has `then`.
  return result === undefined || result instanceof Promise ? result : Promise.resolve(result);
}
