// Opens the rules of a server: checks them together, reads their files, and puts them around the content's handler.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EpollServerError } from '../errors.ts';
import type { Handler } from '../http/handler.ts';
import { isFullOf, withTraits } from '../http/handler-traits.ts';
import { outcomeOf } from '../http/next-handler.ts';
import type { StaticSettings } from '../options/option-types.ts';
import { RULE_KINDS, type RuleLists, type RulesSettings } from '../options/rules-settings.ts';
import { CurrentRules } from './current-rules.ts';
import type { NamedFiles, RuleEntry, RuleKind } from './path-index.ts';
import { Plan } from './plan.ts';
import { contradictions } from './rule-conflicts.ts';
import { RuleIndex } from './rule-index.ts';
import { type PartsContext, RuleParts } from './rule-parts.ts';
import { RulesHandler } from './rules-handler.ts';
import { siteFilesOf, siteFileText, withSiteFiles } from './site-files.ts';
import { type WatchedFile, whenAllFresh } from './watched-file.ts';

/** Plans that are kept: as many different sets of rules match one path. */
const MAX_PLANS = 1_024;

export interface OpenRules {
  readonly handler: Handler;
  close(): Promise<void>;
}

/**
 * The rules of options and of files in roots, whose texts `textOf` returns.
 * @throws EpollServerError `ERR_OPTION`: rules that contradict each other.
 */
export function completeRules(
  settings: RulesSettings,
  served: StaticSettings | null,
  textOf: (path: string) => string = siteFileText,
): RuleLists {
  const lists = withSiteFiles(settings, served, textOf);
  const root = served?.cleanUrls === true ? served.root : null;
  const isPage = (path: string): boolean => root !== null && path.endsWith('.html') && existsSync(join(root, path));
  const [problem] = contradictions(lists, isPage);
  if (problem !== undefined) throw new EpollServerError('ERR_OPTION', problem);
  return lists;
}

/** All rules in the order in which they apply. */
export function entriesOf(lists: RuleLists): readonly RuleEntry[] {
  // The keys of RULE_KINDS are those of the lists.
  const kinds = Object.keys(RULE_KINDS) as RuleKind[];
  return kinds
    .flatMap((kind) => lists[kind].map((rule) => ({ kind, rule })))
    .map((entry, order) => ({ ...entry, order }));
}

/** The files that may answer for a path. */
export function namedFilesOf(served: StaticSettings | null, { trailingSlash }: RuleLists): NamedFiles {
  const isSlashFree = trailingSlash.length > 0;
  if (served === null) return { indexes: [], cleanUrls: false, isSlashFree };
  const hosts = Object.values(served.hosts).flatMap((host) => (typeof host === 'string' ? [] : [host]));
  const indexes = [served, ...hosts].flatMap(({ index = [] }) => index);
  return {
    indexes: [...new Set(indexes)],
    cleanUrls: [served, ...hosts].some(({ cleanUrls }) => cleanUrls === true),
    isSlashFree,
  };
}

/** Finds the plans of requests. @throws EpollServerError `ERR_OPTION`: a file of a rule cannot be used. */
function compile(lists: RuleLists, served: StaticSettings | null, parts: RuleParts): RuleIndex<Plan> {
  const plans = new Map<string, Plan>();
  const planOf = (entries: readonly RuleEntry[]): Plan | null => {
    if (entries.length === 0) return null;
    const key = entries.map(({ order }) => order).join();
    const known = plans.get(key);
    if (known !== undefined) return known;
    if (plans.size >= MAX_PLANS) plans.clear();
    const made = new Plan(entries, parts);
    plans.set(key, made);
    return made;
  };
  const entries = entriesOf(lists);
  // Reads all files now, so that a mistake in one of them is found at the start.
  planOf(entries);
  return new RuleIndex(entries, namedFilesOf(served, lists), planOf);
}

/**
 * `served`: the files that `next` serves; null: none.
 * @throws EpollServerError `ERR_OPTION`: rules that contradict each other, or a file that cannot be used.
 */
export function openRules(
  settings: RulesSettings,
  next: Handler,
  served: StaticSettings | null,
  context: PartsContext,
): OpenRules {
  const parts = new RuleParts(context);
  const current = new CurrentRules(
    siteFilesOf(settings, served).map(({ path }) => path),
    (textOf) => compile(completeRules(settings, served, textOf), served, parts),
    context,
  );
  const rules = new RulesHandler(next, (request) => current.find(request), parts.passwords, context.nowMs);
  const handler = withFreshFiles(rules.handler, current.files);
  // Messages about the handler name that of the user.
  Object.defineProperty(handler, 'name', { value: next.name });
  withTraits(handler, {
    responseFor: (request, response) => rules.responseFor(request, response),
    isFull: isFullOf(next),
  });
  return { handler, close: async () => void (await parts.passwords.close()) };
}

/** A request for which the rules of `files` are current. */
function withFreshFiles(handler: Handler, files: readonly WatchedFile[]): Handler {
  if (files.length === 0) return handler;
  return (request, response) => {
    const fresh = whenAllFresh(files);
    if (fresh === null) return handler(request, response);
    return fresh.then(() => outcomeOf(handler(request, response), response));
  };
}
