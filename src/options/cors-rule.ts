// A rule for cross-origin requests (Fetch standard, "HTTP-CORS protocol"): `/api/** from https://a.example credentials`.

import { array, boolean, optional, pipe, strictObject, string, transform, union } from 'valibot';
import { NAME, toggle, whole } from './kinds.ts';
import type { ValueKind } from './option.ts';
import { listed, patternOf, type Rule, rules } from './rule.ts';

export interface CorsRuleOptions {
  /** Default: all paths. */
  readonly pattern?: string | undefined;
  /** Origins such as `https://www.example.org` or `https://*.example.org`. Default: `*`, all of them. */
  readonly origins?: string | readonly string[] | undefined;
  /** Default: GET, HEAD, POST, PUT, PATCH, DELETE. */
  readonly methods?: string | readonly string[] | undefined;
  /** Request fields that scripts may send. Default: those that a preflight request names. */
  readonly headers?: string | readonly string[] | undefined;
  /** Response fields that scripts may read, beside the few that they may always read. */
  readonly expose?: string | readonly string[] | undefined;
  /** Whether cookies and passwords may be sent; needs a list of origins. Default: false. */
  readonly credentials?: boolean | undefined;
  /** Seconds for which a browser remembers the response to a preflight request. Default: 7200. */
  readonly maxAge?: number | string | undefined;
}

export interface CorsRule extends Rule {
  /** Null: all. In lower case; `https://*.example.org` for all names below one. */
  readonly origins: readonly string[] | null;
  readonly methods: readonly string[];
  /** Null: those that a preflight request names. */
  readonly headers: readonly string[] | null;
  readonly expose: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeSeconds: number;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** Chromium remembers no response to a preflight request for longer. */
const MAX_AGE_SECONDS = 7_200;

const DAY_SECONDS = 86_400;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** An origin as browsers serialize it (RFC 6454 section 6.1). Other schemes are those of extensions and apps. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/(?:\*\.)?(?:[\w.-]+|\[[\d:a-f.]+\])(?::\d{1,5})?$/;

function originOf(given: string): string {
  const origin = given.toLowerCase();
  if (origin === 'null' || ORIGIN.test(origin)) return origin.replace(/^(http:.*):80$|^(https:.*):443$/, '$1$2');
  throw new Error(`must be origins such as https://www.example.org, without a path, not "${given}"`);
}

function tokens(what: string, given: readonly string[]): readonly string[] {
  const wrong = given.find((each) => !TOKEN.test(each));
  if (wrong === undefined) return given;
  throw new Error(`must be rules for cross-origin requests with valid ${what}, not "${wrong}"`);
}

function makeCorsRule(given: CorsRuleOptions, written: unknown): CorsRule {
  const { pattern, credentials = false, maxAge = MAX_AGE_SECONDS } = given;
  const origins = given.origins === undefined ? ['*'] : listed(given.origins);
  const isOpen = origins.includes('*');
  if (origins.length === 0) throw new Error('must be rules with origins; "*" stands for all of them');
  if (isOpen && origins.length > 1) throw new Error('must be "*" or origins, not both');
  if (credentials) checkCredentials(given, origins);
  if (!(Number.isInteger(Number(maxAge)) && Number(maxAge) >= 0 && Number(maxAge) <= DAY_SECONDS))
    throw new Error(`must be rules with a max-age from 0 to ${DAY_SECONDS} seconds, not ${maxAge}`);
  return {
    pattern: patternOf(pattern),
    origins: isOpen ? null : origins.map(originOf),
    methods: tokens('methods', given.methods === undefined ? METHODS : listed(given.methods)),
    headers: given.headers === undefined ? null : tokens('field names', listed(given.headers)),
    expose: tokens('field names', listed(given.expose)),
    credentials,
    maxAgeSeconds: Number(maxAge),
    written,
  };
}

/**
 * Every site could act in the name of a user: each can make a frame whose origin is `null`. The Fetch standard forbids `*`
 * for origins, and takes other `*` for names, in responses to requests with credentials.
 */
function checkCredentials({ methods, headers, expose }: CorsRuleOptions, origins: readonly string[]): void {
  if (origins.some((origin) => ['*', 'null'].includes(origin.toLowerCase())))
    throw new Error('must be rules with a list of origins when credentials are allowed');
  if ([methods, headers, expose].some((names) => listed(names).includes('*')))
    throw new Error('must be rules with names instead of "*" when credentials are allowed');
}

/** Words of a rule as text that are followed by a value. */
const KEYS = {
  from: 'origins',
  methods: 'methods',
  headers: 'headers',
  expose: 'expose',
  'max-age': 'maxAge',
} as const;

type Key = keyof typeof KEYS;

const TEXT_FORM = `[PATTERN] ${Object.keys(KEYS)
  .map((word) => `[${word} ...]`)
  .join(' ')} [credentials]`;

function isKey(word: string): word is Key {
  return Object.hasOwn(KEYS, word);
}

function parseCorsRule(text: string): CorsRuleOptions {
  if (text === 'true') return {};
  const words = text.trim().split(/\s+/);
  const given: { pattern?: string; credentials?: boolean } & { [K in (typeof KEYS)[Key]]?: string } = {};
  if (words[0] !== 'credentials' && !isKey(words[0] ?? '')) given.pattern = words.shift() ?? '';
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const value = isKey(word) ? words.shift() : undefined;
    if (word === 'credentials') given.credentials = true;
    else if (isKey(word) && value !== undefined && given[KEYS[word]] === undefined) given[KEYS[word]] = value;
    else throw new Error(`must be of the form "${TEXT_FORM}", not ${JSON.stringify(text)}`);
  }
  return given;
}

const LIST = optional(union([string(), array(string())]));

const form = rules<CorsRuleOptions, CorsRule>({
  parse: parseCorsRule,
  object: strictObject({
    pattern: optional(NAME),
    origins: LIST,
    methods: LIST,
    headers: LIST,
    expose: LIST,
    credentials: optional(boolean()),
    maxAge: optional(whole(0, DAY_SECONDS).schema),
  }),
  make: makeCorsRule,
  expected: `true, "${TEXT_FORM}", an object, or a list of these`,
  type: 'CorsRuleOptions',
});

/** In one word: all paths and all origins. */
export const corsRules: ValueKind<readonly CorsRule[]> = {
  ...form,
  schema: union([pipe(boolean(), transform(switched)), form.schema]),
  type: 'boolean | string | CorsRuleOptions | readonly (string | CorsRuleOptions)[]',
  isSwitch: true,
  mayHaveValue: true,
  fromTexts: (texts) => (texts.length === 1 ? toggle.fromTexts(texts) : texts),
};

function switched(isOn: boolean): readonly CorsRule[] {
  return isOn ? [makeCorsRule({}, true)] : [];
}
