// The URL of a request, normalised as in the URL standard, from the Host field and the target. Plain text, which is its
// own result, bypasses the URL parser.

/** Cached origins of hosts, by scheme. A client that varies hosts empties the cache. */
const httpOrigins = new Map<string, string>();
const httpsOrigins = new Map<string, string>();
const MAX_ORIGINS = 64;

/** A target of these characters needs no URL parser, unless it has segments of dots. */
const PLAIN_TARGET = /^\/[\w\-~!$&()*+,;=:@/?.%]*$/;
const DOT_SEGMENT = /\/(?:\.|%2e)/i;
const ABSOLUTE = /^https?:\/\//i;

/**
 * The longest host name has 255 bytes (RFC 1035 section 2.3.4), or three times as many when percent-encoded. URL
 * parsers take quadratic time for some hosts, such as one long label of Punycode.
 */
const MAX_HOST_LENGTH = 1_024;

/** The parts of a request from which its URL is made. */
export interface RequestTarget {
  readonly target: string;
  /** The host that the target names, or the Host field. */
  readonly host: string;
  /** The scheme of the connection. An absolute-form target does not change it: no client encrypts by it. */
  readonly scheme: 'http' | 'https';
  readonly local: { readonly address: string; readonly port: number };
  header(name: string): string | undefined;
}

export function requestUrl(request: RequestTarget): string {
  const { target, scheme } = request;
  const isPath = target.startsWith('/');
  // absolute-form wins over Host (RFC 9112 section 3.2.2).
  if (!isPath && ABSOLUTE.test(target) && request.host.length <= MAX_HOST_LENGTH) {
    const absolute = scheme + target.slice(target.indexOf(':'));
    if (URL.canParse(absolute)) return new URL(absolute).href;
  }
  // For a path, `host` is the Host field.
  const host = isPath ? request.host : (request.header('host') ?? '');
  const origin = originOf(scheme, host) ?? originOf(scheme, localHost(request));
  if (PLAIN_TARGET.test(target) && !DOT_SEGMENT.test(target)) return origin + target;
  return new URL(`${origin}${isPath ? '' : '/'}${target}`).href;
}

/** `http://host` normalised; undefined when the host is malformed. */
function originOf(scheme: 'http' | 'https', host: string): string | undefined {
  const origins = scheme === 'http' ? httpOrigins : httpsOrigins;
  const known = origins.get(host);
  if (known !== undefined) return known;
  if (host === '' || host.length > MAX_HOST_LENGTH || !URL.canParse(`${scheme}://${host}`)) return undefined;
  if (origins.size === MAX_ORIGINS) origins.clear();
  const { origin } = new URL(`${scheme}://${host}`);
  origins.set(host, origin);
  return origin;
}

/** The local address, for a request without a host, as HTTP/1.0 allows. A Unix domain socket has none. */
function localHost({ local: { address, port } }: RequestTarget): string {
  if (address === '') return 'localhost';
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
