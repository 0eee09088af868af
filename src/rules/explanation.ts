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
import { otherSpelling, PERMANENT_REDIRECT, type Routed, splitTarget, targetIn, withQuery } from './routing.ts';
import { RuleIndex } from './rule-index.ts';

/** The request that is explained. */
export type AskedRequest = Pick<HttpRequest, 'method' | 'path' | 'query' | 'target' | 'scheme' | 'host' | 'header'>;

/** What a rule does to the request. */
interface Effect {
  readonly rule: Rule;
  readonly text: string;
}

/** What a redirect, a rewrite or a policy for slashes does. */
interface Step {
  readonly text: string;
  /** The target that is served in place of the requested path; null: none. */
  readonly served: string | null;
}

/** Rules of these kinds send the client elsewhere, or serve another path. */
const ROUTING: ReadonlySet<RuleKind> = new Set(['redirects', 'trailingSlash', 'rewrites']);

/** Rules of these kinds apply to the target of a rewrite too. */
const GUARDS: ReadonlySet<RuleKind> = new Set(['deny', 'allow', 'auth']);

/** One line for each rule, in the order in which they apply. */
export function explain(lists: RuleLists, served: StaticSettings | null, request: AskedRequest): readonly string[] {
  const index = new RuleIndex(entriesOf(lists), namedFilesOf(served, lists), () => null);
  const entries = index.matching(request);
  const path = normalPathOf(request.path);
  const about = path === null ? ['This path has no normal form: each rule that protects a path applies to it.'] : [];
  const cors = entries.find(({ kind }) => kind === 'cors');
  // The rule responds, so that those of routes and passwords do not see the request.
  const isAnswered = cors !== undefined && isPreflight(request);
  const steps = path === null || isAnswered ? new Map<RuleEntry, Step>() : stepsOf(entries, request, path);
  const effects = entries.flatMap((entry): readonly Effect[] => {
    const { kind, rule } = entry;
    const step = steps.get(entry);
    if (step !== undefined) return [{ rule, text: step.text }, ...guardsOf(step.served, entries, index, request)];
    const isUnmet = ROUTING.has(kind) || (kind === 'auth' && isAnswered) || (kind === 'cors' && entry !== cors);
    const unmet = `${kind}: does not apply to this ${isAnswered ? 'preflight ' : ''}request`;
    return [{ rule, text: isUnmet ? unmet : effectOf(entry, request) }];
  });
  const lines = effects.map(
    ({ rule, text }, at) => `${String(at + 1).padStart(3)}. ${text}  # ${rule.origin ?? 'rules'}`,
  );
  return [...about, ...(lines.length === 0 ? ['No rule applies.'] : lines)];
}

/** The rules of `target` that protect it, except for those of the request itself. Null: nothing else is served. */
function guardsOf(
  target: string | null,
  own: readonly RuleEntry[],
  index: RuleIndex<null>,
  request: AskedRequest,
): readonly Effect[] {
  if (target === null) return [];
  const [path] = splitTarget(target);
  return index
    .matching({ path, host: request.host })
    .filter((entry) => GUARDS.has(entry.kind) && !own.includes(entry))
    .map((entry) => ({ rule: entry.rule, text: `${effectOf(entry, request)} (for ${path})` }));
}

/** What redirects, rewrites and the policy for slashes do: at most one applies, and another one if nothing is served. */
function stepsOf(entries: readonly RuleEntry[], request: AskedRequest, path: string): ReadonlyMap<RuleEntry, Step> {
  const steps = new Map<RuleEntry, Step>();
  /** Whether a rule of these kinds applies. */
  const take = (kinds: readonly RuleKind[], ifMissing: boolean): boolean =>
    entries.some((entry) => {
      if (!kinds.includes(entry.kind)) return false;
      const rules = [...rulesOf([entry], 'redirects'), ...rulesOf([entry], 'rewrites')];
      const found = targetIn(rules, path, ifMissing, request);
      if (found !== null) steps.set(entry, stepOf(entry.kind, found, request));
      return found !== null;
    });
  if (take(['redirects'], false)) return steps;
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const slash = isRead ? entries.find(({ kind }) => kind === 'trailingSlash') : undefined;
  const moved = slash === undefined ? null : respelled(slash, request, path);
  if (slash !== undefined && moved !== null) return steps.set(slash, moved);
  take(['rewrites'], false);
  if (isRead) take(['redirects', 'rewrites'], true);
  return steps;
}

function stepOf(kind: RuleKind, { rule, target }: Routed, { query }: AskedRequest): Step {
  const what = `${kind}: ${rule.status === 0 ? 'serves' : `${rule.status} to`} ${withQuery(target, query)}`;
  const text = rule.ifMissing ? `${what} if the response would be 404` : what;
  return { text, served: rule.status === 0 ? target : null };
}

function respelled(entry: RuleEntry, { path: sent, query }: AskedRequest, path: string): Step | null {
  const [rule] = rulesOf([entry], 'trailingSlash');
  const moved = otherSpelling(sent, path, rule?.policy === 'add');
  return moved === null
    ? null
    : { text: `${entry.kind}: ${PERMANENT_REDIRECT} to ${withQuery(moved, query)}`, served: null };
}

/** What a rule of another kind does. */
function effectOf(entry: RuleEntry, request: AskedRequest): string {
  const texts = [
    ...rulesOf([entry], 'maintenance').map(({ file }) => `503 while ${file} exists`),
    ...rulesOf([entry], 'deny').map(({ texts: networks }) => `403 for ${networks.join(', ')}`),
    ...rulesOf([entry], 'allow').map(
      ({ texts: networks }) => `admits ${networks.join(', ')}, 403 if no rule of allow does`,
    ),
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
