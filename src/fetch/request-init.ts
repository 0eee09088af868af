// The init of a Request, and the steps of the Fetch standard that check one value alone.

import type { BodyInit } from './content.ts';
import { byteString, type HeadersInit } from './headers.ts';
import { nodeClasses } from './native.ts';

/** Members that only matter in a browser; Node's Request checks and keeps them. */
type Rest = 'cache' | 'credentials' | 'integrity' | 'keepalive' | 'mode' | 'redirect' | 'referrer' | 'referrerPolicy';

/** The init of a Request; another Request is one too. */
export interface RequestInit extends Partial<Pick<globalThis.Request, Rest>> {
  /** Default: `GET`. */
  readonly method?: string;
  /** Default: none. */
  readonly headers?: HeadersInit;
  /** Default: none. A GET or HEAD request has none. */
  readonly body?: BodyInit | null;
  /** Default: none. */
  readonly signal?: AbortSignal | null;
  /** Required for a body that is a stream. */
  readonly duplex?: 'half';
  /** Only null is valid, as in the Fetch standard. */
  readonly window?: null;
}

/** Methods that are converted to upper case. */
const NORMALIZED = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);
const FORBIDDEN = new Set(['CONNECT', 'TRACE', 'TRACK']);
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const OWN_MEMBERS = ['method', 'headers', 'body', 'signal', 'duplex'];
const REST_MEMBERS = [
  'cache',
  'credentials',
  'dispatcher',
  'integrity',
  'keepalive',
  'mode',
  'priority',
  'redirect',
  'referrer',
  'referrerPolicy',
  'window',
];

/** Whether `init` has a member `name` that is not undefined. */
function isGiven(init: RequestInit, name: string): boolean {
  return Reflect.get(init, name) !== undefined;
}

/**
 * Node's Request for `url` with the members of {@link Rest} in `init`, over those of `earlier`; null without any.
 * @throws TypeError for a value that the standard does not allow.
 */
export function restOf(url: string, earlier: globalThis.Request | null, init: RequestInit): globalThis.Request | null {
  const names = REST_MEMBERS.filter((name) => isGiven(init, name));
  const saysOther = OWN_MEMBERS.some((name) => isGiven(init, name));
  if (names.length === 0 && (earlier === null || !saysOther)) return earlier;
  const given = Object.fromEntries(names.map((name) => [name, Reflect.get(init, name)]));
  // Any member resets the referrer; the method is one without other effects.
  const { Request: NodeRequest } = nodeClasses();
  return new NodeRequest(earlier ?? url, { method: 'GET', ...given });
}

export function parseUrl(input: unknown): string {
  const url = new URL(String(input));
  if (url.username !== '' || url.password !== '') throw new TypeError('Request: the URL must not hold credentials');
  return url.href;
}

export function methodOf(given: string): string {
  const method = byteString(given, 'Request: the method');
  if (!TOKEN.test(method)) throw new TypeError(`Request: ${JSON.stringify(method)} is not a method`);
  const upperCase = method.toUpperCase();
  if (FORBIDDEN.has(upperCase)) throw new TypeError(`Request: the method ${upperCase} is forbidden`);
  return NORMALIZED.has(upperCase) ? upperCase : method;
}
