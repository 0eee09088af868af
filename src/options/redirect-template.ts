// A path pattern with named parts, and the target that is made of them: `/old/:page -> /new/:page`.

import { decodedPattern, RulePattern } from './rule-pattern.ts';

/** A name of the pattern: `:page` with fixed text around it, `*`, or fixed text alone. */
interface Part {
  readonly before: string;
  readonly after: string;
  /** Null: fixed text, which is `before`. Empty: any name, without a name of its own. */
  readonly variable: string | null;
}

type Values = ReadonlyMap<string, readonly string[]>;

/** Percent-encodes one name of a path. */
export type EncodeName = (name: string) => string;

const VARIABLE = /:([A-Za-z_]\w*)/;
const VARIABLES = /:([A-Za-z_]\w*)/g;

/** What `**` at the end of a pattern matches. */
const SPLAT = 'splat';

/** The beginning of an absolute URL: scheme, host and port. */
const AUTHORITY = /^https?:\/\/(?:[\w.-]+|\[[\d:a-f.]+\])(?::\d{1,5})?/i;

/** A dot segment in the path of a target. */
const DOT_SEGMENT = /^[^?#]*\/\.{1,2}(?:[/?#]|$)/;

export class RedirectTemplate {
  /** Matches at least all paths that {@link targetOf} accepts. */
  readonly pattern: RulePattern;
  /** As it was written. */
  readonly target: string;
  readonly #parts: readonly Part[];
  readonly #hasSplat: boolean;
  /** Whether the pattern is the path of an index, which is also the path of its folder. */
  readonly #isOfIndex: boolean;
  /** Fixed texts of the target, and names of variables in between. */
  readonly #pieces: readonly string[];

  /** @throws Error whose text follows "must be": a pattern or target that is none. */
  constructor(from: string, target: string) {
    const path = decodedPattern(from.replace(/^\/\/[^/]*/, '')) || '/**';
    if (!path.startsWith('/') || /[?[\]{}!+\\]/.test(path)) {
      throw new Error(`must be redirects whose pattern begins with / and has :names, * and ** only, not "${from}"`);
    }
    const names = (path === '/' ? '/**' : path.replace(/\/$/, '/**')).split('/').slice(1);
    this.#hasSplat = names.at(-1) === '**';
    this.#parts = (this.#hasSplat ? names.slice(0, -1) : names).map((name) => partOf(name, from));
    this.pattern = new RulePattern(from.replaceAll(VARIABLES, '*'));
    this.#isOfIndex = this.pattern.paths?.length === 2;
    this.target = target;
    this.#pieces = piecesOf(target, [...this.#parts.map(({ variable }) => variable), this.#hasSplat ? SPLAT : null]);
  }

  /** Whether the target is a path of the same server. */
  get isLocal(): boolean {
    return this.target.startsWith('/');
  }

  /**
   * The target for a path of these names (in its normal form). Null: the pattern does not match it, or parts of names
   * would become a dot segment, as those of `f-..` for `/f-:name`.
   */
  targetOf(names: readonly string[], encode: EncodeName): string | null {
    const values = this.#valuesOf(names);
    if (values === null) return null;
    let target = '';
    for (const [index, piece] of this.#pieces.entries()) {
      const text = index % 2 === 0 ? piece : (values.get(piece) ?? []).map(encode).join('/');
      // An empty splat stands between two slashes, and `//name` would be a host.
      target += target.endsWith('/') && text.startsWith('/') ? text.slice(1) : text;
    }
    return DOT_SEGMENT.test(target) ? null : target;
  }

  #valuesOf(names: readonly string[]): Values | null {
    const parts = this.#isOfIndex && names.length < this.#parts.length ? this.#parts.slice(0, -1) : this.#parts;
    const count = parts.length;
    if (this.#hasSplat ? names.length < count : names.length !== count) return null;
    const values = new Map<string, readonly string[]>();
    for (const [index, part] of parts.entries()) {
      const value = nameValueOf(part, names[index] ?? '');
      if (value === null) return null;
      if (part.variable !== null) values.set(part.variable, [value]);
    }
    if (this.#hasSplat) values.set(SPLAT, names.slice(count));
    return values;
  }
}

/** @throws Error: two variables in one name, which a path could divide in several ways. */
function partOf(name: string, from: string): Part {
  if (name === '**' || name.split(/:[A-Za-z_]|\*/).length > 2) {
    throw new Error(
      `must be redirects whose pattern has one :name or * between two slashes, and ** at its end only, not "${from}"`,
    );
  }
  const star = name.indexOf('*');
  if (star >= 0) return { before: name.slice(0, star), after: name.slice(star + 1), variable: '' };
  const found = VARIABLE.exec(name);
  if (found === null) return { before: name, after: '', variable: null };
  const variable = found[1] ?? '';
  if (variable === SPLAT) throw new Error(`must be redirects that use :splat in their target only, not "${from}"`);
  return { before: name.slice(0, found.index), after: name.slice(found.index + found[0].length), variable };
}

/** The text of a name that a part's variable stands for. Null: the name does not match. */
function nameValueOf({ before, after, variable }: Part, name: string): string | null {
  if (variable === null) return name === before ? '' : null;
  const isLong = name.length > before.length + after.length;
  if (!isLong || !name.startsWith(before) || !name.endsWith(after)) return null;
  return name.slice(before.length, name.length - after.length);
}

/** @throws Error: not a path or URL, or a variable that the pattern does not have. */
function piecesOf(target: string, variables: readonly (string | null)[]): readonly string[] {
  const fail = (why: string): Error =>
    new Error(`must be redirects to a path or an http URL, not to "${target}": ${why}`);
  const found = AUTHORITY.exec(target)?.[0] ?? '';
  const authority = ['', '/', '?', '#'].includes(target.charAt(found.length)) ? found : '';
  if (authority === '' && !/^\/(?![/\\])/.test(target)) throw fail('it begins with neither / nor http://HOST');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they could end the field Location.
  if (/[\x00-\x20\x7f-\uffff\\]/.test(target))
    throw fail('it has a blank, a control character or one that is not ASCII');
  if (DOT_SEGMENT.test(target)) throw fail('it has a dot segment');
  const pieces = target.slice(authority.length).split(VARIABLES);
  const unknown = pieces.find((piece, index) => index % 2 === 1 && !variables.includes(piece));
  if (unknown !== undefined) throw fail(`its pattern has no :${unknown}`);
  return [authority + (pieces[0] ?? ''), ...pieces.slice(1)];
}
