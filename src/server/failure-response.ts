// The response when an application fails before its response begins: the result of the option `error`, or the standard
// page.

import type { AnyResponse } from '../adapters/fetch.ts';
import { INTERNAL_ERROR, sendError } from '../http/error-response.ts';
import type { FieldInput } from '../http/fields.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';

/** A Response, of this package or of Node.js, or a value that `HttpResponse.send` accepts. */
export type FailureResponse =
  | AnyResponse
  | { readonly status: number; readonly fields?: FieldInput; readonly content?: string | Uint8Array };

/** Makes the response when the application threw or rejected with `error`; undefined: the standard page. */
export type ErrorHandler = (
  error: unknown,
  request: HttpRequest,
) => FailureResponse | undefined | PromiseLike<FailureResponse | undefined>;

/**
 * Responds with the result of `answer`. If `answer` throws, or its response cannot be sent, `report` is called with the
 * reason and the client gets the standard page.
 */
export function failureResponder(
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
    const send = (given: FailureResponse | undefined): void | Promise<void> => writeResponse(given, request, response);
    try {
      const given = answer(error, request);
      const sent = isThenable(given) ? Promise.resolve(given).then(send) : send(given);
      sent?.catch(failed);
    } catch (thrown) {
      failed(thrown);
    }
  };
}

function writeResponse(
  given: FailureResponse | undefined,
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
