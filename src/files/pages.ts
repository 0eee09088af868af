// Small pages of a site: error pages and redirects. They are made once per site, and contain nothing from a request.

import { errorPage } from '../http/error-response.ts';
import { type PrecompiledFields, precompileFields } from '../http/fields.ts';
import type { HttpResponse } from '../http/handler.ts';
import type { FieldPairs } from './file-kinds.ts';
import type { Refusal } from './file-source.ts';

/** `malformed`: not a valid path. */
export type SiteRefusal = Refusal | 'malformed';

/** The status, and a sentence for the user. */
export const REFUSAL_ANSWERS: Readonly<Record<SiteRefusal, readonly [number, string]>> = {
  malformed: [400, 'This address is malformed.'],
  missing: [404, 'There is no such page here.'],
  directory: [404, 'There is no such page here.'],
  forbidden: [403, 'This file may not be read.'],
  exhausted: [503, 'The server is too busy to send this file right now.'],
  busy: [503, 'The server is too busy to send this file right now.'],
  failed: [500, 'This file could not be read.'],
};

/** The log text when an existing file cannot be sent. */
export const REFUSAL_PROBLEMS: Readonly<Partial<Record<SiteRefusal, string>>> = {
  forbidden: 'permission denied: let the server read this file and enter the folders above it',
  exhausted: 'no descriptors or memory left: raise the limit of open files (ulimit -n), or serve fewer clients',
  busy: 'too many requests wait for the disk, which is too slow for them (limits.maxFileQueue)',
  failed: 'the disk or file system reports an error',
};

const HTML = ['Content-Type', 'text/html; charset=utf-8'] as const;

/** Methods that exist (RFC 9110, 5789, 4918) but do not apply to files. All others get 501. */
const KNOWN_METHODS = new Set([
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'CONNECT',
  'TRACE',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
]);

const ALLOW = ['Allow', 'GET, HEAD, OPTIONS'] as const;
const ALLOWED: PrecompiledFields = precompileFields([ALLOW]);

/** A constant response. */
interface FixedResponse {
  readonly status: number;
  readonly fields: PrecompiledFields;
  readonly content: Uint8Array;
}

function fixed(status: number, text: string, pairs: FieldPairs): FixedResponse {
  return { status, fields: precompileFields(pairs), content: Buffer.from(errorPage(status, text)) };
}

export class Pages {
  readonly #extra: FieldPairs;
  /** Fields of the site's own error pages. */
  readonly #fields: PrecompiledFields;
  readonly #refusals = new Map<SiteRefusal, FixedResponse>();
  #notAllowed: FixedResponse | null = null;
  #notImplemented: FixedResponse | null = null;
  #moved: Uint8Array | null = null;

  /** `extra`: fields of every response. */
  constructor(extra: FieldPairs) {
    this.#extra = extra;
    this.#fields = precompileFields([HTML, ...extra]);
  }

  /** `own`: the site's own page for this status; null: it has none. */
  refuse(response: HttpResponse, refusal: SiteRefusal, own: Uint8Array | null): void {
    if (own !== null) return response.send(REFUSAL_ANSWERS[refusal][0], this.#fields, own);
    const { status, fields, content } = this.#refusal(refusal);
    response.send(status, fields, content);
  }

  #refusal(refusal: SiteRefusal): FixedResponse {
    const known = this.#refusals.get(refusal);
    if (known !== undefined) return known;
    const [status, text] = REFUSAL_ANSWERS[refusal];
    const made = fixed(status, text, [HTML, ...this.#extra]);
    this.#refusals.set(refusal, made);
    return made;
  }

  /** Responds to methods that files do not support: 204 for OPTIONS, 405, or 501. */
  answerMethod(method: string, response: HttpResponse): void {
    if (method === 'OPTIONS') return response.send(204, ALLOWED);
    const { status, fields, content } = KNOWN_METHODS.has(method) ? this.#methodNotAllowed() : this.#unknownMethod();
    response.send(status, fields, content);
  }

  #methodNotAllowed(): FixedResponse {
    const text = 'Files can be read with GET and HEAD.';
    this.#notAllowed ??= fixed(405, text, [ALLOW, HTML, ...this.#extra]);
    return this.#notAllowed;
  }

  #unknownMethod(): FixedResponse {
    this.#notImplemented ??= fixed(501, 'This method is not supported.', [HTML, ...this.#extra]);
    return this.#notImplemented;
  }

  /**
   * Redirects to `location`, which is relative. So `//host` in a path does not lead to another host. `./` prevents a
   * colon from being read as the end of a scheme.
   */
  redirect(response: HttpResponse, location: string, query: string): void {
    const fields = [['Location', `${location}${query === '' ? '' : `?${query}`}`], HTML, ...this.#extra] as const;
    this.#moved ??= Buffer.from(errorPage(301, 'This page has moved.'));
    response.send(301, fields, this.#moved);
  }
}
