// How files are served: what is given over the defaults, and what a virtual host inherits.

import { EpollServerError } from '../errors.ts';
import { checkGiven } from './check.ts';
import { groupOf, keyOf, type Option, optionName } from './option.ts';
import type { HostSettings, StaticOptions, StaticSettings } from './option-types.ts';
import { OPTIONS } from './table.ts';

const OWN: readonly Option[] = OPTIONS.filter((option) => groupOf(option) === 'static');

/** @throws EpollServerError `ERR_OPTION`: an unknown option, a value that is not allowed, or no root. */
export function resolveStatic(given: string | StaticOptions): StaticSettings {
  const settings = staticSettingsOf(checkGiven({ static: given }));
  if (settings === null) throw new EpollServerError('ERR_OPTION', 'static.root is missing: name the folder to serve');
  return settings;
}

/** `values`: checked, by name. Null: they name no root. */
export function staticSettingsOf(values: ReadonlyMap<string, unknown>): StaticSettings | null {
  if (values.get('root') === undefined) return null;
  const settings = OWN.map((option) => [keyOf(option), values.get(optionName(option)) ?? option.default] as const);
  // StaticSettings is generated from the same entries, whose kinds made these values.
  return Object.fromEntries(settings) as unknown as StaticSettings;
}

/** All that holds for a host: its own settings, what it inherits from `settings`, and defaults. */
export function settingsOfHost(settings: StaticSettings, host: string | HostSettings): StaticSettings {
  const own: Readonly<Record<string, unknown>> = typeof host === 'string' ? { root: host } : { ...host };
  const all: Readonly<Record<string, unknown>> = { ...settings };
  const merged = OWN.map((option) => {
    const key = keyOf(option);
    const inherited = option.perHost === 'inherited' ? all[key] : option.default;
    return [key, own[key] ?? inherited] as const;
  });
  // As above; a host has a root, which the check of hosts asks for.
  return Object.fromEntries(merged) as unknown as StaticSettings;
}
