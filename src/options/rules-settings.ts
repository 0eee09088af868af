// The rules of a server: what applies by path and host to requests and responses.

import { join } from 'node:path';
import type { AccessRule, RateRule } from './access-rule.ts';
import type { CorsRule } from './cors-rule.ts';
import type { AuthRule, ErrorPageRule, MaintenanceRule } from './file-rule.ts';
import { type HeaderRule, headerRuleOf } from './header-rule.ts';
import type { StaticSettings } from './option-types.ts';
import type { RedirectRule, SlashRule } from './redirect-rule.ts';

/** The rules, each kind in the order written. */
export interface RuleLists {
  readonly maintenance: readonly MaintenanceRule[];
  readonly allow: readonly AccessRule[];
  readonly deny: readonly AccessRule[];
  readonly rateLimits: readonly RateRule[];
  readonly auth: readonly AuthRule[];
  readonly redirects: readonly RedirectRule[];
  readonly trailingSlash: readonly SlashRule[];
  readonly rewrites: readonly RedirectRule[];
  readonly headers: readonly HeaderRule[];
  readonly cors: readonly CorsRule[];
  readonly errorPages: readonly ErrorPageRule[];
}

export interface RulesSettings extends RuleLists {
  /** Whether `_headers` and `_redirects` in roots are read. */
  readonly siteFiles: boolean;
}

/** The kinds of rules in the order in which they apply, with the names of their options. */
export const RULE_KINDS: Readonly<Record<keyof RuleLists, string>> = {
  maintenance: 'maintenance',
  deny: 'deny',
  allow: 'allow',
  rateLimits: 'rateLimit',
  auth: 'auth',
  redirects: 'redirect',
  trailingSlash: 'trailingSlash',
  rewrites: 'rewrite',
  headers: 'header',
  cors: 'cors',
  errorPages: 'errorPage',
};

/** The files of Netlify and Cloudflare Pages that describe rules. */
export const SITE_FILES = ['_headers', '_redirects'] as const;

/** `values`: checked values by name. Null: there are no rules. */
export function rulesSettingsOf(values: ReadonlyMap<string, unknown>): RulesSettings | null {
  const lists = Object.entries(RULE_KINDS).map(([kind, name]) => [kind, values.get(name) ?? []] as const);
  const siteFiles = values.get('siteFiles') === true;
  const isEmpty = lists.every(([, list]) => Array.isArray(list) && list.length === 0);
  const hsts = values.get('hsts') === true ? [{ ...headerRuleOf({ preset: '@hsts' }, '@hsts'), origin: 'hsts' }] : [];
  if (isEmpty && !siteFiles && hsts.length === 0) return null;
  // The kinds of these options made these lists.
  const settings = { ...Object.fromEntries(lists), siteFiles } as unknown as RulesSettings;
  // Other rules may replace its field.
  return { ...settings, headers: [...hsts, ...settings.headers] };
}

/** Files that describe or protect a site, which are therefore never served. */
export function filesOfRules(values: ReadonlyMap<string, unknown>, roots: readonly string[]): readonly string[] {
  const rules = rulesSettingsOf(values);
  if (rules === null) return [];
  const secrets = [...rules.auth, ...rules.maintenance].map(({ file }) => file);
  const described = rules.siteFiles ? roots.flatMap((root) => SITE_FILES.map((name) => join(root, name))) : [];
  return [...secrets, ...described];
}

/** The roots of files, with the host of each; null: all hosts without a root of their own. */
export function rootsOf({ root, hosts }: StaticSettings): readonly (readonly [host: string | null, root: string])[] {
  const own = Object.entries(hosts).map(([host, each]) => [host, typeof each === 'string' ? each : each.root] as const);
  return root === null ? own : [[null, root], ...own];
}
