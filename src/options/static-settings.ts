// Resolves how files are served: given values override defaults, and a virtual host inherits.

import { EpollServerError } from '../errors.ts';
import { checkGiven } from './check.ts';
import { groupOf, keyOf, type Option, optionName } from './option.ts';
import type { HostSettings, StaticOptions, StaticSettings } from './option-types.ts';
import { filesOfRules, rootsOf } from './rules-settings.ts';
import { OPTIONS } from './table.ts';

const OWN: readonly Option[] = OPTIONS.filter((option) => groupOf(option) === 'static');

/** @throws EpollServerError `ERR_OPTION`: an unknown option, an invalid value, or no root. */
export function resolveStatic(given: string | StaticOptions): StaticSettings {
  const settings = staticSettingsOf(checkGiven({ static: given }));
  if (settings === null || settings.root === null) {
    throw new EpollServerError('ERR_OPTION', 'static.root is missing: name the folder to serve');
  }
  return settings;
}

/** `values`: checked values by name. Null: they name neither a root nor a mounted folder. */
export function staticSettingsOf(values: ReadonlyMap<string, unknown>): StaticSettings | null {
  if (values.get('root') === undefined && Object.keys(Object(values.get('mount'))).length === 0) return null;
  const given = OWN.map((option) => [keyOf(option), values.get(optionName(option)) ?? option.default ?? null] as const);
  // StaticSettings is generated from the same entries, whose kinds made these values.
  const settings = Object.fromEntries(given) as unknown as StaticSettings;
  const ofRules = filesOfRules(
    values,
    rootsOf(settings).map(([, root]) => root),
  );
  return { ...settings, hideIfServed: [...settings.hideIfServed, ...ofRules] };
}

/** The folder below which all files lie. */
export function rootOf({ root }: StaticSettings): string {
  return root ?? '/';
}

/** The settings of a host: its own, then those inherited from `settings`, then defaults. */
export function settingsOfHost(settings: StaticSettings, host: string | HostSettings): StaticSettings {
  const own: Readonly<Record<string, unknown>> = typeof host === 'string' ? { root: host } : { ...host };
  const all: Readonly<Record<string, unknown>> = { ...settings };
  const merged = OWN.map((option) => {
    const key = keyOf(option);
    const inherited = option.perHost === 'inherited' ? all[key] : option.default;
    return [key, own[key] ?? inherited] as const;
  });
  // As above; the check of hosts requires a root.
  return Object.fromEntries(merged) as unknown as StaticSettings;
}
