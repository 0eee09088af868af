// Sends a Response of another class: Node's own, one that was fetched, or another library's. Only the members that they
// share are used.

import { EpollServerError, messageOf } from '../errors.ts';
import { type PrecompiledFields, precompileFields } from '../http/fields.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';
import { endToEndFields, withoutHopByHop } from '../http/hop-by-hop.ts';
import { sendStream } from './stream-source.ts';

/** The members that such responses share. */
interface ResponseLike {
  readonly status: number;
  readonly statusText?: string;
  readonly headers: Iterable<readonly [string, string]>;
  readonly body: ReadableStream<unknown> | null;
  readonly url?: string;
}

export class FetchedResponse {
  readonly #original: ResponseLike;

  constructor(original: ResponseLike) {
    this.#original = original;
  }

  static isResponseLike(value: object): value is ResponseLike {
    const isResponse = 'status' in value && typeof value.status === 'number' && 'body' in value && 'headers' in value;
    if (!isResponse || typeof value.headers !== 'object' || value.headers === null) return false;
    const isStream = value.body === null || value.body instanceof ReadableStream;
    return isStream && Symbol.iterator in value.headers;
  }

  send(http: HttpRequest, response: HttpResponse): void | Promise<void> {
    const { status, statusText = '', body } = this.#original;
    if (status < 200) {
      throw new EpollServerError(
        'ERR_APPLICATION',
        `fetch application: the status of a response must not be ${status}`,
      );
    }
    const fields = this.#fields();
    // A response fetched over HTTP/2 has none.
    if (statusText !== '') response.reasonPhrase = statusText;
    if (body === null) return response.send(status, fields);
    return sendStream({ status, fields, stream: body }, http, response);
  }

  /**
   * The fields, without those of the connection it was fetched over. Decoded content must not be declared as encoded.
   */
  #fields(): PrecompiledFields {
    const pairs = [...this.#original.headers];
    const isFetched = (this.#original.url ?? '') !== '';
    const isDecoded = isFetched && pairs.some(([name]) => name.toLowerCase() === 'content-encoding');
    const isKept = ([name]: readonly [string, string]): boolean => {
      const lowerCase = name.toLowerCase();
      return !isDecoded || (lowerCase !== 'content-encoding' && lowerCase !== 'content-length');
    };
    try {
      const endToEnd = isFetched ? endToEndFields(pairs) : withoutHopByHop(pairs);
      return precompileFields(endToEnd.filter(isKept));
    } catch (error) {
      throw new EpollServerError('ERR_INVALID_FIELD', messageOf(error), { cause: error });
    }
  }
}
