// The data of a conformance case: the bytes, the allowed outcomes, the rule, and the reason.

/**
 * The weight of an expectation. `must`: required by the RFC, or no other reading is safe. `should`: recommended by the
 * RFC.
 */
export type Level = 'must' | 'should';

/** What a target may have. `page` is the URL itself; the others are the routes of {@link PARTS}. */
export type Part = keyof typeof PARTS;

/** Each part of a site, and how the command detects it. */
export const PARTS = {
  page: 'GET of the URL returns a page',
  echo: 'POST /echo returns the content of the request',
  inspect: 'ANY /inspect returns JSON: {method, target, headers, bodyLength, trailers}',
  stream: 'GET /stream returns 1000 each of the letters a to j, without Content-Length',
  slow: 'GET /slow?ms=N returns "slow\\n" after N milliseconds',
  ignore: 'POST /ignore returns "ignored\\n" without reading the content',
  throws: 'GET /throw fails before it responds (5xx)',
  noContent: 'GET /status/204 returns 204',
  notModified: 'GET /status/304 returns 304',
  setHeader: 'GET /setheader?v=VALUE tries to send X-Val: VALUE',
  bytes: 'GET /bytes?n=N returns N times x',
  validators: 'GET of the URL returns 200 with ETag and Last-Modified',
  ranges: 'GET of the URL returns 206 for ranges',
} as const;

/** The status of a plain GET of the target's page. */
export const PAGE_STATUS = 0;

/** A regular expression, or a function where no linear-time expression exists. */
export interface Pattern {
  test(text: string): boolean;
}

/** The requests of the case get their responses in order; the next request is read where it begins. */
export interface ExpectedResponses {
  readonly kind: 'responses';
  /** Allowed statuses for each response; {@link PAGE_STATUS} stands for the status of the page. */
  readonly statuses: readonly (readonly number[])[];
  /** The content of each response where it is known. */
  readonly contents?: readonly (string | null)[];
  /** Whether the connection stays open. */
  readonly after: 'open' | 'closed' | 'either';
  /** What a field of the first response must match; null: it must be missing. */
  readonly fields?: Readonly<Record<string, Pattern | null>>;
  /** What the content of the first response must match. */
  readonly content?: Pattern;
}

/** One error or none, and the end of the connection: no later byte is read as a request. */
export interface Rejected {
  readonly kind: 'rejected';
  readonly statuses: readonly number[];
  /** `either`: the connection may also stay open, if the next request is read where it begins. */
  readonly after: 'closed' | 'either';
}

/** No response that accepts the request: an error, the end, or silence. */
export interface NotServed {
  readonly kind: 'notServed';
}

export type Expectation = ExpectedResponses | Rejected | NotServed;

/** One step of the client in a scripted case. */
export type Step =
  | { readonly do: 'send'; readonly bytes: string }
  | { readonly do: 'finish' }
  /** Waits for this interim response. */
  | { readonly do: 'interim'; readonly status: number }
  /** Waits for this many final responses. */
  | { readonly do: 'responses'; readonly count: number };

/**
 * How bytes reach the server. `whole`: in one write, the next request after the response. `pipelined`: with the next
 * request in the same write. `split`: in two writes, cut at every byte in turn. `drip`: byte by byte. `script`: by the
 * steps of the case.
 */
export type Delivery = 'whole' | 'pipelined' | 'split' | 'drip' | 'script';

export interface Case {
  /** Unique: the group, a slash, and words. */
  readonly id: string;
  readonly group: string;
  readonly title: string;
  readonly level: Level;
  /** RFC number and section, such as `9112 3.2`. */
  readonly rfc: string;
  /** What breaks if a server gets this wrong. */
  readonly why: string;
  readonly needs: readonly Part[];
  /** Latin-1. `{host}` and `{page}` stand for those of the target. */
  readonly bytes: string;
  /** Steps instead of deliveries of `bytes`. */
  readonly steps?: readonly Step[];
  /** The methods of the requests in `bytes`: they determine the framing of the responses. */
  readonly methods: readonly string[];
  /** The indexes of the HTTP/1.0 requests in `bytes`. */
  readonly http10: readonly number[];
  /** One of these outcomes, and the same one in every delivery. */
  readonly expect: readonly Expectation[];
  readonly deliveries: readonly Delivery[];
}
