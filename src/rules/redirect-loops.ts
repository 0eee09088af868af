// Finds redirects that lead back to themselves, over any number of others.

import { encodeName } from '../files/file-name.ts';
import type { RedirectRule } from '../options/redirect-rule.ts';
import { CLEAN_ENDING, normalPathOf } from './normal-path.ts';
import { namesOf, splitTarget } from './routing.ts';
import { RuleTree } from './rule-tree.ts';

/** Finds whether a path (in its normal form) is a page that redirects to its clean URL. */
export type IsPage = (path: string) => boolean;

/** Stands for the values of names in patterns. */
const SAMPLE = 'sample-name';

/** A path that redirects make longer than this one grows for ever. */
const MAX_LENGTH = 4_096;

/** Redirects that make paths longer may lead through very many of them; after these characters the search ends. */
const MAX_SEARCHED = 8_000_000;

/** Where a request is sent. */
interface Place {
  /** Empty: one that no rule names. */
  readonly host: string;
  /** In its normal form. */
  readonly path: string;
}

/**
 * The first redirect with which a loop begins; null: none does. Each place is followed once: a site may have thousands of
 * redirects.
 */
export function loopingRedirect(redirects: readonly RedirectRule[], isPage: IsPage): RedirectRule | null {
  const rules = redirects.filter(({ ifMissing }) => !ifMissing);
  const next = nextPlaceOf(rules, isPage);
  /** Places from which no loop begins. */
  const ending = new Set<string>();
  let searched = 0;
  for (const rule of rules) {
    const walked = new Set<string>();
    let place: Place | null = { host: rule.pattern.host ?? '', path: samplePathOf(rule) };
    let isLoop = leadsToItself(rule, place.path);
    while (!isLoop && place !== null && !ending.has(keyOf(place)) && searched < MAX_SEARCHED) {
      searched += place.path.length;
      walked.add(keyOf(place));
      place = next(place);
      isLoop = place !== null && (walked.has(keyOf(place)) || place.path.length > MAX_LENGTH);
    }
    if (isLoop) return rule;
    for (const each of walked) ending.add(each);
  }
  return null;
}

function keyOf({ host, path }: Place): string {
  return `${host}/${path}`;
}

function samplePathOf({ pattern }: RedirectRule): string {
  return namesOf(pattern.path.replaceAll(/\*+/g, SAMPLE)).join('/');
}

/** A redirect to the same address does not apply, but that of a rule's own paths is a mistake nevertheless. */
function leadsToItself({ template }: RedirectRule, path: string): boolean {
  const target = template.isLocal ? template.targetOf(namesOf(path), encodeName) : null;
  return target !== null && targetPlace(target, '')?.path === path;
}

/** Finds where the redirects lead from a place. Null: they end, or leave for a host that no rule names. */
function nextPlaceOf(rules: readonly RedirectRule[], isPage: IsPage): (from: Place) => Place | null {
  const tree = new RuleTree(rules);
  const hosts = new Set(rules.map(({ pattern }) => pattern.host));
  return (from) => {
    const names = namesOf(from.path);
    for (const { pattern, template } of tree.around(from.host, from.path)) {
      if (pattern.host !== null && pattern.host !== from.host) continue;
      const target = template.targetOf(names, encodeName);
      if (target === null) continue;
      const to = targetPlace(target, from.host);
      if (to === null || (!template.isLocal && !hosts.has(to.host))) return null;
      if (keyOf(to) === keyOf(from) && (!template.isLocal || pattern.paths !== null)) continue;
      return to.host === '' && isPage(to.path) ? { ...to, path: to.path.replace(CLEAN_ENDING, '') } : to;
    }
    return null;
  };
}

/** The host of a target, unless it is a path, and the rest. A host with a port may be another server. */
const TARGET = /^(?:https?:\/\/([^/?#:]+|\[[^\]]*\]))?((?:[/?#].*)?)$/i;

/** `ownHost`: that of the request. Null: it is not known, or the path has no normal form. */
function targetPlace(target: string, ownHost: string): Place | null {
  const [, host = ownHost, rest] = TARGET.exec(target) ?? [];
  const path = rest === undefined ? null : normalPathOf(`/${splitTarget(rest)[0]}`);
  return path === null ? null : { host: host.toLowerCase(), path };
}
