// Finds rules that contradict each other, and rules that never apply.

import type { AccessRule } from '../options/access-rule.ts';
import type { ErrorPageRule } from '../options/file-rule.ts';
import type { HeaderRule } from '../options/header-rule.ts';
import type { RedirectRule } from '../options/redirect-rule.ts';
import type { Rule } from '../options/rule.ts';
import type { RuleLists } from '../options/rules-settings.ts';
import { type IsPage, loopingRedirect } from './redirect-loops.ts';
import { namesOf } from './routing.ts';
import { RuleTree } from './rule-tree.ts';

/** Rules of which the first that matches applies. */
const EXCLUSIVE = ['redirects', 'trailingSlash', 'rewrites', 'cors', 'errorPages'] as const;

/** A sentence for each contradiction: these rules cannot all be meant. */
export function contradictions(lists: RuleLists, isPage: IsPage): readonly string[] {
  const twice = EXCLUSIVE.flatMap((kind) => repeated(lists[kind]));
  return [...twice, ...fieldContradictions(lists.headers), ...accessContradictions(lists), ...loops(lists, isPage)];
}

/** A sentence for each rule that never applies, since an earlier one matches all its requests. */
export function unreachableRules(lists: RuleLists): readonly string[] {
  const { redirects, trailingSlash, rewrites, cors, errorPages } = lists;
  // A request that is redirected is not rewritten.
  return [[...redirects, ...rewrites], trailingSlash, cors, errorPages].flatMap((rules) =>
    hiddenRules(rules).map(
      ([first, second]) =>
        `${placeOf(second)}: ${ruleText(second)} never applies, since ${ruleText(first)} (${placeOf(first)}) comes first`,
    ),
  );
}

/** Each rule that an earlier one hides, behind that one. */
function hiddenRules(rules: readonly Rule[]): readonly (readonly [Rule, Rule])[] {
  const tree = new RuleTree(rules);
  return rules.flatMap((rule) => {
    const { host, path, paths } = rule.pattern;
    const near = tree.around(host ?? '', paths?.[0] ?? path);
    const first = near.slice(0, near.indexOf(rule)).find((earlier) => hides(earlier, rule));
    return first === undefined ? [] : [[first, rule] as const];
  });
}

/** Rules for the same requests. */
function repeated(rules: readonly Rule[]): readonly string[] {
  const seen = new Map<string, Rule>();
  return rules.flatMap((rule) => {
    const key = [rule.pattern.text, isIfMissing(rule), ...statusesOf(rule)].join(' ');
    const before = seen.get(key);
    seen.set(key, rule);
    return before === undefined || isSameRedirect(before, rule) ? [] : [contradiction(before, rule)];
  });
}

/** Whether both lead to the same target: the second has no effect, and is no contradiction. */
function isSameRedirect(first: Rule, second: Rule): boolean {
  if (!isRedirect(first) || !isRedirect(second)) return false;
  return first.status === second.status && first.template.target === second.template.target;
}

function hides(first: Rule, second: Rule): boolean {
  if (!hidesMissing(first, second) || !covers(statusesOf(first), statusesOf(second))) return false;
  if (!isRedirect(first) || first.pattern.isAll || /^[^*]*(?:\/\*\*)?$/.test(first.pattern.path))
    return first.pattern.covers(second.pattern);
  // A redirect's pattern may match more than its template.
  const matches = (path: string): boolean => first.template.targetOf(namesOf(path), (name) => name) !== null;
  return first.pattern.coversHost(second.pattern) && second.pattern.paths?.every(matches) === true;
}

/** A path that is redirected is not missing; one that is rewritten may be. */
function hidesMissing(first: Rule, second: Rule): boolean {
  return isIfMissing(first) === isIfMissing(second) || (isRedirect(first) && first.status !== 0 && !first.ifMissing);
}

/** Whether it is a redirect or a rewrite. */
function isRedirect(rule: Rule): rule is RedirectRule {
  return 'template' in rule;
}

function isIfMissing(rule: Rule): boolean {
  return 'ifMissing' in rule && rule.ifMissing === true;
}

function statusesOf(rule: Rule): ErrorPageRule['statuses'] {
  // Only error pages have them.
  return 'statuses' in rule ? (rule as ErrorPageRule).statuses : [0, 0];
}

function covers(outer: ErrorPageRule['statuses'], inner: ErrorPageRule['statuses']): boolean {
  return outer[0] <= inner[0] && inner[1] <= outer[1];
}

function fieldContradictions(rules: readonly HeaderRule[]): readonly string[] {
  const seen = new Map<string, HeaderRule>();
  const found: string[] = [];
  for (const rule of rules) {
    for (const { kind, name, value } of rule.edits) {
      if (kind === 'add') continue;
      const key = `${rule.pattern.text}\0${name.toLowerCase()}`;
      const before = seen.get(key);
      const isRepeated = before?.edits.some((edit) => edit.kind === kind && edit.value === value) === true;
      if (before !== undefined && before !== rule && !isRepeated) found.push(contradiction(before, rule));
      seen.set(key, rule);
    }
  }
  return found;
}

function accessContradictions({ allow, deny }: RuleLists): readonly string[] {
  const keysOf = ({ pattern, texts }: AccessRule): readonly string[] => texts.map((text) => `${pattern.text} ${text}`);
  const denied = new Map(deny.flatMap((rule) => keysOf(rule).map((key) => [key, rule] as const)));
  return allow.flatMap((rule) => {
    const opposite = keysOf(rule).flatMap((key) => denied.get(key) ?? [])[0];
    return opposite === undefined ? [] : [contradiction(opposite, rule)];
  });
}

function loops({ redirects }: RuleLists, isPage: IsPage): readonly string[] {
  const rule = loopingRedirect(redirects, isPage);
  return rule === null ? [] : [`${placeOf(rule)}: ${ruleText(rule)} leads to a redirect loop`];
}

function contradiction(first: Rule, second: Rule): string {
  return `${placeOf(second)}: ${ruleText(second)} contradicts ${ruleText(first)} (${placeOf(first)})`;
}

function placeOf({ origin = 'rules' }: Rule): string {
  return origin;
}

/** A rule as it was written, for messages. */
function ruleText({ written }: Rule): string {
  return typeof written === 'string'
    ? JSON.stringify(written)
    : JSON.stringify(written, (_key, value) => value ?? undefined);
}
