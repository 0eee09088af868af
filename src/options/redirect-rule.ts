// Rules that send a client to another path, or serve another path in place of the requested one.

import { boolean, number, optional, picklist, strictObject, union } from 'valibot';
import { NAME } from './kinds.ts';
import type { ValueKind } from './option.ts';
import { RedirectTemplate } from './redirect-template.ts';
import { patternOf, type Rule, rules, splitAtBlank } from './rule.ts';

export interface RedirectRuleOptions {
  /** `/old/:page`, `/docs/**`; with a host: `//www.example.org/**`. */
  readonly from: string;
  /** A path or a URL with the names of `from`, and `:splat` for its `**`. */
  readonly to: string;
  /** 301, 302, 303, 307 or 308. Default: 301. */
  readonly status?: number | string | undefined;
  /** Applies only where the response would be 404. Default: false. */
  readonly ifMissing?: boolean | undefined;
}

export interface RedirectRule extends Rule {
  readonly template: RedirectTemplate;
  /** 0: serves the target in place of the requested path. */
  readonly status: number;
  readonly ifMissing: boolean;
}

/** Statuses with a Location that browsers follow (RFC 9110 section 15.4). */
const STATUSES: readonly number[] = [301, 302, 303, 307, 308];

const ARROW = /^(\S+)\s+->\s+(\S+)(?:\s+(\S+))?$/;

const STATUS = optional(union([NAME, number()]));

export const redirectRules: ValueKind<readonly RedirectRule[]> = rules<RedirectRuleOptions, RedirectRule>({
  parse: (text) => {
    const [, from, to = '', status] = ARROW.exec(text.trim()) ?? [];
    if (from === undefined) throw new Error(`must be of the form "/old/:page -> /new/:page [STATUS]", not "${text}"`);
    return { from, to, status };
  },
  object: strictObject({ from: NAME, to: NAME, status: STATUS, ifMissing: optional(boolean()) }),
  make: makeRedirect,
  expected: '"/old/:page -> /new/:page [STATUS]", an object, or a list of these',
  type: 'RedirectRuleOptions',
});

function makeRedirect(given: RedirectRuleOptions, written: unknown): RedirectRule {
  const { from, to, status = 301, ifMissing = false } = given;
  const template = new RedirectTemplate(from, to);
  if (!STATUSES.includes(Number(status))) {
    throw new Error(`must be redirects with one of the statuses ${STATUSES.join(', ')}, not ${status}`);
  }
  return { pattern: template.pattern, template, status: Number(status), ifMissing, written };
}

export interface RewriteRuleOptions {
  readonly from: string;
  /** A path with the names of `from`, and `:splat` for its `**`. */
  readonly to: string;
  /** Applies only where the response would be 404. Default: false. */
  readonly ifMissing?: boolean | undefined;
}

export const rewriteRules: ValueKind<readonly RedirectRule[]> = {
  ...rules<RewriteRuleOptions, RedirectRule>({
    parse: (text) => {
      const [, from, to = '', more] = ARROW.exec(text.trim()) ?? [];
      const isWrong = more !== undefined && more !== 'if-missing';
      if (from === undefined || isWrong)
        throw new Error(`must be of the form "/old/:page -> /new/:page [if-missing]", not "${text}"`);
      return { from, to, ifMissing: more !== undefined };
    },
    object: strictObject({ from: NAME, to: NAME, ifMissing: optional(boolean()) }),
    make: ({ from, to, ifMissing = false }, written) => {
      const template = new RedirectTemplate(from, to);
      if (!template.isLocal) throw new Error(`must be rewrites to a path of this server, not to "${to}"`);
      return { pattern: template.pattern, template, status: 0, ifMissing, written };
    },
    expected: '"/old/:page -> /new/:page [if-missing]", an object, or a list of these',
    type: 'RewriteRuleOptions',
  }),
  result: 'readonly RedirectRule[]',
};

export interface SlashRuleOptions {
  /** Default: all paths. */
  readonly pattern?: string | undefined;
  readonly policy: 'add' | 'remove';
}

export interface SlashRule extends Rule {
  readonly policy: 'add' | 'remove';
}

export const slashRules: ValueKind<readonly SlashRule[]> = rules<SlashRuleOptions, SlashRule>({
  parse: (text) => {
    const [pattern, policy] = /\s/.test(text.trim())
      ? splitAtBlank(text, '[PATTERN] add|remove')
      : ['/**', text.trim()];
    if (policy !== 'add' && policy !== 'remove') throw new Error(`must be "add" or "remove", not "${policy}"`);
    return { pattern, policy };
  },
  object: strictObject({ pattern: optional(NAME), policy: picklist(['add', 'remove']) }),
  make: ({ pattern, policy }, written) => ({ pattern: patternOf(pattern), policy, written }),
  expected: '"add", "remove", "PATTERN add", an object, or a list of these',
  type: 'SlashRuleOptions',
});
