// Says which rules apply to a request, in which order, and where each was set. Nothing is started or requested.

import { countText } from '../count-text.ts';
import type { HttpRequest } from '../http/handler.ts';
import type { HeaderEdit } from '../options/header-rule.ts';
import type { StaticSettings } from '../options/option-types.ts';
import type { RuleLists } from '../options/rules-settings.ts';
import { normalPathOf } from './normal-path.ts';
import { entriesOf, namedFilesOf } from './open-rules.ts';
import type { RuleEntry } from './path-index.ts';
import { isOfHttps, rulesOf } from './plan.ts';
import { otherSpelling, PERMANENT_REDIRECT, targetIn, withQuery } from './routing.ts';
import { RuleIndex } from './rule-index.ts';

/** The request that is explained. */
export type AskedRequest = Pick<HttpRequest, 'method' | 'path' | 'query' | 'target' | 'host' | 'header'>;

/** One line for each rule, in the order in which they apply. */
export function explain(lists: RuleLists, served: StaticSettings | null, request: AskedRequest): readonly string[] {
  const index = new RuleIndex(entriesOf(lists), namedFilesOf(served, lists), () => null);
  const entries = index.matching(request);
  const path = normalPathOf(request.path);
  const route = routeOf(entries, request, path);
  const about = path === null ? ['This path has no normal form: each rule that protects a path applies to it.'] : [];
  const lines = entries.map((entry, at) => {
    const what = route.get(entry) ?? effectOf(entry, request);
    return `${String(at + 1).padStart(3)}. ${what}  # ${entry.rule.origin ?? 'rules'}`;
  });
  return [...about, ...(lines.length === 0 ? ['No rule applies.'] : lines)];
}

/** What redirects, rewrites and the policy for slashes do, of which one applies at most. */
function routeOf(
  entries: readonly RuleEntry[],
  request: AskedRequest,
  path: string | null,
): ReadonlyMap<RuleEntry, string> {
  const texts = new Map<RuleEntry, string>();
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  let isRouted = false;
  for (const entry of entries) {
    if (entry.kind !== 'redirects' && entry.kind !== 'rewrites' && entry.kind !== 'trailingSlash') continue;
    const target = path === null ? null : targetOf(entry, request, path);
    const isConditional = entry.kind !== 'trailingSlash' && rulesOf([entry], entry.kind).some((rule) => rule.ifMissing);
    const applies =
      target !== null && !isRouted && (isRead || entry.kind !== 'trailingSlash') && (isRead || !isConditional);
    const condition = isConditional ? ' if the response would be 404' : '';
    texts.set(entry, `${entry.kind}: ${applies ? `${target}${condition}` : 'does not apply to this request'}`);
    if (applies && !isConditional && entry.kind !== 'rewrites') isRouted = true;
  }
  return texts;
}

function targetOf(entry: RuleEntry, { path: sent, query }: AskedRequest, path: string): string | null {
  if (entry.kind === 'trailingSlash') {
    const [rule] = rulesOf([entry], 'trailingSlash');
    const moved = otherSpelling(sent, path, rule?.policy === 'add');
    return moved === null ? null : `${PERMANENT_REDIRECT} to ${withQuery(moved, query)}`;
  }
  const rules = [...rulesOf([entry], 'redirects'), ...rulesOf([entry], 'rewrites')];
  const found = targetIn(rules, path, false) ?? targetIn(rules, path, true);
  if (found === null) return null;
  const { rule, target } = found;
  return rule.status === 0 ? `serves ${withQuery(target, query)}` : `${rule.status} to ${withQuery(target, query)}`;
}

/** What a rule of another kind does. */
function effectOf(entry: RuleEntry, request: AskedRequest): string {
  const texts = [
    ...rulesOf([entry], 'maintenance').map(({ file }) => `503 while ${file} exists`),
    ...rulesOf([entry], 'deny').map(({ texts: networks }) => `403 for ${networks.join(', ')}`),
    ...rulesOf([entry], 'allow').map(({ texts: networks }) => `403 for all but ${networks.join(', ')}`),
    ...rulesOf([entry], 'rateLimits').map(
      ({ requests, intervalMs, burst, field }) =>
        `429 beyond ${countText(requests, 'request')} in ${intervalMs / 1_000} s, ${burst} at once, by ${field ?? 'address'}`,
    ),
    ...rulesOf([entry], 'auth').map(({ file }) => `401 without a name and password of ${file}`),
    ...rulesOf([entry], 'headers').map(({ edits }) => edits.map(editText).join('; ')),
    ...rulesOf([entry], 'cors').map(({ origins }) => corsText(origins, request.header('origin'))),
    ...rulesOf([entry], 'errorPages').map(({ statuses: [from, to], file }) =>
      to - from === 1 ? `${from}: ${file}` : `${from} to ${to - 1}: ${file}`,
    ),
  ];
  return `${entry.kind}: ${texts.join('; ')}`;
}

function editText({ kind, name, value }: HeaderEdit): string {
  return kind === 'remove'
    ? `-${name}`
    : `${kind === 'add' ? '+' : ''}${name}: ${value}${isOfHttps(name) ? ' (over HTTPS)' : ''}`;
}

function corsText(origins: readonly string[] | null, origin: string | undefined): string {
  const from = origin === undefined ? '' : ` (this request is from ${origin})`;
  return `readable by scripts of ${origins === null ? 'all origins' : origins.join(', ')}${from}`;
}
