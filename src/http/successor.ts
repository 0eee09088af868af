// What answers when a handler has no answer of its own: the handler behind it, or nothing. It must not know what either is.

import { sendError } from './error-answer.ts';
import type { Handler, HttpRequest, HttpResponse } from './handler.ts';
import { traitsOf } from './handler-traits.ts';

/** The handler for a request, at once or when it is known; null: there is none. */
export type Successor = (request: HttpRequest) => Handler | null | Promise<Handler | null>;

/** `next`, which may have no handler for a request: what stands in front of it answers 404 or 405 then, in its own way. */
export function successorOf(next: Handler | null | undefined): Successor | null {
  return next === null || next === undefined ? null : (traitsOf(next).find ?? (() => next));
}

/** Lets `successor` answer; where there is none, or it has no handler, `otherwise`. */
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

const NOT_FOUND = { status: 404, sentence: 'There is no such page here.', text: 'Not Found\n' } as const;

/** A handler that answers 404 where `successor` has none. */
export function handlerOf(successor: Successor): Handler {
  return (request, response) => passOn(successor, request, response, () => sendError(request, response, NOT_FOUND));
}
