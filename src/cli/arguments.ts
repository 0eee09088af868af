// The command line: what may stand there, and what it means. It must not start anything.

import { parseArgs } from 'node:util';
import { splitMount } from '../app/module-file.ts';
import { kebab, nearest } from '../config/names.ts';
import { type Given, type Layer, readFlag } from '../config/resolve.ts';
import { type AnySetting, OWN_SETTINGS, SETTINGS, type SettingName } from '../config/settings.ts';
import { EpollServerError, messageOf } from '../errors.ts';
import type { LimitName } from '../limits.ts';
import { positionalKind } from './positional.ts';

/** One flag: how it is written and what it does. The README's table is compared with this list. */
export interface Flag {
  readonly name: string;
  readonly short?: string;
  /** What stands for its value in the help; absent: it takes none. */
  readonly value?: string;
  readonly text: string;
}

/** What is asked of the command itself; everything else is a setting. */
const COMMANDS: readonly Flag[] = [
  {
    name: 'config',
    short: 'c',
    value: 'FILE',
    text: 'settings from a file (without it: epoll-server.config.yaml or .json, if there is one)',
  },
  { name: 'check', text: 'check all settings and load the application, start nothing' },
  { name: 'print-config', text: 'show what is set, and who said so' },
  { name: 'help', short: 'h', text: 'show this text' },
  { name: 'version', short: 'v', text: 'show the version' },
];

/** All flags but those of the bounds. Switches that are on by default are shown as what turns them off. */
export const FLAGS: readonly Flag[] = [...OWN_SETTINGS.flatMap(flagsOf), ...COMMANDS];

function flagsOf({ name, kind, short, value, text, byDefault }: AnySetting): readonly Flag[] {
  const flag = kebab(name);
  const letter = short === undefined ? {} : { short };
  if (kind.isSwitch === true) {
    return [byDefault === true ? { name: `no-${flag}`, text: `do not ${text}` } : { name: flag, ...letter, text }];
  }
  const shown = { name: flag, ...letter, ...(value === undefined ? {} : { value }) };
  const own = { ...shown, text: byDefault !== undefined ? `${text} (default ${String(byDefault)})` : text };
  return name === 'accessLog'
    ? [own, { name: `no-${flag}`, text: 'write no access log, not even on a terminal' }]
    : [own];
}

/** What the command line asks for. */
export interface Arguments {
  readonly settings: Layer;
  readonly config: string | undefined;
  readonly check: boolean;
  readonly printConfig: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

/** `keepAliveTimeoutMs` -> `keep-alive-timeout-ms`. */
export function limitFlag(name: LimitName): string {
  return kebab(name);
}

/** @throws EpollServerError `ERR_OPTION` that says which argument was wrong and what was expected. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parse(argv);
  const settings = new Map<SettingName, Given>();
  for (const setting of SETTINGS) {
    const given = givenOf(setting, values);
    if (given !== undefined) settings.set(setting.name, readFlag(setting.name, given));
  }
  addPlaces(settings, positionals, listOf(values['mount']));
  const config = listOf(values['config']).at(-1);
  if (config === '') throw usage('--config is empty');
  return {
    settings,
    config,
    check: values['check'] === true,
    printConfig: values['print-config'] === true,
    help: values['help'] === true,
    version: values['version'] === true,
  };
}

type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** The values of a flag that may be given several times, or once. */
function listOf(value: Values[string]): readonly string[] {
  return [value].flat().filter((each) => typeof each === 'string');
}

/** What was given for a setting: texts, or whether a switch is on. */
function givenOf({ name, kind }: AnySetting, values: Values): readonly string[] | boolean | undefined {
  const flag = kebab(name);
  const isRefused = values[`no-${flag}`] === true;
  const isGiven = values[flag] !== undefined;
  if (isRefused && isGiven) throw usage(`give --${flag} or --no-${flag}, not both`);
  if (isRefused) return false;
  if (!isGiven) return undefined;
  if (kind.isSwitch === true) return true;
  const texts = listOf(values[flag]);
  // An empty value is an unset variable of somebody's script, and must not become a default.
  if (texts.includes('') && name !== 'serverHeader' && name !== 'charset') throw usage(`--${flag} is empty`);
  return texts;
}

interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple: boolean;
}

