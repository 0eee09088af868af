// What a Request is made of: its init, and the steps of the standard that look at one value alone. It must not know
// what comes of them.

import type { BodyInit } from './content.ts';
import { byteString, type HeadersInit } from './headers.ts';
import { nodeClasses } from './native.ts';

/** Names that mean something to a browser's network, left to Node's Request with their checks. */
type Rest = 'cache' | 'credentials' | 'integrity' | 'keepalive' | 'mode' | 'redirect' | 'referrer' | 'referrerPolicy';

/** Another Request is one too. */
export interface RequestInit extends Partial<Pick<globalThis.Request, Rest>> {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: BodyInit | null;
  readonly signal?: AbortSignal | null;
  /** Needed for a body that is a stream. */
  readonly duplex?: 'half';
  readonly window?: null;
}

/** Methods that are written in capitals, however they are given. */
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

/** Whether a member of `init` says anything. */
function isGiven(init: RequestInit, name: string): boolean {
  return Reflect.get(init, name) !== undefined;
}

/**
 * Node's Request for `url` with the modes and the like that `init` names, over those of `earlier`; null when there are
 * none. @throws TypeError for a value that the standard does not know.
 */
export function restOf(url: string, earlier: globalThis.Request | null, init: RequestInit): globalThis.Request | null {
  const names = REST_MEMBERS.filter((name) => isGiven(init, name));
  const saysOther = OWN_MEMBERS.some((name) => isGiven(init, name));
  if (names.length === 0 && (earlier === null || !saysOther)) return earlier;
  const given = Object.fromEntries(names.map((name) => [name, Reflect.get(init, name)]));
  // An init that says anything takes the referrer away; the method is one that says nothing else.
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
