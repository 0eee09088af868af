// The answer to a request whose application failed before it answered: what the option `error` returns, or the standard
// page. It must not know what failed.

import type { AnyResponse } from '../adapters/fetch.ts';
import { INTERNAL_ERROR, sendError } from '../http/error-answer.ts';
import type { FieldInput } from '../http/fields.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';

/** A Response, of this package or of Node.js, or what `HttpResponse.send` takes. */
export type FailureAnswer =
  | AnyResponse
  | { readonly status: number; readonly fields?: FieldInput; readonly content?: string | Uint8Array };

/** The answer to `request`, whose application threw or rejected with `error`; undefined: the standard page. */
export type ErrorHandler = (
  error: unknown,
  request: HttpRequest,
) => FailureAnswer | undefined | PromiseLike<FailureAnswer | undefined>;

/**
 * Answers with what `answer` returns. `report` is called with what it throws itself, and with why its answer cannot be
 * sent; the client gets the standard page then.
 */
export function failureAnswerer(
  answer: ErrorHandler,
  report: (error: unknown, request: HttpRequest) => void,
): (error: unknown, request: HttpRequest, response: HttpResponse) => void {
  return (error, request, response) => {
    request.retain();
    const failed = (thrown: unknown): void => {
      report(thrown, request);
      if (response.started) {
        response.abort();
        return;
      }
      response.reasonPhrase = undefined;
      sendError(request, response, INTERNAL_ERROR);
    };
    const send = (given: FailureAnswer | undefined): void | Promise<void> => sendAnswer(given, request, response);
    try {
      const given = answer(error, request);
      const sent = isThenable(given) ? Promise.resolve(given).then(send) : send(given);
      sent?.catch(failed);
    } catch (thrown) {
      failed(thrown);
    }
  };
}

function sendAnswer(
  given: FailureAnswer | undefined,
  request: HttpRequest,
  response: HttpResponse,
): void | Promise<void> {
  if (given === undefined) return sendError(request, response, INTERNAL_ERROR);
  if (typeof given === 'object' && given !== null && 'headers' in given) return sendFetched(given, request, response);
  const { status, fields, content } = given;
  response.send(status, fields, content);
}

async function sendFetched(given: AnyResponse, request: HttpRequest, response: HttpResponse): Promise<void> {
  const { sendResponse } = await import('../adapters/fetch.ts');
  await sendResponse(given, request, response);
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
