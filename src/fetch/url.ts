// The URL that a request asks for, as the URL standard writes it, from the Host field and the target: without the
// parser of URLs where the text is its own result. It must not know messages.

/** Hosts whose origin was worked out, by scheme; a client that varies them empties it. */
const httpOrigins = new Map<string, string>();
const httpsOrigins = new Map<string, string>();
const MAX_ORIGINS = 64;

/** Nothing here is percent-encoded, decoded or resolved by a URL parser, but for segments of dots. */
const PLAIN_TARGET = /^\/[\w\-~!$&()*+,;=:@/?.%]*$/;
const DOT_SEGMENT = /\/(?:\.|%2e)/i;
const ABSOLUTE = /^https?:\/\//i;

/**
 * No host name is longer, not even with each of its bytes percent-encoded (RFC 1035 section 2.3.4: 255). Parsers of
 * URLs take quadratic time for some hosts, such as one long label of Punycode.
 */
const MAX_HOST_LENGTH = 1_024;

/** What a request says of its URL. */
export interface RequestTarget {
  readonly target: string;
  /** The host that the target names, or the Host field. */
  readonly host: string;
  /** That of the connection, whatever an absolute-form target says: no client makes it encrypted. */
  readonly scheme: 'http' | 'https';
  readonly local: { readonly address: string; readonly port: number };
  header(name: string): string | undefined;
}

export function requestUrl(request: RequestTarget): string {
  const { target, scheme } = request;
  // absolute-form wins over Host (RFC 9112 section 3.2.2).
  if (ABSOLUTE.test(target) && request.host.length <= MAX_HOST_LENGTH) {
    const absolute = scheme + target.slice(target.indexOf(':'));
    if (URL.canParse(absolute)) return new URL(absolute).href;
  }
  const origin = originOf(scheme, request.header('host') ?? '') ?? originOf(scheme, localHost(request));
  if (PLAIN_TARGET.test(target) && !DOT_SEGMENT.test(target)) return origin + target;
  return new URL(`${origin}${target.startsWith('/') ? '' : '/'}${target}`).href;
}

/** `http://host` as the URL standard writes it; undefined when the host is none. */
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

/** A request that names no host, as HTTP/1.0 allows, asked this address. A Unix domain socket has none. */
function localHost({ local: { address, port } }: RequestTarget): string {
  if (address === '') return 'localhost';
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
