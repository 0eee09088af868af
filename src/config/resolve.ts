// Resolves settings and their origins: flags override the environment, which overrides the config file, which overrides
// defaults.

import { EpollServerError } from '../errors.ts';
import { checkValue } from '../options/check.ts';
import { optionNamed } from '../options/lookup.ts';
import { kebab, VARIABLE_PREFIX, variableOf } from '../options/names.ts';
import { nearest } from '../options/nearest.ts';
import { groupOf, isTakenBy, keyOf, type Option, optionName } from '../options/option.ts';
import type { SettingName, Settings } from '../options/option-types.ts';
import { OPTIONS } from '../options/table.ts';

/** One checked value and its origin: `--port`, `EPOLL_SERVER_PORT`, `web.yaml:3`. */
export interface Given {
  readonly value: unknown;
  readonly origin: string;
}

/** The values of one source, by option name. */
export type Layer = ReadonlyMap<string, Given>;

/** All settings. */
export interface Configuration {
  readonly settings: Settings;
  /** The origin of a value; undefined: it is not set. */
  originOf(name: SettingName): string | undefined;
}

/** The origin of default values. */
export const DEFAULT_ORIGIN = 'default';

/** The variable in which platforms pass the port: Heroku, Cloud Run, Render and many others. */
const PORT_VARIABLE = 'PORT';

/** The options of the command, in the order of the help. */
export const COMMAND_OPTIONS: readonly Option[] = OPTIONS.filter((option) => isTakenBy(option, 'command'));

/** The names that users write for an option: the name itself, its key in code and files, and its path there. */
const WRITTEN: ReadonlyMap<string, string> = new Map(
  [optionName, keyOf, ({ path }: Option) => path.replace('.', '-')].flatMap((written) =>
    COMMAND_OPTIONS.map((option) => [written(option), optionName(option)] as const),
  ),
);

/** The name of the option that an unknown flag or variable called `name` was probably meant to be, or undefined. */
export function nearestOption(name: string): string | undefined {
  const written = nearest(name, [...WRITTEN.keys()]);
  return written === undefined ? undefined : WRITTEN.get(written);
}

/** `layers`: the strongest first. */
export function resolveSettings(...layers: readonly Layer[]): Configuration {
  const values: (readonly [string, unknown])[] = [];
  const origins = new Map<string, string>();
  const givenFor = (name: string): Given | undefined =>
    layers.map((layer) => layer.get(name)).find((each) => each !== undefined);
  for (const option of COMMAND_OPTIONS) {
    const { shortFor, default: usual } = option;
    const name = optionName(option);
    const isReplaced = shortFor !== undefined && givenFor(shortFor) !== undefined;
    const given = givenFor(name);
    // Platforms set PORT for every program, so an address chosen for this server takes precedence.
    const counts = given !== undefined && !(given.origin === PORT_VARIABLE && isReplaced);
    const { value, origin } = counts ? given : { value: isReplaced ? undefined : usual, origin: DEFAULT_ORIGIN };
    if (value === undefined) continue;
    values.push([name, value]);
    origins.set(name, origin);
  }
  // Settings is generated from the same entries: each value has passed its check, and options with a default are
  // present.
  const settings = Object.fromEntries(values) as unknown as Settings;
  return { settings, originOf: (name) => origins.get(name) };
}

/**
 * Reads the environment: `EPOLL_SERVER_KEEP_ALIVE_TIMEOUT_MS` and the like, and `PORT`. Several values are separated by
 * line feeds. An empty variable counts as not set.
 * @throws EpollServerError `ERR_OPTION` with the variable, its value and the expected value; also for an unknown
 * variable.
 */
export function readEnvironment(environment: NodeJS.ProcessEnv): Layer {
  const layer = new Map<string, Given>();
  const read = (option: Option, variable: string): void => {
    const text = environment[variable];
    if (text === undefined || text === '') return;
    const texts = option.kind.isVariadic === true ? text.split('\n').filter((line) => line !== '') : [text];
    const origin = { where: variable, code: 'ERR_OPTION', written: texts } as const;
    layer.set(optionName(option), {
      value: checkValue(option, option.kind.fromTexts(texts), origin),
      origin: variable,
    });
  };
  read(optionNamed('port'), PORT_VARIABLE);
  if (!Object.keys(environment).some((name) => name.startsWith(VARIABLE_PREFIX))) return layer;
  refuseUnknown(environment);
  for (const option of COMMAND_OPTIONS) read(option, variableOf(optionName(option)));
  return layer;
}

