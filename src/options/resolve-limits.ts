// Resolves all limits and time-outs: given values override defaults.

import { type Limits, makeLimits } from '../limits.ts';
import { checkGiven } from './check.ts';
import { optionNamed } from './lookup.ts';
import { groupOf, isTakenBy, keyOf } from './option.ts';
import type { LimitOptions, TimeoutOptions } from './option-types.ts';

/** Limits and time-outs as code passes them. */
export interface GivenLimits {
  readonly limits?: LimitOptions | undefined;
  readonly timeouts?: TimeoutOptions | undefined;
}

/** @throws EpollServerError `ERR_OPTION`: an unknown limit, or a number out of its range. */
export function resolveLimits({ limits, timeouts }: GivenLimits = {}): Limits {
  return limitsOf(checkGiven({ limits, timeouts }));
}

/** `values`: checked values by name. */
export function limitsOf(values: ReadonlyMap<string, unknown>): Limits {
  // The kind of every limit makes a number of the given value, and each default is a number.
  return makeLimits((name) => (values.get(name) ?? optionNamed(name).default) as number);
}

/** Converts limits by name to the options of `serve()`. Limits that it does not accept are left out. */
export function limitOptionsOf(limits: Partial<Limits>): GivenLimits {
  const groups: Record<string, Record<string, unknown>> = { limits: {}, timeouts: {} };
  for (const [name, value] of Object.entries(limits)) {
    const option = optionNamed(name);
    const group = groups[groupOf(option)];
    if (group !== undefined && isTakenBy(option, 'serve')) group[keyOf(option)] = value;
  }
  return groups;
}
