// What is set in the end, and who said so: flags over the environment over a config file over defaults.
// It must not know how each of them is read.

import { safeParse } from 'valibot';
import { EpollServerError, type ErrorCode } from '../errors.ts';
import { kebab, VARIABLE_PREFIX, variableOf } from './names.ts';
import { problemText } from './problem.ts';
import { type AnySetting, SETTINGS, type SettingName, type SettingValues } from './settings.ts';

/** One value, checked, and who said it: `--port`, `EPOLL_SERVER_PORT`, `web.yaml:3`. */
export interface Given {
  readonly value: unknown;
  readonly origin: string;
}

/** What one source says. */
export type Layer = ReadonlyMap<SettingName, Given>;

/** Everything that is set. */
export interface Configuration {
  readonly settings: SettingValues;
  /** Who said it; undefined: it is not set. */
  originOf(name: SettingName): string | undefined;
}

/** The names that are not set in any other way. */
const BY_DEFAULT = 'default';

const settingsByName: ReadonlyMap<string, AnySetting> = new Map(SETTINGS.map((setting) => [setting.name, setting]));

export function settingOf(name: SettingName): AnySetting {
  const setting = settingsByName.get(name);
  if (setting === undefined) throw new Error(`epoll-server: broken invariant: ${name} is a setting`);
  return setting;
}

/** `layers`: the strongest first. */
export function resolveSettings(...layers: readonly Layer[]): Configuration {
  const values: unknown[][] = [];
  const origins = new Map<SettingName, string>();
  const givenFor = (name: SettingName): Given | undefined =>
    layers.map((layer) => layer.get(name)).find((each) => each !== undefined);
  for (const { name, byDefault, shortFor } of SETTINGS) {
    const isReplaced = shortFor !== undefined && givenFor(shortFor) !== undefined;
    const { value, origin } = givenFor(name) ?? { value: isReplaced ? undefined : byDefault, origin: BY_DEFAULT };
    if (value === undefined) continue;
    values.push([name, value]);
    origins.set(name, origin);
  }
  // Each value has passed the check of its kind, and what has a default is there.
  const settings: SettingValues = Object.fromEntries(values);
  return { settings, originOf: (name) => origins.get(name) };
}

/**
 * `given` as the setting's kind has it. `where` begins the message: what was written, and where; `written`: as what.
 * @throws EpollServerError with `code`.
 */
export function checkValue(
  { kind }: AnySetting,
  given: unknown,
  where: string,
  code: ErrorCode,
  written: unknown = given,
): unknown {
  const result = safeParse(kind.schema, given);
  if (result.success) return result.output;
  throw new EpollServerError(code, problemText({ where, issues: result.issues, expected: kind.expected, written }));
}

/**
 * What the environment says: `EPOLL_SERVER_KEEP_ALIVE_TIMEOUT_MS`; several values stand on lines of their own. An
 * empty variable is not set. Others that begin alike are not ours: container runtimes make some of service names.
 * @throws EpollServerError `ERR_OPTION` that names the variable, its value and what was expected.
 */
export function readEnvironment(environment: NodeJS.ProcessEnv): Layer {
  const layer = new Map<SettingName, Given>();
  if (!Object.keys(environment).some((name) => name.startsWith(VARIABLE_PREFIX))) return layer;
  for (const setting of SETTINGS) {
    const variable = variableOf(setting.name);
    const text = environment[variable];
    if (text === undefined || text === '') continue;
    const texts = setting.kind.isMany === true ? text.split('\n').filter((line) => line !== '') : [text];
    const value = checkValue(setting, setting.kind.fromTexts(texts), variable, 'ERR_OPTION', texts);
    layer.set(setting.name, { value, origin: variable });
  }
  return layer;
}

/**
 * What flags say, as {@link readEnvironment}; `false` for a flag that was given as `--no-...`, `true` for a switch.
 * @throws EpollServerError `ERR_OPTION`.
 */
export function readFlag(name: SettingName, given: readonly string[] | boolean, written?: string): Given {
  const setting = settingOf(name);
  const origin = written ?? `--${given === false ? 'no-' : ''}${kebab(name)}`;
  const value = typeof given === 'boolean' ? given : setting.kind.fromTexts(given);
  return { value: checkValue(setting, value, origin, 'ERR_OPTION', given), origin };
}

/** One line for each setting, itself a config file: what it is, and who said so. */
export function printConfiguration({ settings, originOf }: Configuration): string {
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(settings));
  const lines = SETTINGS.map(({ name }) => {
    const value = values.get(name);
    const origin = originOf(name);
    return origin === undefined
      ? [`# ${kebab(name)}:`, 'not set']
      : [`${kebab(name)}: ${JSON.stringify(written(name, value))}`, origin];
  });
  const width = Math.min(Math.max(...lines.map(([left = '']) => left.length)), 48);
  return lines.map(([left = '', origin]) => `${left.padEnd(width)}  # ${origin}\n`).join('');
}

/** Keys of a host in a config file whose option has another name. */
const HOST_KEYS: Readonly<Record<string, string>> = { mounts: 'mount', types: 'type' };

/** As it is written in a config file. */
function written(name: string, value: unknown): unknown {
  if (name === 'cacheControl' && Array.isArray(value)) {
    return value.map(({ pattern, value: each }) => `${pattern}:${each}`);
  }
  if (name !== 'vhost' || typeof value !== 'object' || value === null) return value;
  const hosts = Object.entries(value).map(([host, given]) => {
    if (typeof given !== 'object' || given === null) return [host, given];
    const options = Object.entries(given).map(([option, each]) => [
      HOST_KEYS[option] ?? kebab(option),
      written(option, each),
    ]);
    return [host, Object.fromEntries(options)];
  });
  return Object.fromEntries(hosts);
}
