// What a response says about cross-origin requests (Fetch standard, "HTTP-CORS protocol").

import type { PrecompiledFields } from '../http/fields.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';
import { addVary } from '../http/vary.ts';
import type { CorsRule } from '../options/cors-rule.ts';
import type { HeaderEdit } from '../options/header-rule.ts';
import { HeaderEdits } from './header-edits.ts';

/** A policy may match any number of origins: this many have their edits prepared. */
const MAX_PREPARED = 256;

/** No origin is longer: a host name has at most 253 characters. */
const MAX_ORIGIN = 300;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Fields of applications that the policy replaces. */
const OWN_FIELDS = [
  'Access-Control-Allow-Origin',
  'Access-Control-Allow-Credentials',
  'Access-Control-Expose-Headers',
].map((name): HeaderEdit => ({ kind: 'remove', name, value: '' }));

/** A question of a browser that precedes a request with consequences. */
export function isPreflight(request: Pick<HttpRequest, 'method' | 'header'>): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.header('origin') !== undefined &&
    request.header('access-control-request-method') !== undefined
  );
}

export class CorsPolicy {
  readonly #rule: CorsRule;
  /** For origins that are not allowed, and requests without one. */
  readonly #closed = new HeaderEdits(OWN_FIELDS);
  /** For all origins; null: they are listed. */
  readonly #open: HeaderEdits | null;
  readonly #byOrigin = new Map<string, HeaderEdits>();

  constructor(rule: CorsRule) {
    this.#rule = rule;
    this.#open = rule.origins === null ? this.#editsFor('*') : null;
  }

  /** `origin`: as the request names it; empty: it names none. */
  apply(fields: PrecompiledFields, origin: string): PrecompiledFields {
    if (this.#open !== null) return this.#open.apply(fields);
    const edits = this.allows(origin) ? this.#preparedFor(origin) : this.#closed;
    // Caches must keep the responses apart, even where this one names no origin.
    return addVary(edits.apply(fields), 'Origin');
  }

  /** Responds to a preflight request. The fields that depend on the origin are added by {@link apply}. */
  answerPreflight(request: HttpRequest, response: HttpResponse): void {
    const { methods, headers, maxAgeSeconds } = this.#rule;
    if (!this.allows(request.header('origin') ?? '')) return response.send(204);
    const asked = request.header('access-control-request-headers') ?? '';
    const allowed = headers ?? asked.split(',').map((name) => name.trim());
    const names = allowed.filter((name) => TOKEN.test(name));
    const fields: [string, string][] = [
      ['Access-Control-Allow-Methods', methods.join(', ')],
      ['Access-Control-Max-Age', String(maxAgeSeconds)],
    ];
    if (names.length > 0) fields.push(['Access-Control-Allow-Headers', names.join(', ')]);
    if (headers === null) fields.push(['Vary', 'Access-Control-Request-Headers']);
    response.send(204, fields);
  }

  /** Whether scripts of `origin` may read responses. */
  allows(origin: string): boolean {
    if (this.#open !== null) return true;
    const given = origin.toLowerCase();
    if (given === '' || given.length > MAX_ORIGIN) return false;
    return (this.#rule.origins ?? []).some((each) => isOrigin(each, given));
  }

  #preparedFor(origin: string): HeaderEdits {
    const known = this.#byOrigin.get(origin);
    if (known !== undefined) return known;
    if (this.#byOrigin.size >= MAX_PREPARED) this.#byOrigin.clear();
    const made = this.#editsFor(origin);
    this.#byOrigin.set(origin, made);
    return made;
  }

  #editsFor(origin: string): HeaderEdits {
    const { credentials, expose } = this.#rule;
    const set = (name: string, value: string): HeaderEdit => ({ kind: 'set', name, value });
    return new HeaderEdits([
      ...OWN_FIELDS,
      set('Access-Control-Allow-Origin', origin),
      ...(credentials ? [set('Access-Control-Allow-Credentials', 'true')] : []),
      ...(expose.length > 0 ? [set('Access-Control-Expose-Headers', expose.join(', '))] : []),
    ]);
  }
}

/** Whether `allowed`, such as `https://*.example.org:8443`, is `origin` or matches it. */
function isOrigin(allowed: string, origin: string): boolean {
  const star = allowed.indexOf('*');
  if (star < 0) return allowed === origin;
  const [before, after] = [allowed.slice(0, star), allowed.slice(star + 1)];
  const isLong = origin.length > before.length + after.length;
  // The part for the `*` is names and dots: neither a port nor another scheme.
  return (
    isLong && origin.startsWith(before) && origin.endsWith(after) && /^[\w.-]+$/.test(origin.slice(star, -after.length))
  );
}
