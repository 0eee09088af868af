// What a case of the conformance table is: bytes, what may come back, the rule, and why it matters. Data only.

/** How much an expectation weighs: `must` by the RFC (or no safe reading is left), `should`: by its advice. */
export type Level = 'must' | 'should';

/** What a target may have. `page` is the URL itself; the others are the routes of {@link PARTS}. */
export type Part = keyof typeof PARTS;

/** Each part of a site, and how the command finds out that a target has it. */
export const PARTS = {
  page: 'GET of the URL is answered',
  echo: 'POST /echo answers with the content of the request',
  inspect: 'ANY /inspect answers with JSON: {method, target, headers, bodyLength, trailers}',
  stream: 'GET /stream answers with 1000 each of the letters a to j, whose number is not known beforehand',
  slow: 'GET /slow?ms=N answers "slow\\n" after N milliseconds',
  ignore: 'POST /ignore answers "ignored\\n" without reading',
  throws: 'GET /throw fails before it answers (5xx)',
  noContent: 'GET /status/204 answers 204',
  notModified: 'GET /status/304 answers 304',
  setHeader: 'GET /setheader?v=VALUE tries to answer with X-Val: VALUE',
  bytes: 'GET /bytes?n=N answers with N times x',
  validators: 'GET of the URL answers 200 with ETag and Last-Modified',
  ranges: 'GET of the URL answers ranges with 206',
} as const;

/** The status with which the target answers a plain GET of its page. */
export const OF_PAGE = 0;

/** A regular expression, or what no linear one can tell. */
export interface Pattern {
  test(text: string): boolean;
}

/** The requests of the case are answered, in order; the next one is found where it begins. */
export interface Answers {
  readonly kind: 'answers';
  /** Statuses allowed for each answer; {@link OF_PAGE} among them stands for the page's own. */
  readonly statuses: readonly (readonly number[])[];
  /** The content of each answer where it is known. */
  readonly contents?: readonly (string | null)[];
  /** Whether the connection goes on. */
  readonly after: 'open' | 'closed' | 'either';
  /** What the first answer's field must match; null: must be missing. */
  readonly fields?: Readonly<Record<string, Pattern | null>>;
  /** What the first answer's content must match, or must not hold. */
  readonly content?: Pattern;
}

/** One error, or none, and the end: nothing behind it is read as a request. */
export interface Refused {
  readonly kind: 'refused';
  readonly statuses: readonly number[];
  /** `either`: it may also go on, when it finds the next request where that begins. */
  readonly after: 'closed' | 'either';
}

/** No answer that says that a request was understood: an error, the end, or silence. */
export interface NotServed {
  readonly kind: 'notServed';
}

export type Expectation = Answers | Refused | NotServed;

/** One thing that the client of a scripted case does. */
export type Step =
  | { readonly do: 'send'; readonly bytes: string }
  | { readonly do: 'finish' }
  /** Waits for this interim answer. */
  | { readonly do: 'interim'; readonly status: number }
  /** Waits for this many final answers. */
  | { readonly do: 'answers'; readonly count: number };

/**
 * How bytes reach the server. `whole`: in one write, the next request behind the answer; `pipelined`: with
 * the next request in the same write; `split`: in two writes, cut at every byte in turn; `drip`: byte by byte.
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
  /** What breaks where this is wrong. */
  readonly why: string;
  readonly needs: readonly Part[];
  /** Latin-1. `{host}` and `{page}` stand for the target's. */
  readonly bytes: string;
  /** Instead of deliveries of `bytes`. */
  readonly steps?: readonly Step[];
  /** The methods of the requests in `bytes`, by which answers are read. */
  readonly methods: readonly string[];
  /** Which requests of `bytes` are of HTTP/1.0, counted from 0. */
  readonly old: readonly number[];
  /** One of these, and the same one in every delivery. */
  readonly expect: readonly Expectation[];
  readonly deliveries: readonly Delivery[];
}
