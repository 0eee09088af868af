// Finds the rules of a path. What rules apply to is decided at the start for all paths with the same first character, so
// that a request that no rule is for pays for one look into a table.

import type { Rule } from '../options/rule.ts';
import { foldedPath } from '../options/rule-pattern.ts';
import type { RuleLists } from '../options/rules-settings.ts';
import { CLEAN_ENDING, isPlainPath, normalPathOf } from './normal-path.ts';

export type RuleKind = keyof RuleLists;

export interface RuleEntry {
  readonly kind: RuleKind;
  readonly rule: Rule;
  /** Its place among all rules, in the order in which they apply. */
  readonly order: number;
}

/** What files may answer for a path that does not name them. */
export interface NamedFiles {
  /** Names of index files. */
  readonly indexes: readonly string[];
  readonly cleanUrls: boolean;
  /** Whether a folder may answer for its path without a slash at the end. */
  readonly isSlashFree: boolean;
}

/** Rules that protect. Each applies to all spellings of a path that could lead to what it protects. */
const PROTECTING: ReadonlySet<RuleKind> = new Set(['maintenance', 'deny', 'allow', 'rateLimits', 'auth']);

/** Character codes with an entry of their own in the table: ASCII. Targets have no other characters. */
const CODES = 128;

/** Characters at the beginning of paths that are not in their normal form. */
const SPECIAL: ReadonlySet<string> = new Set(['%', '.', '/', '\\']);

/** The longest path whose rules are kept. */
const MAX_KEPT_LENGTH = 256;

/** Endings of compressed siblings of a file. */
const CODED = /\.(?:br|gz|zst)$/;

export class PathIndex<P> {
  readonly #entries: readonly RuleEntry[];
  readonly #planOf: (entries: readonly RuleEntry[]) => P | null;
  readonly #files: NamedFiles;
  /** Rules for single paths. */
  readonly #byPath = new Map<string, RuleEntry[]>();
  /** The others by the first name of their paths. */
  readonly #byFirst = new Map<string, RuleEntry[]>();
  /** Rules for all paths. */
  readonly #everywhere: readonly RuleEntry[];
  /** Rules whose paths have different first names. */
  readonly #anywhere: readonly RuleEntry[];
  /** Plans by the code of the first character of a path. Undefined: it depends on the path. */
  readonly #decided: (P | null | undefined)[];
  /** Whether a path that is not in its normal form may have other rules than its first character says. */
  readonly #isStrict: boolean;
  readonly #kept = new Map<string, P | null>();
  readonly #maxKept: number;

  /** `planOf`: makes the same plan of the same entries. `maxKept`: paths whose plans are kept. */
  constructor(
    entries: readonly RuleEntry[],
    files: NamedFiles,
    planOf: (entries: readonly RuleEntry[]) => P | null,
    maxKept: number,
  ) {
    this.#maxKept = maxKept;
    this.#entries = entries;
    this.#files = files;
    this.#planOf = planOf;
    this.#everywhere = entries.filter(({ rule }) => rule.pattern.isAll);
    const partial = entries.filter(({ rule }) => !rule.pattern.isAll);
    this.#anywhere = partial.filter(({ rule }) => rule.pattern.first === null);
    for (const entry of partial) {
      const { paths, first } = entry.rule.pattern;
      for (const path of paths ?? []) fileUnder(this.#byPath, foldedPath(path), entry);
      if (paths === null && first !== null) fileUnder(this.#byFirst, first, entry);
    }
    this.#isStrict = partial.some(({ kind }) => isProtecting(kind));
    this.#decided = this.#table(planOf(this.#everywhere));
  }

  /** The plan for a path as sent. Undefined: it depends on the path, and {@link find} knows it. */
  decided(path: string): P | null | undefined {
    const known = this.#decided[path.charCodeAt(1) | 0];
    return known === undefined || !this.#isStrict || isPlainPath(path) ? known : undefined;
  }

  /** The plan for a path as sent. */
  find(path: string): P | null {
    const kept = this.#kept.get(path);
    if (kept !== undefined) return kept;
    const found = this.#planOf(this.matching(path));
    if (path.length > MAX_KEPT_LENGTH) return found;
    if (this.#kept.size >= this.#maxKept) this.#kept.clear();
    this.#kept.set(path, found);
    return found;
  }

  /** The rules of a path as sent, in their order. */
  matching(path: string): readonly RuleEntry[] {
    const normal = normalPathOf(path);
    if (normal === null) return this.#entries.filter(({ kind, rule }) => rule.pattern.isAll || isProtecting(kind));
    const names = this.#namesFor(foldedPath(normal), path.endsWith('/'));
    const firsts = new Set(names.map(firstOf));
    const near = new Set([
      ...names.flatMap((name) => this.#byPath.get(name) ?? []),
      ...[...firsts].flatMap((first) => this.#byFirst.get(first) ?? []),
    ]);
    const found = [...near, ...this.#anywhere].filter(
      ({ kind, rule: { pattern } }) =>
        pattern.matches(normal) || (isProtecting(kind) && names.some((name) => pattern.matchesFolded(name))),
    );
    return [...this.#everywhere, ...found].sort((a, b) => a.order - b.order);
  }

  /** `common`: the plan of rules for all paths. */
  #table(common: P | null): (P | null | undefined)[] {
    const isAnyOpen = this.#anywhere.length > 0;
    const initials = new Set([...this.#byPath.keys(), ...this.#byFirst.keys()].map((name) => name.charAt(0)));
    const table = Array.from({ length: CODES }, (_, code) => {
      const initial = String.fromCharCode(code).toLowerCase();
      const isOpen = isAnyOpen || (initials.size > 0 && (SPECIAL.has(initial) || initials.has(initial)));
      return isOpen ? undefined : common;
    });
    return table.with(0, this.#planOfRoot());
  }

  /** The plan of `/`, which most clients request. Undefined: that of `*`, which has no second character too, differs. */
  #planOfRoot(): P | null | undefined {
    const plan = this.#planOf(this.matching('/'));
    return this.#isStrict || plan === this.#planOf(this.matching('*')) ? plan : undefined;
  }

  /** The path `name` (folded), and those of files that may answer for it. `hasSlash`: at its end, as sent. */
  #namesFor(name: string, hasSlash: boolean): readonly string[] {
    const { indexes, cleanUrls, isSlashFree } = this.#files;
    const bare = name.replace(CODED, '');
    const names = bare === name ? [name] : [name, bare];
    // Otherwise a rule for *.html would protect all files.
    const mayBeFolder = hasSlash || isSlashFree || !name.slice(name.lastIndexOf('/') + 1).includes('.');
    const below = name === '' ? '' : `${name}/`;
    if (mayBeFolder) for (const index of indexes) names.push(below + foldedPath(index));
    if (cleanUrls && name !== '') names.push(`${name}.html`);
    // A rewrite to a page serves what its clean URL is for.
    if (cleanUrls && CLEAN_ENDING.test(name)) names.push(name.replace(CLEAN_ENDING, ''));
    return names;
  }
}

/** Whether rules of this kind protect paths, in all their spellings. */
export function isProtecting(kind: RuleKind): boolean {
  return PROTECTING.has(kind);
}

function fileUnder(entries: Map<string, RuleEntry[]>, key: string, entry: RuleEntry): void {
  const filed = entries.get(key);
  if (filed === undefined) entries.set(key, [entry]);
  else filed.push(entry);
}

function firstOf(path: string): string {
  const end = path.indexOf('/');
  return end < 0 ? path : path.slice(0, end);
}
