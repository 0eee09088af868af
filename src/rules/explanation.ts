// Says which rules apply to a request, in which order, and where each was set. Nothing is started or requested.

import { countText } from '../count-text.ts';
import type { HttpRequest } from '../http/handler.ts';
import type { CorsRule } from '../options/cors-rule.ts';
import type { HeaderEdit } from '../options/header-rule.ts';
import type { StaticSettings } from '../options/option-types.ts';
import type { Rule } from '../options/rule.ts';
import type { RuleLists } from '../options/rules-settings.ts';
import { CorsPolicy, isPreflight } from './cors-policy.ts';
import { normalPathOf } from './normal-path.ts';
import { entriesOf, namedFilesOf } from './open-rules.ts';
import type { RuleEntry, RuleKind } from './path-index.ts';
import { isOfHttps, rulesOf } from './plan.ts';
import { otherSpelling, PERMANENT_REDIRECT, targetIn, withQuery } from './routing.ts';
import { RuleIndex } from './rule-index.ts';

/** The request that is explained. */
export type AskedRequest = Pick<HttpRequest, 'method' | 'path' | 'query' | 'target' | 'scheme' | 'host' | 'header'>;

/** What a rule does to the request. */
interface Effect {
  readonly rule: Rule;
  readonly text: string;
}

/** One line for each rule, in the order in which they apply. */
export function explain(lists: RuleLists, served: StaticSettings | null, request: AskedRequest): readonly string[] {
  const index = new RuleIndex(entriesOf(lists), namedFilesOf(served, lists), () => null);
  const entries = index.matching(request);
  const path = normalPathOf(request.path);
  const about = path === null ? ['This path has no normal form: each rule that protects a path applies to it.'] : [];
  const isAnswered = isPreflight(request) && entries.some(({ kind }) => kind === 'cors');
  const routes = isAnswered ? new Map<RuleEntry, Route>() : routesOf(entries, request, path);
  const effects = entries.flatMap((entry): readonly Effect[] => {
    const { kind, rule } = entry;
    if (isAnswered && UNASKED.has(kind)) return [{ rule, text: `${kind}: does not apply to this preflight request` }];
    const route = routes.get(entry);
    if (route === undefined) return [{ rule, text: effectOf(entry, request) }];
    return [{ rule, text: route.text }, ...guardsOf(route.served, entries, index, request)];
  });
  const lines = effects.map(
    ({ rule, text }, at) => `${String(at + 1).padStart(3)}. ${text}  # ${rule.origin ?? 'rules'}`,
  );
  return [...about, ...(lines.length === 0 ? ['No rule applies.'] : lines)];
}

/** Rules of these kinds do not see preflight requests. */
const UNASKED: ReadonlySet<RuleKind> = new Set(['auth', 'redirects', 'trailingSlash', 'rewrites']);

/** Rules of these kinds apply to the target of a rewrite too. */
const GUARDS: ReadonlySet<RuleKind> = new Set(['deny', 'allow', 'auth']);

/** The rules of `target` that protect it, except for those of the request itself. Null: nothing else is served. */
function guardsOf(
  target: string | null,
  own: readonly RuleEntry[],
  index: RuleIndex<null>,
  request: AskedRequest,
): readonly Effect[] {
  if (target === null) return [];
  const [path = '/'] = target.split(/[?#]/, 1);
  return index
    .matching({ path, host: request.host })
    .filter((entry) => GUARDS.has(entry.kind) && !own.includes(entry))
    .map((entry) => ({ rule: entry.rule, text: `${effectOf(entry, request)}, for ${path}` }));
}

interface Route {
  readonly text: string;
  /** The target that is served; null: the client is sent to it, or the rule does not apply. */
  readonly served: string | null;
}

/** What redirects, rewrites and the policy for slashes do, of which one applies at most. */
function routesOf(
  entries: readonly RuleEntry[],
  request: AskedRequest,
  path: string | null,
): ReadonlyMap<RuleEntry, Route> {
  const routes = new Map<RuleEntry, Route>();
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  let isRouted = false;
  for (const entry of entries) {
    if (entry.kind !== 'redirects' && entry.kind !== 'rewrites' && entry.kind !== 'trailingSlash') continue;
    const target = path === null ? null : targetOf(entry, request, path);
    const isConditional = entry.kind !== 'trailingSlash' && rulesOf([entry], entry.kind).some((rule) => rule.ifMissing);
    const applies =
      target !== null && !isRouted && (isRead || entry.kind !== 'trailingSlash') && (isRead || !isConditional);
    const condition = isConditional ? ' if the response would be 404' : '';
    routes.set(entry, {
      text: `${entry.kind}: ${applies ? `${target.text}${condition}` : 'does not apply to this request'}`,
      served: applies ? target.served : null,
    });
    if (applies && !isConditional && entry.kind !== 'rewrites') isRouted = true;
  }
  return routes;
}

function targetOf(entry: RuleEntry, request: AskedRequest, path: string): Route | null {
  const { path: sent, query } = request;
  if (entry.kind === 'trailingSlash') {
    const [rule] = rulesOf([entry], 'trailingSlash');
    const moved = otherSpelling(sent, path, rule?.policy === 'add');
    return moved === null ? null : { text: `${PERMANENT_REDIRECT} to ${withQuery(moved, query)}`, served: null };
  }
  const rules = [...rulesOf([entry], 'redirects'), ...rulesOf([entry], 'rewrites')];
  const found = targetIn(rules, path, false, request) ?? targetIn(rules, path, true, request);
  if (found === null) return null;
  const { rule, target } = found;
  const full = withQuery(target, query);
  return rule.status === 0
    ? { text: `serves ${full}`, served: target }
    : { text: `${rule.status} to ${full}`, served: null };
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
    ...rulesOf([entry], 'cors').map((rule) => corsText(rule, request)),
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

function corsText(rule: CorsRule, request: AskedRequest): string {
  const { origins } = rule;
  const answer = isPreflight(request) ? '204 for this preflight request; ' : '';
  const readers = `readable by scripts of ${origins === null ? 'all origins' : origins.join(', ')}`;
  const origin = request.header('origin');
  if (origin === undefined) return readers;
  const verdict = new CorsPolicy(rule).allows(origin) ? '' : ', which is none of them';
  return `${answer}${readers} (this request is from ${origin}${verdict})`;
}
