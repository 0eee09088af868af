// The variables of a request as CGI names them (RFC 3875): the environ of PEP 3333 and the packets for other programs have
// them.

import type { HttpRequest } from '../http/handler.ts';
import { endOfMount } from '../http/mount-path.ts';

/** Reads one variable; undefined: it is absent. `mountPath`: where the application is mounted; empty: nowhere. */
type VariableReader = (request: HttpRequest, mountPath: string) => string | undefined;

/** The reader of each variable that is neither a field nor depends on the content of the request. */
export const CGI_READERS: Readonly<Record<string, VariableReader>> = {
  REQUEST_METHOD: (request) => request.method,
  SCRIPT_NAME: (_request, mountPath) => mountPath,
  QUERY_STRING: (request) => request.query,
  CONTENT_TYPE: (request) => request.header('content-type') ?? '',
  SERVER_NAME: (request) => request.local.address || authorityOf(request)[0],
  SERVER_PORT: (request) => (request.local.address === '' ? authorityOf(request)[1] : String(request.local.port)),
  SERVER_PROTOCOL: (request) => `HTTP/${request.httpVersion}`,
  REMOTE_ADDR: (request) => request.remote.address,
  REMOTE_PORT: ({ remote: { address, port } }) => (address === '' ? '' : String(port)),
  HTTPS: ({ scheme }) => (scheme === 'https' ? 'on' : undefined),
};

/**
 * Fields without an `HTTP_*` variable: those with variables of their own, and Proxy. Programs find their proxy in
 * HTTP_PROXY of their environment, and variables may become such an environment (httpoxy, CVE-2016-5385).
 */
const NO_VARIABLE: ReadonlySet<string> = new Set(['content-type', 'content-length', 'proxy']);

/**
 * Whether the field of that name, in lower case, has a variable. `X_Real_IP` and `X-Real-IP` would share one, so a client
 * could forge the second by the first (nginx drops it too).
 */
export function hasVariable(name: string): boolean {
  return !name.includes('_') && !NO_VARIABLE.has(name);
}

/** The variable of a field. */
export function variableOfField(name: string): string {
  return `HTTP_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** The path below the mount path, as it was sent. */
export function pathBelow({ path }: HttpRequest, mountPath: string): string {
  return mountPath === '' ? path : path.slice(endOfMount(path, mountPath));
}

const DEFAULT_PORTS = { http: '80', https: '443' } as const;

/**
 * The requested host and port. A Unix domain socket has neither, and PEP 3333 forbids an empty SERVER_NAME or
 * SERVER_PORT. So they get defaults there, as in gunicorn.
 */
function authorityOf({ host, scheme }: HttpRequest): readonly [string, string] {
  const colon = host.lastIndexOf(':');
  const hasPort = colon > host.lastIndexOf(']');
  const name = hasPort ? host.slice(0, colon) : host;
  const port = hasPort ? host.slice(colon + 1) : '';
  return [name === '' ? 'localhost' : name, port === '' ? DEFAULT_PORTS[scheme] : port];
}
