// Passes a request on to the next handler when a handler has no response of its own.

import { sendError } from './error-response.ts';
import type { Handler, HttpRequest, HttpResponse } from './handler.ts';
import { traitsOf } from './handler-traits.ts';
import { SERVED_BY } from './served-by.ts';

/** Finds the handler for a request, at once or later. Null: there is none. */
export type NextHandler = (request: HttpRequest) => Handler | null | Promise<Handler | null>;

/**
 * The nextHandler that `next` makes. If it has no handler for a request, the handler before it sends its own 404 or 405.
 */
export function nextHandlerOf(next: Handler | null | undefined): NextHandler | null {
  return next === null || next === undefined ? null : (traitsOf(next).find ?? (() => next));
}

/** Calls the handler that `nextHandler` finds; if there is none, `otherwise`. */
export function passOn(
  nextHandler: NextHandler | null | undefined,
  request: HttpRequest,
  response: HttpResponse,
  otherwise: () => void | Promise<void>,
): void | Promise<void> {
  const next = nextHandler?.(request) ?? null;
  if (next === null) return otherwise();
  if (next instanceof Promise)
    return next.then((later) => (later === null ? otherwise() : call(later, request, response)));
  return call(next, request, response);
}

function call(handler: Handler, request: HttpRequest, response: HttpResponse): void | Promise<void> {
  request.servedBy = SERVED_BY.RAW;
  return outcomeOf(handler(request, response), response);
}

/**
 * What a handler returned, for a promise of the handler before it. A handler without a promise may respond from a
 * callback. Then the returned promise stays pending, since one that resolved would mean that no response comes.
 */
export function outcomeOf(result: void | PromiseLike<void>, response: HttpResponse): void | Promise<void> {
  // A handler may return any value, and any object with `then` counts as a promise.
  if (typeof result?.then !== 'function') return response.started ? undefined : new Promise(() => {});
  return result instanceof Promise ? result : Promise.resolve(result);
}

const NOT_FOUND = { status: 404, sentence: 'There is no such page here.', text: 'Not Found\n' } as const;

/** A handler that sends 404 when `nextHandler` finds none. */
export function handlerOf(nextHandler: NextHandler): Handler {
  return (request, response) => passOn(nextHandler, request, response, () => sendError(request, response, NOT_FOUND));
}
