// A light Headers class (Fetch standard, section 5.1): a list in the order of arrival, sorted only for iteration. As in
// Node, no name is forbidden: those rules protect browsers.

import { countText } from '../count-text.ts';
import { isLinked, linkBehind, linkClasses, type NodeHeaders, showAs } from './native.ts';

/** A name in lower case and a value. */
export type Pair = readonly [string, string];

/** Values that can become Headers. */
export type HeadersInit = Iterable<Iterable<string>> | Readonly<Record<string, string>> | Headers | NodeHeaders;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** A byte string without NUL, CR and LF ("header value" in the standard). */
const VALUE = /^[^\0\r\n\u0100-\uffff]*$/;
/** "HTTP whitespace bytes". */
const WHITESPACE = '\t\n\r ';

/**
 * A list up to this length is searched for each name. A longer one gets an index, so that n lookups take linear time.
 */
const MAX_SEARCHED = 64;

/** Headers of a parsed message, names in lower case: they need no check. */
export let parsedHeaders: (list: Pair[]) => Headers;
/** The fields in the order of arrival, to be sent. */
export let listOf: (headers: Headers) => readonly Pair[];
/** Makes the Headers immutable (the guard "immutable"). */
export let frozen: (headers: Headers) => Headers;
let isLightHeaders: (value: object) => value is Headers;

/**
 * Headers of the Fetch standard (https://fetch.spec.whatwg.org/#headers-class). No name is forbidden, as in Node.js.
 */
export class Headers {
  /** The fields in the order of arrival; null: it has to be made from {@link #byName}. */
  #list: Pair[] | null = [];
  /** The values of each name, once a long list was searched. */
  #byName: Map<string, string[]> | null = null;
  #sorted: readonly Pair[] | null = null;
  #isImmutable = false;

  /** @throws TypeError when `init`, a name or a value is malformed. */
  constructor(init?: HeadersInit) {
    if (!isLinked) linkClasses();
    if (init === undefined) return;
    if (isLight(init)) this.#list = [...init.#pairs()];
    else for (const [name, value] of pairsOf(init)) this.append(name, value);
  }

