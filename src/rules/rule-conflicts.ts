// Finds rules that contradict each other, redirects that lead back to themselves, and rules that never apply.

import type { AccessRule } from '../options/access-rule.ts';
import type { ErrorPageRule } from '../options/file-rule.ts';
import type { HeaderRule } from '../options/header-rule.ts';
import type { RedirectRule } from '../options/redirect-rule.ts';
import type { Rule } from '../options/rule.ts';
import type { RuleLists } from '../options/rules-settings.ts';

/** Rules of which the first that matches applies. */
const EXCLUSIVE = ['redirects', 'trailingSlash', 'rewrites', 'cors', 'errorPages'] as const;

/** Finds whether a path (in its normal form) is a page that redirects to its clean URL. */
type IsPage = (path: string) => boolean;

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
    pairsOfRules<Rule>(rules, hides).map(
      ([first, second]) =>
        `${placeOf(second)}: ${ruleText(second)} never applies, since ${ruleText(first)} (${placeOf(first)}) comes first`,
    ),
  );
}

function pairsOfRules<R extends Rule>(
  rules: readonly R[],
  test: (first: R, second: R) => boolean,
): readonly (readonly [R, R])[] {
  const pairs: (readonly [R, R])[] = [];
  for (const [index, second] of rules.entries()) {
    const first = rules.slice(0, index).find((each) => test(each, second));
    if (first !== undefined) pairs.push([first, second]);
  }
  return pairs;
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
  const matches = (path: string): boolean => first.template.targetOf(path, (name) => name) !== null;
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
  const isOpposite = (a: AccessRule, b: AccessRule): boolean =>
    a.pattern.text === b.pattern.text && a.texts.some((text) => b.texts.includes(text));
  return allow.flatMap((rule) => {
    const denied = deny.find((each) => isOpposite(each, rule));
    return denied === undefined ? [] : [contradiction(denied, rule)];
  });
}

/** Stands for the values of names in patterns. */
const SAMPLE = 'sample-name';

/** What a clean URL leaves out of the path of a page. */
const CLEAN = /(?:(?:^|\/)index)?\.html$/;

function loops({ redirects }: RuleLists, isPage: IsPage): readonly string[] {
  const rules = redirects.filter(({ ifMissing }) => !ifMissing);
  return rules.flatMap((rule) => {
    const { pattern, template } = rule;
    if (pattern.path.includes('[') || pattern.path.includes('{')) return [];
    const path = pattern.path.replaceAll(/^\/|\/$/g, '').replaceAll(/\*+/g, SAMPLE);
    const target = template.targetOf(path, (name) => name);
    const isOwn = target !== null && template.isLocal && namesOf(target).join('/') === path;
    const isLoop = isOwn || isEndless(rules, { host: pattern.host, path }, isPage);
    return isLoop ? [`${placeOf(rule)}: ${ruleText(rule)} leads to a redirect loop`] : [];
  });
}

/** Where a request is sent. */
interface Place {
  /** Null: a host that no rule names. */
  readonly host: string | null;
  /** In its normal form. */
  readonly path: string;
}

function isEndless(rules: readonly RedirectRule[], from: Place, isPage: IsPage): boolean {
  let place = from;
  for (let step = 0; step <= rules.length; step++) {
    const next = redirectOf(rules, place);
    if (next === null) return false;
    const { host, path } = next;
    place = { host, path: host === null && isPage(path) ? path.replace(CLEAN, '') : path };
  }
  return true;
}

/** Where the redirects lead from a place. Null: they end, or leave for a host that no rule names. */
function redirectOf(rules: readonly RedirectRule[], from: Place): Place | null {
  const first = from.path.split('/', 1)[0]?.toLowerCase() ?? '';
  for (const { pattern, template } of rules) {
    if (pattern.first !== null && pattern.first !== first) continue;
    if (pattern.host !== null && pattern.host !== from.host) continue;
    const target = template.targetOf(from.path, (name) => name);
    if (target === null) continue;
    const [, host, local = target] = ABSOLUTE.exec(target) ?? [];
    const to = { host: host?.toLowerCase() ?? from.host, path: namesOf(local).join('/') };
    if (!template.isLocal && !rules.some((rule) => rule.pattern.host === host?.toLowerCase())) return null;
    const isSame = to.host === from.host && to.path === from.path;
    // A redirect to the same address does not apply. That of a whole folder into itself is a mistake nevertheless.
    if (!isSame || (template.isLocal && pattern.paths === null)) return to;
  }
  return null;
}

/** A URL whose port is in no doubt: its host and the rest. */
const ABSOLUTE = /^https?:\/\/([^/?#:]+|\[[^\]]*\])(?![^/?#])(.*)$/i;

/** The names of a target's path, without its query. */
function namesOf(target: string): readonly string[] {
  const [path = ''] = target.split(/[?#]/, 1);
  return path.split('/').filter((name) => name !== '');
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
