// All bounds: what is given over the defaults.

import { type Limits, makeLimits } from '../limits.ts';
import { checkGiven } from './check.ts';
import { optionNamed } from './lookup.ts';
import { groupOf, isTakenBy, keyOf } from './option.ts';
import type { LimitOptions, TimeoutOptions } from './option-types.ts';

/** Bounds as code gives them. */
export interface GivenLimits {
  readonly limits?: LimitOptions | undefined;
  readonly timeouts?: TimeoutOptions | undefined;
}

/** @throws EpollServerError `ERR_OPTION`: an unknown bound, or a number out of its range. */
export function resolveLimits({ limits, timeouts }: GivenLimits = {}): Limits {
  return limitsOf(checkGiven({ limits, timeouts }));
}

/** `values`: checked, by name. */
export function limitsOf(values: ReadonlyMap<string, unknown>): Limits {
  // The kind of every bound makes a number of what is given, and the default of each is one.
  return makeLimits((name) => (values.get(name) ?? optionNamed(name).default) as number);
}

/** Bounds as `serve()` takes them, from bounds by name. Those that it does not take are left out. */
export function limitOptionsOf(limits: Partial<Limits>): GivenLimits {
  const groups: Record<string, Record<string, unknown>> = { limits: {}, timeouts: {} };
  for (const [name, value] of Object.entries(limits)) {
    const option = optionNamed(name);
    const group = groups[groupOf(option)];
    if (group !== undefined && isTakenBy(option, 'serve')) group[keyOf(option)] = value;
  }
  return groups;
}
