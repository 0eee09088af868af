// The uwsgi protocol (uWSGI, gunicorn): a header of four bytes, then the variables of a request, each with its length in
// front. The content of the request follows.

import { CGI_READERS, hasVariable, pathBelow, variableOfField } from '../adapters/cgi-variables.ts';
import { combineFields } from '../http/combined-fields.ts';
import type { HttpRequest } from '../http/handler.ts';
import { isHopByHop } from '../http/hop-by-hop.ts';

const HEADER_BYTES = 4;

/** The length of all variables has 16 bits. */
const MAX_VARIABLES_BYTES = 65_535;

const PERCENT_ENCODED = /%([0-9A-Fa-f]{2})/g;

/**
 * The packet of `request`, with `contentLength` bytes of room behind it; -1: it has none. `mountPath`: the
 * application's SCRIPT_NAME. Null: the variables do not fit.
 */
export function uwsgiPacket(
  request: HttpRequest,
  mountPath: string,
  contentLength: number,
  room: number,
): Buffer | null {
  const variables = variablesOf(request, mountPath, contentLength);
  let size = 0;
  for (const text of variables) size += 2 + text.length;
  if (size > MAX_VARIABLES_BYTES) return null;
  const packet = Buffer.allocUnsafe(HEADER_BYTES + size + room);
  // modifier1 and modifier2 of 0: a request for a WSGI application.
  packet[0] = 0;
  packet.writeUInt16LE(size, 1);
  packet[3] = 0;
  let at = HEADER_BYTES;
  for (const text of variables) {
    at = packet.writeUInt16LE(text.length, at);
    at += packet.write(text, at, 'latin1');
  }
  return packet;
}

/** Names and values in turn, each character a byte. */
function variablesOf(request: HttpRequest, mountPath: string, contentLength: number): string[] {
  const variables: string[] = [];
  for (const [name, read] of Object.entries(CGI_READERS)) {
    const value = read(request, mountPath);
    if (value !== undefined) variables.push(name, name === 'SCRIPT_NAME' ? utf8AsLatin1(value) : value);
  }
  const { path, query, target, scheme, host, id = '' } = request;
  variables.push('PATH_INFO', decoded(pathBelow(request, mountPath)));
  // As it was sent, so an empty query keeps its question mark.
  variables.push('REQUEST_URI', target.includes('?') ? `${path}?${query}` : path);
  variables.push('REQUEST_SCHEME', scheme, 'CONTENT_LENGTH', contentLengthText(request, contentLength));
  // A target in absolute-form names another host than the field, which is then to be ignored (RFC 9112 section 3.2.2).
  if (host !== '') variables.push('HTTP_HOST', host);
  for (const [name, value] of combineFields(request.headers())) {
    if (isPassedOn(name) && !(id !== '' && name === 'x-request-id')) variables.push(variableOfField(name), value);
  }
  if (id !== '') variables.push('HTTP_X_REQUEST_ID', id);
  return variables;
}

/** An application can tell `Content-Length: 0` from no field, as behind other servers. */
function contentLengthText(request: HttpRequest, contentLength: number): string {
  if (contentLength >= 0) return String(contentLength);
  return request.header('content-length') === undefined ? '' : '0';
}

/** The content is passed on whole and without a coding, so Expect and the fields of the connection mean nothing. */
function isPassedOn(name: string): boolean {
  return hasVariable(name) && name !== 'host' && name !== 'expect' && !isHopByHop(name);
}

/** `path` percent-decoded: its bytes may be of any encoding. */
function decoded(path: string): string {
  if (!path.includes('%')) return path;
  return path.replace(PERCENT_ENCODED, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function utf8AsLatin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
