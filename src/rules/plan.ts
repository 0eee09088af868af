// What to do with a request: the rules that match it, by kind. Requests with the same rules share one plan.

import { checkedFields } from '../exchange/misuse.ts';
import { type FieldInput, PrecompiledFields } from '../http/fields.ts';
import type { HeadFilter } from '../http/filtered-response.ts';
import type { AccessRule, RateRule } from '../options/access-rule.ts';
import type { RedirectRule, SlashRule } from '../options/redirect-rule.ts';
import type { RuleLists } from '../options/rules-settings.ts';
import type { CorsPolicy } from './cors-policy.ts';
import { HeaderEdits } from './header-edits.ts';
import type { RuleEntry, RuleKind } from './path-index.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { Maintenance, Page, Passwords, RuleParts } from './rule-parts.ts';
import { type WatchedFile, whenAllFresh } from './watched-file.ts';

export class Plan {
  readonly maintenance: readonly Maintenance[];
  readonly deny: readonly AccessRule[];
  readonly allow: readonly AccessRule[];
  readonly limits: readonly (readonly [RateRule, RateLimiter])[];
  readonly auth: readonly Passwords[];
  readonly redirects: readonly RedirectRule[];
  readonly slash: SlashRule | null;
  readonly rewrites: readonly RedirectRule[];
  readonly cors: CorsPolicy | null;
  readonly pages: readonly Page[];
  /** Files whose changes matter for this plan. */
  readonly files: readonly WatchedFile[];
  /** Whether it only changes fields of responses, for all requests alike. */
  readonly isPassive: boolean;
  /** Changes the fields of responses over HTTPS; null: it depends on the request, or nothing is changed. */
  readonly filter: HeadFilter | null;
  /** The same for plaintext; often the same function. */
  readonly plainFilter: HeadFilter | null;
  readonly #edits: HeaderEdits | null;
  /** Those of responses in plaintext. */
  readonly #plainEdits: HeaderEdits | null;

  constructor(entries: readonly RuleEntry[], parts: RuleParts) {
    this.maintenance = rulesOf(entries, 'maintenance').map((rule) => parts.maintenanceOf(rule));
    this.deny = rulesOf(entries, 'deny');
    this.allow = rulesOf(entries, 'allow');
    this.limits = rulesOf(entries, 'rateLimits').map((rule) => [rule, parts.limiterOf(rule)] as const);
    this.auth = rulesOf(entries, 'auth').map((rule) => parts.passwordsOf(rule));
    this.redirects = rulesOf(entries, 'redirects');
    this.slash = rulesOf(entries, 'trailingSlash')[0] ?? null;
    this.rewrites = rulesOf(entries, 'rewrites');
    this.cors = rulesOf(entries, 'cors').map((rule) => parts.corsOf(rule))[0] ?? null;
    this.pages = rulesOf(entries, 'errorPages').map((rule) => parts.pageOf(rule));
    this.files = [...this.maintenance, ...this.auth, ...this.pages].map(({ file }) => file);
    const edits = rulesOf(entries, 'headers').flatMap((rule) => rule.edits);
    this.#edits = edits.length === 0 ? null : new HeaderEdits(edits);
    const plain = edits.filter(({ name }) => !isOfHttps(name));
    this.#plainEdits = plain.length === edits.length ? this.#edits : new HeaderEdits(plain);
    const acting = [this.maintenance, this.deny, this.allow, this.limits, this.auth, this.redirects, this.rewrites];
    const isActing = acting.some(({ length }) => length > 0) || this.slash !== null || this.pages.length > 0;
    this.isPassive = !isActing && this.cors === null;
    const filters = this.isPassive && this.#edits !== null;
    this.filter = filters ? (_status, fields) => this.edited(fields, '', true) : null;
    const isSame = this.#plainEdits === this.#edits;
    this.plainFilter = filters && !isSame ? (_status, fields) => this.edited(fields, '', false) : this.filter;
  }

  /** Whether responses have to be wrapped. */
  get wraps(): boolean {
    return this.#edits !== null || this.cors !== null || this.pages.length > 0;
  }

  /** The fields to send. `origin`: that of the request; empty: none. `isSecure`: over HTTPS. */
  edited(given: FieldInput, origin: string, isSecure: boolean): PrecompiledFields {
    const fields = given instanceof PrecompiledFields ? given : checkedFields(given);
    const edits = isSecure ? this.#edits : this.#plainEdits;
    const own = edits === null ? fields : edits.apply(fields);
    return this.cors === null ? own : this.cors.apply(own, origin);
  }

  /** Resolves when all files are known to be current; null: they are. */
  whenFresh(): Promise<unknown> | null {
    return whenAllFresh(this.files);
  }
}

/** Whether responses in plaintext must not have the field (RFC 6797 section 7.2). */
export function isOfHttps(name: string): boolean {
  return name.toLowerCase() === 'strict-transport-security';
}

/** The rules of one kind. */
export function rulesOf<K extends RuleKind>(entries: readonly RuleEntry[], kind: K): RuleLists[K] {
  const found = entries.filter((entry) => entry.kind === kind).map(({ rule }) => rule);
  // The option of a kind has made all its rules.
  return found as unknown as RuleLists[K];
}
