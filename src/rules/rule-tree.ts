// Rules by the names of their patterns, for checks that would otherwise compare each rule with all others.

import type { Rule } from '../options/rule.ts';
import { foldedPath } from '../options/rule-pattern.ts';
import { namesOf } from './routing.ts';

/** A rule, and its place among all. */
type Filed<R> = readonly [at: number, rule: R];

/** Rules whose patterns begin with the same names. */
interface Node<R> {
  readonly children: Map<string, Node<R>>;
  /** Those whose patterns end here. */
  readonly own: Filed<R>[];
  /** Those that may match any path from here on. */
  readonly below: Filed<R>[];
}

/** A name that may match several names, or of which a character other than `*` has a meaning in globs. */
const OPEN = /^\*\*$|[?[\]{}()!@+\\]/;

export class RuleTree<R extends Rule> {
  /** By host; empty: rules for all hosts. */
  readonly #roots = new Map<string, Node<R>>();

  constructor(rules: readonly R[]) {
    for (const [at, rule] of rules.entries()) {
      const { host, path, paths } = rule.pattern;
      const root = childOf(this.#roots, host ?? '');
      // A pattern without a slash matches names in any folder, and one that ends with a slash all below.
      const globs = path.includes('/') ? [path.replace(/\/$/, '/**')] : ['**'];
      for (const each of paths ?? globs) file(root, namesOf(each), [at, rule]);
    }
  }

  /**
   * Rules in their order: all that match `path` at `host` (empty: one that no rule names), and more. Both may be those of a
   * pattern: then all that match whatever it matches.
   */
  around(host: string, path: string): readonly R[] {
    const names = namesOf(path);
    const wider = [...host.matchAll(/\./g)].map(({ index }) => `*${host.slice(index)}`);
    const found = [...new Set(['', host, ...wider])].flatMap((each) => {
      const root = this.#roots.get(each);
      return root === undefined ? [] : filedAlong(root, names);
    });
    return found.sort(([one], [other]) => one - other).map(([, rule]) => rule);
  }
}

function childOf<R>(nodes: Map<string, Node<R>>, key: string): Node<R> {
  const known = nodes.get(key);
  if (known !== undefined) return known;
  const made: Node<R> = { children: new Map(), own: [], below: [] };
  nodes.set(key, made);
  return made;
}

function file<R>(root: Node<R>, names: readonly string[], filed: Filed<R>): void {
  let node = root;
  for (const name of names) {
    if (OPEN.test(name)) return void node.below.push(filed);
    node = childOf(node.children, name.includes('*') ? '*' : foldedPath(name));
  }
  node.own.push(filed);
}

function filedAlong<R>(root: Node<R>, names: readonly string[]): readonly Filed<R>[] {
  const found = [...root.below];
  let nodes = [root];
  for (const name of names) {
    const keys = new Set([foldedPath(name), '*']);
    nodes = nodes.flatMap(({ children }) => [...keys].flatMap((key) => children.get(key) ?? []));
    if (nodes.length === 0) return found;
    for (const { below } of nodes) found.push(...below);
  }
  return [...found, ...nodes.flatMap(({ own }) => own)];
}