/** Variables with the prefix that are not options. */
const INTERNAL: ReadonlySet<string> = new Set([
  'EPOLL_SERVER_ROLE',
  'EPOLL_SERVER_CONFIG_TEXT',
  'EPOLL_SERVER_TICKETS',
  'EPOLL_SERVER_SOCKETS',
  'EPOLL_SERVER_PYTHON_SOCKETS',
  'EPOLL_SERVER_COMPARE_BURN_STEPS',
]);

/** Kubernetes and Docker links create these variables for a service called epoll-server. */
const OF_A_SERVICE =
  /^EPOLL_SERVER_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?|NAME|ENV_\w+)$/;

/** The value that they give to the variable of our port: `tcp://10.0.0.1:80`. */
const SERVICE_ADDRESS = /^(?:tcp|udp|sctp):\/\//;

function refuseUnknown(environment: NodeJS.ProcessEnv): void {
  const known = COMMAND_OPTIONS.map((option) => variableOf(optionName(option)));
  for (const [name, value = ''] of Object.entries(environment)) {
    if (!name.startsWith(VARIABLE_PREFIX) || INTERNAL.has(name) || OF_A_SERVICE.test(name)) continue;
    if (name === variableOf('port') && SERVICE_ADDRESS.test(value)) {
      const way = 'set enableServiceLinks: false in the pod, or give the service another name';
      throw usage(`${name} is ${JSON.stringify(value)}, which Kubernetes sets for a service of that name: ${way}`);
    }
    if (known.includes(name)) continue;
    const near = nearestOption(name.slice(VARIABLE_PREFIX.length));
    const hint = near === undefined ? '' : ` (did you mean ${variableOf(near)}?)`;
    throw usage(`unknown variable ${name}${hint}`);
  }
}

/**
 * Reads a flag; `false` for a flag given as `--no-...`, `true` for a switch.
 * @throws EpollServerError `ERR_OPTION`.
 */
export function readFlag(name: SettingName, given: readonly string[] | boolean, written?: string): Given {
  const option = optionNamed(name);
  const origin = written ?? `--${given === false ? 'no-' : ''}${kebab(name)}`;
  const value = typeof given === 'boolean' ? given : option.kind.fromTexts(given);
  return { value: checkValue(option, value, { where: origin, code: 'ERR_OPTION', written: given }), origin };
}

/** Prints all settings as a config file, with the origin behind each. */
export function printConfiguration(configuration: Configuration): string {
  const groups = [...new Set(COMMAND_OPTIONS.map(groupOf))].sort((a, b) => Number(a !== '') - Number(b !== ''));
  const lines = groups.flatMap((group) => linesOf(group, configuration));
  const width = Math.min(Math.max(...lines.map(([left]) => left.length)), MAX_PRINT_COLUMNS);
  return lines.map(([left, origin]) => (origin === '' ? `${left}\n` : `${left.padEnd(width)}  # ${origin}\n`)).join('');
}

/** The columns of the left side of a printed configuration; origins follow. */
const MAX_PRINT_COLUMNS = 48;

/** The lines of one group, each with its origin. Options that are not set are comments. */
function linesOf(group: string, { settings, originOf }: Configuration): readonly (readonly [string, string])[] {
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(settings));
  const options = COMMAND_OPTIONS.filter((option) => groupOf(option) === group);
  const indent = group === '' ? '' : '  ';
  const lines = options.map((option): readonly [string, string] => {
    const name = optionName(option);
    const key = keyOf(option);
    // The names of COMMAND_OPTIONS are those of the settings.
    const origin = originOf(name as SettingName);
    if (origin === undefined) return [`# ${indent}${key}:`, 'not set'];
    const value = values.get(name);
    return [`${indent}${key}: ${JSON.stringify(option.kind.written?.(value) ?? value)}`, origin];
  });
  if (group === '') return lines;
  // YAML reads a key with nothing below it as null.
  const isSet = lines.some(([left]) => !left.startsWith('#'));
  return [[isSet ? `${group}:` : `# ${group}:`, ''], ...lines];
}

function usage(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
