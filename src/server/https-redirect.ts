// Answers plaintext requests of a server that has certificates: a redirect to HTTPS (308), except for the files by which
// an ACME client proves that it controls the host (RFC 8555 section 8.3).

import { precompileFields } from '../http/fields.ts';
import type { Handler, HttpRequest } from '../http/handler.ts';
import { hostName } from '../options/host-name.ts';

const PERMANENT_REDIRECT = 308;
const BAD_REQUEST = 400;
/** A token is base64url (RFC 8555 section 8.3): no other file below the folder is served without TLS, and no page. */
const CHALLENGE = /^\/\.well-known\/acme-challenge\/[\w-]+$/;
const CHALLENGE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const HTTPS_PORT = 443;

const TEXT = precompileFields({ 'Content-Type': 'text/plain; charset=utf-8' });

/** `port`: returns the port that speaks TLS. */
export function redirecting(handler: Handler, port: () => number): Handler {
  return (request, response) => {
    // A proxy on a Unix domain socket has its own connection to the client.
    if (request.scheme === 'https' || request.local.address === '') return handler(request, response);
    if (CHALLENGE.test(request.path) && CHALLENGE_METHODS.has(request.method)) return handler(request, response);
    const host = hostOf(request);
    if (host === '')
      return response.send(BAD_REQUEST, TEXT, 'this server speaks HTTPS, and the request names no host\n');
    const query = request.query === '' ? '' : `?${request.query}`;
    const authority = port() === HTTPS_PORT ? host : `${host}:${port()}`;
    // An address without a path stands for `*` (RFC 9112 section 3.2.4).
    const path = request.path === '*' ? '' : request.path;
    return response.send(PERMANENT_REDIRECT, { Location: `https://${authority}${path}${query}` });
  };
}

/** The requested host without its port; an IPv6 address stays in brackets. */
function hostOf({ host }: HttpRequest): string {
  const name = hostName(host);
  return name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
}
