// A Response that is not ours: Node's own, one that was fetched from elsewhere, or another library's. Only what
// they all show can be asked. It must not know how they are made.

import { EpollServerError, messageOf } from '../errors.ts';
import { type PrecompiledFields, precompileFields } from '../http/fields.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';
import { endToEndFields, withoutHopByHop } from '../http/hop-by-hop.ts';
import { sendStream } from './stream-source.ts';

/** What is asked of them. */
interface Alike {
  readonly status: number;
  readonly statusText?: string;
  readonly headers: Iterable<readonly [string, string]>;
  readonly body: ReadableStream<unknown> | null;
  readonly url?: string;
}

export class FetchedResponse {
  readonly #alike: Alike;

  constructor(alike: Alike) {
    this.#alike = alike;
  }

  static isAlike(value: object): value is Alike {
    const isAnswer = 'status' in value && typeof value.status === 'number' && 'body' in value && 'headers' in value;
    if (!isAnswer || typeof value.headers !== 'object' || value.headers === null) return false;
    const isStream = value.body === null || value.body instanceof ReadableStream;
    return isStream && Symbol.iterator in value.headers;
  }

  send(http: HttpRequest, response: HttpResponse): void | Promise<void> {
    const { status, statusText = '', body } = this.#alike;
    if (status < 200) {
      throw new EpollServerError('ERR_APPLICATION', `fetch application: ${status} is no answer's status`);
    }
    const fields = this.#fields();
    // What came over HTTP/2 has none.
    if (statusText !== '') response.reasonPhrase = statusText;
    if (body === null) return response.send(status, fields);
    return sendStream({ status, fields, stream: body }, http, response);
  }

  /** Without what belonged to another connection; what was decoded is not announced as encoded. */
  #fields(): PrecompiledFields {
    const pairs = [...this.#alike.headers];
    const isFetched = (this.#alike.url ?? '') !== '';
    const isDecoded = isFetched && pairs.some(([name]) => name.toLowerCase() === 'content-encoding');
    const isOurs = ([name]: readonly [string, string]): boolean => {
      const lowerCase = name.toLowerCase();
      return !isDecoded || (lowerCase !== 'content-encoding' && lowerCase !== 'content-length');
    };
    try {
      const endToEnd = isFetched ? endToEndFields(pairs) : withoutHopByHop(pairs);
      return precompileFields(endToEnd.filter(isOurs));
    } catch (error) {
      throw new EpollServerError('ERR_INVALID_FIELD', messageOf(error), { cause: error });
    }
  }
}
