// Finds the rules of a request by its host and path.

import { Hosts } from '../files/hosts.ts';
import type { HttpRequest } from '../http/handler.ts';
import { isProtecting, type NamedFiles, PathIndex, type RuleEntry } from './path-index.ts';

/** Paths whose plans are kept, of all hosts together. */
const MAX_KEPT = 1_024;

/** The parts of a request by which rules are found. */
export type RequestPlace = Pick<HttpRequest, 'path' | 'host'>;

export class RuleIndex<P> {
  /** The rules of all hosts together. */
  readonly #all: PathIndex<P>;
  /** Null: no rule is for one host alone. */
  readonly #hosts: Hosts<PathIndex<P>> | null;

  /** `planOf`: makes the same plan of the same entries. */
  constructor(entries: readonly RuleEntry[], files: NamedFiles, planOf: (entries: readonly RuleEntry[]) => P | null) {
    const names = new Set(entries.flatMap(({ rule }) => rule.pattern.host ?? []));
    const maxKept = Math.ceil(MAX_KEPT / (names.size + 2));
    const indexOf = (some: readonly RuleEntry[]): PathIndex<P> => new PathIndex(some, files, planOf, maxKept);
    this.#all = indexOf(entries);
    const byHost = entriesByHost(entries, names).map(([name, some]) => [name, indexOf(some)] as const);
    const others = entries.filter(({ rule }) => rule.pattern.host === null);
    const protecting = entries.filter(({ kind, rule }) => rule.pattern.host === null || isProtecting(kind));
    this.#hosts = names.size === 0 ? null : new Hosts(indexOf(others), new Map(byHost), indexOf(protecting));
  }

  find(request: RequestPlace): P | null {
    const { path } = request;
    const decided = this.#all.decided(path);
    if (this.#hosts === null) return decided === undefined ? this.#all.find(path) : decided;
    // The host is a field, which costs more to find than the path.
    if (decided === null) return null;
    const ofHost = this.#hosts.of(request);
    const known = ofHost.decided(path);
    return known === undefined ? ofHost.find(path) : known;
  }

  /** The rules of a request, in the order in which they apply. */
  matching(request: RequestPlace): readonly RuleEntry[] {
    return (this.#hosts?.of(request) ?? this.#all).matching(request.path);
  }
}

/** The rules of each host that rules name, in their order. */
function entriesByHost(
  entries: readonly RuleEntry[],
  names: ReadonlySet<string>,
): readonly (readonly [string, readonly RuleEntry[]])[] {
  const isOfMany = ({ rule: { pattern } }: RuleEntry): boolean => pattern.host?.startsWith('*.') !== false;
  const ofMany = entries.filter(isOfMany);
  const ofOne = new Map<string, RuleEntry[]>([...names].map((name) => [name, []]));
  for (const entry of entries) if (!isOfMany(entry)) ofOne.get(entry.rule.pattern.host ?? '')?.push(entry);
  return [...ofOne].map(([name, own]) => {
    const others = ofMany.filter((entry) => isFor(entry, name));
    return [name, [...own, ...others].sort((a, b) => a.order - b.order)] as const;
  });
}

/** `name`: a host, or `*.name` for all below it that no longer wildcard is for. */
function isFor({ rule }: RuleEntry, name: string): boolean {
  const { host } = rule.pattern;
  return host === null || host === name || (host.startsWith('*.') && name.endsWith(host.slice(1)));
}