function optionsOf(): Record<string, Option> {
  const options: Record<string, Option> = {};
  for (const { name, short, kind } of SETTINGS) {
    const isSwitch = kind.isSwitch === true;
    const letter = short === undefined ? {} : { short };
    options[kebab(name)] = { type: isSwitch ? 'boolean' : 'string', ...letter, multiple: !isSwitch };
    if (isSwitch || name === 'accessLog') options[`no-${kebab(name)}`] = { type: 'boolean', multiple: false };
  }
  for (const { name, short, value } of COMMANDS) {
    const isSwitch = value === undefined;
    const letter = short === undefined ? {} : { short };
    options[name] = { type: isSwitch ? 'boolean' : 'string', ...letter, multiple: !isSwitch };
  }
  return options;
}

function parse(argv: readonly string[]): { values: Values; positionals: readonly string[] } {
  const options = optionsOf();
  refuseUnknown(argv, Object.keys(options));
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    return { values, positionals };
  } catch (error) {
    throw usage(
      messageOf(error)
        .split('\n')[0]
        ?.replace(/\. To specify.*/, '') ?? 'malformed arguments',
    );
  }
}

/** Says which flag is nearest, which parseArgs does not. */
function refuseUnknown(argv: readonly string[], known: readonly string[]): void {
  for (const argument of argv) {
    if (argument === '--') return;
    const name = /^--([^=]+)/.exec(argument)?.[1];
    if (name === undefined || known.includes(name)) continue;
    const near = nearest(name, known);
    throw usage(`there is no flag --${name}${near === undefined ? '' : ` (did you mean --${near}?)`}`);
  }
}

/**
 * What is said by its place: digits in front are the port, and a folder is the root whatever it is called. What is none is
 * the application if it is a module (`x.js`, `x.js:name`, `x:name`), or a mount (`/path=folder`).
 */
function addPlaces(settings: Map<SettingName, Given>, places: readonly string[], flagged: readonly string[]): void {
  if (places.includes('')) throw usage('an argument is empty');
  const named = places.map((place) => ({ place, name: positionalKind(place) }));
  const mounts = named.filter(({ name }) => name === 'mount').map(({ place }) => place);
  if (mounts.length > 0) settings.set('mount', readFlag('mount', [...flagged, ...mounts]));
  const others = named.flatMap(({ place, name }) => (name === 'mount' ? [] : [{ place, name }]));
  const isPort = /^\d+$/.test(others[0]?.place ?? '');
  if (isPort) addPlace(settings, 'port', others[0]?.place ?? '');
  for (const { place, name } of others.slice(isPort ? 1 : 0)) {
    const before = settings.get(name);
    if (before?.origin === PLACES[name]) {
      throw usage(
        /^\d+$/.test(place) ? `the port must be the first argument: "${place}"` : `too many arguments: "${place}"`,
      );
    }
    addPlace(settings, name, place);
  }
}

/** How they are called in messages. */
const PLACES: Readonly<Record<'port' | 'root' | 'app', string>> = {
  port: 'the port',
  root: 'the folder',
  app: 'the application',
};

/** A thing that can be said by a flag or by its place, but once. */
function addPlace(settings: Map<SettingName, Given>, name: 'port' | 'root' | 'app', place: string): void {
  const before = settings.get(name);
  if (before === undefined) {
    settings.set(name, readFlag(name, [place], PLACES[name]));
    return;
  }
  const texts = [before.value].flat().map(String);
  const isMounted = name === 'app' && texts.every((text) => splitMount(text).path !== '');
  if (!isMounted) throw usage(`${PLACES[name]} is given twice: "${texts.join(', ')}" and "${place}"`);
  // Applications by their paths, and the one of all other paths.
  settings.set(name, readFlag(name, [...texts, place], PLACES[name]));
}

function usage(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
