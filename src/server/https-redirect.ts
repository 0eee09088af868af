// Answers plaintext requests of a server that has certificates: a redirect to HTTPS (308), except for the files by which
// an ACME client proves that it controls the host (RFC 8555 section 8.3).

import { precompileFields } from '../http/fields.ts';
import type { Handler, HttpRequest } from '../http/handler.ts';
import { hostName } from '../options/host-name.ts';

const PERMANENT_REDIRECT = 308;
const BAD_REQUEST = 400;
const CHALLENGES = '/.well-known/acme-challenge/';
const HTTPS_PORT = 443;

const TEXT = precompileFields({ 'Content-Type': 'text/plain; charset=utf-8' });

/** `port`: returns the port that speaks TLS. */
export function redirecting(handler: Handler, port: () => number): Handler {
  return (request, response) => {
    // A proxy on a Unix domain socket has its own connection to the client.
    if (request.scheme === 'https' || request.local.address === '') return handler(request, response);
    if (request.path.startsWith(CHALLENGES)) return handler(request, response);
    const host = hostOf(request);
    if (host === '')
      return response.send(BAD_REQUEST, TEXT, 'this server speaks HTTPS, and the request names no host\n');
    const query = request.query === '' ? '' : `?${request.query}`;
    const authority = port() === HTTPS_PORT ? host : `${host}:${port()}`;
    return response.send(PERMANENT_REDIRECT, { Location: `https://${authority}${request.path}${query}` });
  };
}

/** The requested host without its port; an IPv6 address stays in brackets. */
function hostOf({ host }: HttpRequest): string {
  const name = hostName(host);
  return name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
}
