// Rules that decide by the client's address: networks that may or may not request a path, and rates.

import { array, optional, strictObject, union } from 'valibot';
import { precompileFields } from '../http/fields.ts';
import { AddressSet } from './address-set.ts';
import { NAME, whole } from './kinds.ts';
import type { ValueKind } from './option.ts';
import { listed, patternOf, type Rule, rules, splitAtBlank } from './rule.ts';

export interface AccessRuleOptions {
  /** Default: all paths. */
  readonly pattern?: string | undefined;
  /** Addresses, networks such as 10.0.0.0/8, or one of all, private, loopback, unix. */
  readonly addresses: string | readonly string[];
}

export interface AccessRule extends Rule {
  readonly addresses: AddressSet;
  readonly texts: readonly string[];
}

export const accessRules: ValueKind<readonly AccessRule[]> = rules<AccessRuleOptions, AccessRule>({
  parse: (text) => {
    const [pattern, addresses] = splitAtBlank(text, 'PATTERN CIDR...');
    return { pattern, addresses };
  },
  object: strictObject({ pattern: optional(NAME), addresses: union([NAME, array(NAME)]) }),
  make: ({ pattern, addresses }, written) => {
    const texts = listed(addresses);
    if (texts.length === 0) throw new Error('must be rules with addresses');
    return { pattern: patternOf(pattern), addresses: new AddressSet(texts), texts, written };
  },
  expected: '"PATTERN CIDR...", an object, or a list of these',
  type: 'AccessRuleOptions',
});

export interface RateRuleOptions {
  /** Default: all paths. */
  readonly pattern?: string | undefined;
  /** `10/s`, `100/m`, `1000/h`. */
  readonly rate: string;
  /** Requests that may come at once. Default: the number in `rate`. */
  readonly burst?: number | string | undefined;
  /** `address`, or `field NAME` for the value of a request field. Default: address. */
  readonly by?: string | undefined;
}

export interface RateRule extends Rule {
  readonly requests: number;
  readonly intervalMs: number;
  readonly burst: number;
  /** The name of a request field; null: by address. */
  readonly field: string | null;
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

const RATE = /^(\d{1,9})\/([smh])$/;

const RATE_FORM = 'PATTERN 10/s [burst 20] [by address | by field NAME]';

const RATE_TEXT = /^(\S+)(?:\s+burst\s+(\S+))?(?:\s+by\s+(\S+(?:\s+\S+)?))?$/;

const BURST = whole(1, 1_000_000);

export const rateRules: ValueKind<readonly RateRule[]> = rules<RateRuleOptions, RateRule>({
  parse: (text) => {
    const [pattern, rest] = splitAtBlank(text, RATE_FORM);
    const [, rate, burst, by] = RATE_TEXT.exec(rest) ?? [];
    if (rate === undefined) throw new Error(`must be of the form "${RATE_FORM}", not ${JSON.stringify(text)}`);
    return { pattern, rate, burst, by };
  },
  object: strictObject({
    pattern: optional(NAME),
    rate: NAME,
    burst: optional(BURST.schema),
    by: optional(NAME),
  }),
  make: ({ pattern, rate, burst, by = 'address' }, written) => {
    const [, count = '0', unit = ''] = RATE.exec(rate) ?? [];
    const requests = Number(count);
    const unitMs = UNITS_MS[unit];
    if (unitMs === undefined || requests === 0)
      throw new Error(`must be rates such as 10/s, 100/m or 1000/h, not "${rate}"`);
    const most = Number(burst ?? requests);
    if (!(most >= 1 && most <= 1_000_000))
      throw new Error(`must be rates with a burst from 1 to 1000000, not ${burst}`);
    return {
      pattern: patternOf(pattern),
      requests,
      intervalMs: unitMs,
      burst: most,
      field: fieldOf(by),
      written,
    };
  },
  expected: `"${RATE_FORM}", an object, or a list of these`,
  type: 'RateRuleOptions',
});

function fieldOf(by: string): string | null {
  if (by === 'address') return null;
  const name = /^field\s+(\S+)$/.exec(by)?.[1] ?? '';
  try {
    precompileFields([[name, '']]);
    return name.toLowerCase();
  } catch {
    throw new Error(`must be rates by address or by field NAME, not by "${by}"`);
  }
}
