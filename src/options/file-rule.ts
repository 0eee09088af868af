// Rules that need a file: passwords, error pages, and the file that switches maintenance on.

import { resolve } from 'node:path';
import { number, optional, strictObject, union } from 'valibot';
import { precompileFields } from '../http/fields.ts';
import { NAME, whole } from './kinds.ts';
import type { ValueKind } from './option.ts';
import { patternOf, type Rule, rules, splitAtBlank } from './rule.ts';

/** A rule that reads a file. */
export interface FileRule extends Rule {
  readonly file: string;
  /** The folder that links of the file must not leave; absent: they may lead anywhere. */
  readonly root?: string;
}

function inFolder<R extends FileRule>(rule: R, folder: string): R {
  const file = resolve(folder, rule.file);
  const written = typeof rule.written === 'object' ? { ...rule.written, file } : rule.written;
  return { ...rule, file, written };
}

export interface AuthRuleOptions {
  /** Default: all paths. */
  readonly pattern?: string | undefined;
  /** Lines of `name:hash`, as htpasswd -B writes them. */
  readonly file: string;
  /** The name that browsers show with their question. Default: Restricted. */
  readonly realm?: string | undefined;
}

export interface AuthRule extends FileRule {
  readonly realm: string;
}

const QUOTED = /["\\]/;

export const authRules: ValueKind<readonly AuthRule[]> = rules<AuthRuleOptions, AuthRule>({
  parse: (text) => {
    const [pattern, file] = splitAtBlank(text, 'PATTERN FILE');
    return { pattern, file };
  },
  object: strictObject({ pattern: optional(NAME), file: NAME, realm: optional(NAME) }),
  make: ({ pattern, file, realm = 'Restricted' }) => {
    const wrong = new Error(`must be rules whose realm is plain text, not ${JSON.stringify(realm)}`);
    if (QUOTED.test(realm)) throw wrong;
    try {
      precompileFields([['WWW-Authenticate', realm]]);
    } catch {
      throw wrong;
    }
    return { pattern: patternOf(pattern), file, realm, written: { pattern, file, realm } };
  },
  expected: '"PATTERN FILE", an object, or a list of these',
  type: 'AuthRuleOptions',
  rebase: inFolder,
});

export interface ErrorPageRuleOptions {
  /** Default: all paths. */
  readonly pattern?: string | undefined;
  /** A status such as 404, or `4xx` or `5xx`. */
  readonly status: number | string;
  readonly file: string;
}

export interface ErrorPageRule extends FileRule {
  /** The first status and the one behind the last. */
  readonly statuses: readonly [from: number, to: number];
}

const STATUS_FORM = /^(?:([45])xx|([45]\d\d))$/i;

export const errorPageRules: ValueKind<readonly ErrorPageRule[]> = rules<ErrorPageRuleOptions, ErrorPageRule>({
  parse: (text) => {
    const [, pattern, status = '', file = ''] = /^(?:(\S+)\s+)?(\w{3})\s+(\S.*)$/.exec(text.trim()) ?? [];
    if (file === '') throw new Error(`must be of the form "[PATTERN] STATUS FILE", not ${JSON.stringify(text)}`);
    return { pattern, status, file };
  },
  object: strictObject({ pattern: optional(NAME), status: union([NAME, number()]), file: NAME }),
  make: ({ pattern, status, file }) => {
    const [, hundreds, exact] = STATUS_FORM.exec(String(status)) ?? [];
    const from = hundreds === undefined ? Number(exact) : Number(hundreds) * 100;
    if (Number.isNaN(from)) throw new Error(`must be error pages of a status such as 404, 4xx or 5xx, not ${status}`);
    const statuses = [from, from + (hundreds === undefined ? 1 : 100)] as const;
    return { pattern: patternOf(pattern), file, statuses, written: { pattern, status, file } };
  },
  expected: '"[PATTERN] STATUS FILE", an object, or a list of these',
  type: 'ErrorPageRuleOptions',
  rebase: inFolder,
});

export interface MaintenanceRuleOptions {
  /** Default: all paths. */
  readonly pattern?: string | undefined;
  /** While this file exists, responses are 503. It is sent as a page, unless it is empty. */
  readonly file: string;
  /** Retry-After. Default: 60. */
  readonly retryAfterSeconds?: number | string | undefined;
}

export interface MaintenanceRule extends FileRule {
  readonly retryAfterSeconds: number;
}

const DAY_SECONDS = 86_400;

export const maintenanceRules: ValueKind<readonly MaintenanceRule[]> = rules<MaintenanceRuleOptions, MaintenanceRule>({
  parse: (text) => {
    if (!/\s/.test(text.trim())) return { file: text.trim() };
    const [pattern, file] = splitAtBlank(text, '[PATTERN] FILE');
    return { pattern, file };
  },
  object: strictObject({
    pattern: optional(NAME),
    file: NAME,
    retryAfterSeconds: optional(whole(0, DAY_SECONDS).schema),
  }),
  make: ({ pattern, file, retryAfterSeconds = 60 }) => ({
    pattern: patternOf(pattern),
    file,
    retryAfterSeconds: Number(retryAfterSeconds),
    written: { pattern, file, retryAfterSeconds },
  }),
  expected: '"[PATTERN] FILE", an object, or a list of these',
  type: 'MaintenanceRuleOptions',
  rebase: inFolder,
});