  /** @throws TypeError when name or value is malformed. */
  append(...given: [name: string, value: string]): void {
    const [name, value] = complete(given, 2, 'append');
    const pair: Pair = [this.#nameOf(name), textOfValue(value)];
    this.#list?.push(pair);
    if (this.#byName !== null) addTo(this.#byName, pair);
    this.#change();
  }

  /**
   * Removes all values of `name`.
   * @throws TypeError when the name is malformed.
   */
  delete(...given: [name: string]): void {
    const [name] = complete(given, 1, 'delete');
    const lowerCase = this.#nameOf(name);
    const index = this.#index();
    if (index === null) this.#list = this.#pairs().filter(([each]) => each !== lowerCase);
    else if (index.delete(lowerCase)) this.#list = null;
    this.#change();
  }

  /**
   * The values of `name`, joined by `, `; null without one.
   * @throws TypeError when the name is malformed.
   */
  get(...given: [name: string]): string | null {
    const [name] = complete(given, 1, 'get');
    const lowerCase = nameOf(name);
    const index = this.#index();
    if (index !== null) return index.get(lowerCase)?.join(', ') ?? null;
    let found: string | null = null;
    for (const [each, value] of this.#pairs()) {
      if (each === lowerCase) found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }

  /** The values of Set-Cookie in order, which `get` would join incorrectly. */
  getSetCookie(): string[] {
    const index = this.#index();
    if (index !== null) return [...(index.get('set-cookie') ?? [])];
    return this.#pairs()
      .filter(([name]) => name === 'set-cookie')
      .map(([, value]) => value);
  }

  /**
   * Whether there is a value of `name`.
   * @throws TypeError when the name is malformed.
   */
  has(...given: [name: string]): boolean {
    const [name] = complete(given, 1, 'has');
    const lowerCase = nameOf(name);
    return this.#index()?.has(lowerCase) ?? this.#pairs().some(([each]) => each === lowerCase);
  }

  /**
   * Replaces all values of `name` by one.
   * @throws TypeError when name or value is malformed.
   */
  set(...given: [name: string, value: string]): void {
    const [name, value] = complete(given, 2, 'set');
    const pair: Pair = [this.#nameOf(name), textOfValue(value)];
    const index = this.#index();
    if (index === null) this.#list = put(this.#pairs(), pair);
    else {
      index.set(pair[0], [pair[1]]);
      this.#list = null;
    }
    this.#change();
  }

  /** Calls `callback` for each pair of {@link entries}. */
  forEach(callback: (value: string, name: string, headers: Headers) => void, thisArgument?: unknown): void {
    if (typeof callback !== 'function') throw new TypeError('Headers.forEach: the callback must be a function');
    for (const [name, value] of this.entries()) Reflect.apply(callback, thisArgument, [value, name, this]);
  }

  /**
   * The fields sorted by name, values of one name joined by `, ` except Set-Cookie. Changes during the iteration are
   * visible to it.
   */
  *entries(): Generator<[string, string], undefined, undefined> {
    for (let i = 0; ; i++) {
      const pair = this.#sort()[i];
      if (pair === undefined) return undefined;
      yield [pair[0], pair[1]];
    }
  }

  /** The names of {@link entries}. */
  *keys(): Generator<string, undefined, undefined> {
    for (const [name] of this.entries()) yield name;
    return undefined;
  }

  /** The values of {@link entries}. */
  *values(): Generator<string, undefined, undefined> {
    for (const [, value] of this.entries()) yield value;
    return undefined;
  }

  [Symbol.iterator](): Generator<[string, string], undefined, undefined> {
    return this.entries();
  }

  get [Symbol.toStringTag](): string {
    return 'Headers';
  }

  static {
    parsedHeaders = (list) => {
      const headers = new Headers();
      headers.#list = list;
      return headers;
    };
    listOf = (headers) => headers.#pairs();
    frozen = (headers) => {
      headers.#isImmutable = true;
      return headers;
    };
    isLightHeaders = (value) => #list in value;
  }

  #nameOf(name: string): string {
    const lowerCase = nameOf(name);
    if (this.#isImmutable) throw new TypeError('these Headers are immutable');
    return lowerCase;
  }

  #change(): void {
    this.#sorted = null;
  }

  #sort(): readonly Pair[] {
    this.#sorted ??= sortAndCombine(this.#pairs());
    return this.#sorted;
  }

  #pairs(): Pair[] {
    this.#list ??= [...(this.#byName ?? [])].flatMap(([name, values]) => values.map((value): Pair => [name, value]));
    return this.#list;
  }

  /** The index; null: the list is short. */
  #index(): Map<string, string[]> | null {
    if (this.#byName === null && this.#pairs().length > MAX_SEARCHED) {
      this.#byName = new Map();
      for (const pair of this.#pairs()) addTo(this.#byName, pair);
    }
    return this.#byName;
  }
}

linkBehind(Headers, 'Headers');
showAs(Headers, (headers) => Object.fromEntries(headers.entries()));

function addTo(index: Map<string, string[]>, [name, value]: Pair): void {
  const values = index.get(name);
  if (values === undefined) index.set(name, [value]);
  else values.push(value);
}

/** `list` with `pair` in place of all pairs of its name: at the first of them, or at the end. */
function put(list: Pair[], pair: Pair): Pair[] {
  const at = list.findIndex(([each]) => each === pair[0]);
  if (at < 0) list.push(pair);
  return at < 0 ? list : list.flatMap((each, i) => (i === at ? [pair] : each[0] === pair[0] ? [] : [each]));
}

/** "Sort and combine". */
function sortAndCombine(list: readonly Pair[]): readonly Pair[] {
  const sorted = list.map(([name, value]): Pair => [name, value]).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const combined: Pair[] = [];
  for (const [name, value] of sorted) {
    const last = combined.at(-1);
    if (last === undefined || last[0] !== name || name === 'set-cookie') combined.push([name, value]);
    else combined[combined.length - 1] = [name, `${last[1]}, ${value}`];
  }
  return combined;
}

/** Whether these are light Headers with their own iterator: then the list can be copied directly. */
function isLight(init: HeadersInit): init is Headers {
  return (
    typeof init === 'object' &&
    init !== null &&
    isLightHeaders(init) &&
    init[Symbol.iterator] === Headers.prototype[Symbol.iterator]
  );
}

/** A sequence of sequences, or a record, as Web IDL converts them. */
function pairsOf(init: HeadersInit): [string, string][] {
  const isObject = (typeof init === 'object' && init !== null) || typeof init === 'function';
  if (!isObject) throw new TypeError('Headers must be made of pairs, a record, or other Headers');
  const iterator: unknown = Reflect.get(init, Symbol.iterator);
  if (iterator !== undefined && iterator !== null) {
    if (typeof iterator !== 'function') throw new TypeError('Headers: Symbol.iterator must be a function');
    return [...iterable(init)].map(pairOf);
  }
  return Reflect.ownKeys(init).flatMap((key): [string, string][] => {
    if (Reflect.getOwnPropertyDescriptor(init, key)?.enumerable !== true) return [];
    const name = byteString(key, 'a name');
    return [[name, byteString(Reflect.get(init, key), `the value of "${name}"`)]];
  });
}

function* iterable(init: HeadersInit): Generator<unknown> {
  if (Symbol.iterator in init) yield* init;
}

function pairOf(inner: unknown): [string, string] {
  if (typeof inner !== 'object' || inner === null || !(Symbol.iterator in inner)) {
    throw new TypeError('Headers: each item of a list must be a pair [name, value]');
  }
  const [name, value, ...rest] = Array.isArray(inner) ? inner : Array.from(Object(inner));
  const { length } = Array.isArray(inner) ? inner : Array.from(Object(inner));
  if (length !== 2 || rest.length > 0) throw new TypeError('Headers: each item of a list must be a pair [name, value]');
  return [byteString(name, 'a name'), byteString(value, 'a value')];
}

/** @throws TypeError for a value that is not a string of bytes, symbols included. */
export function byteString(value: unknown, what: string): string {
  if (typeof value === 'symbol') throw new TypeError(`${what} must be a string, not a symbol`);
  const text = String(value);
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0xff) {
      throw new TypeError(`${what} contains a character beyond Latin-1: ${JSON.stringify(text[i])}`);
    }
  }
  return text;
}

function nameOf(name: unknown): string {
  const text = typeof name === 'string' ? name : byteString(name, 'a name');
  if (!TOKEN.test(text)) throw new TypeError(`${JSON.stringify(text)} is not a header name`);
  return text.toLowerCase();
}

function textOfValue(value: unknown): string {
  const text = normalize(typeof value === 'string' ? value : byteString(value, 'a value'));
  if (!VALUE.test(text)) {
    throw new TypeError('a header value contains a forbidden character, such as CR, LF, NUL, or one beyond Latin-1');
  }
  return text;
}

/** "Normalize": without whitespace at both ends. */
function normalize(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && WHITESPACE.includes(value.charAt(start))) start++;
  while (end > start && WHITESPACE.includes(value.charAt(end - 1))) end--;
  return value.slice(start, end);
}

/** Web IDL distinguishes a missing argument from undefined. */
function complete<T extends readonly string[]>(given: T, needed: number, method: string): T {
  if (given.length < needed)
    throw new TypeError(`Headers.${method} takes ${countText(needed, 'value')}, not ${given.length}`);
  return given;
}
