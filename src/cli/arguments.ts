// Parses the command line.

import { parseArgs } from 'node:util';
import { COMMAND_OPTIONS, type Given, type Layer, nearestOption, readFlag } from '../config/resolve.ts';
import { EpollServerError } from '../errors.ts';
import { optionNamed } from '../options/lookup.ts';
import { mountedModuleOf } from '../options/mounted-module.ts';
import { kebab } from '../options/names.ts';
import { nearest } from '../options/nearest.ts';
import { type Option, optionName } from '../options/option.ts';
import type { SettingName } from '../options/option-types.ts';
import { checkFlags } from './flag-check.ts';
import { positionalKind } from './positional.ts';

/** One flag: its spelling and its effect. */
export interface Flag {
  readonly name: string;
  readonly letter?: string | undefined;
  /** The placeholder of its value in the help; absent: the flag takes no value. */
  readonly placeholder?: string | undefined;
  /** Its value may be left out, and stands behind a `=` otherwise. */
  readonly isOptional?: true;
  readonly help: string;
}

/** Flags of the command itself; all other flags are options. */
export const COMMAND_FLAGS: readonly Flag[] = [
  {
    name: 'config',
    letter: 'c',
    placeholder: 'FILE',
    help: 'read options from this file (default: epoll-server.config.yaml or .json, if it exists)',
  },
  { name: 'check', help: 'check all options and load the application, without starting a server' },
  { name: 'print-config', help: 'print all settings and their origins' },
  {
    name: 'explain',
    placeholder: 'URL',
    help: 'print the rules for a request of this URL or path, in the order in which they apply, without starting a server',
  },
  { name: 'method', placeholder: 'NAME', help: 'the method of the request that --explain is about (default GET)' },
  {
    name: 'header-field',
    placeholder: "'Name: value'",
    help: 'a field of the request that --explain is about; may be repeated',
  },
  { name: 'help', letter: 'h', help: 'show this text' },
  { name: 'version', letter: 'v', help: 'show the version' },
];

/**
 * The flags of an option, as the help shows them. A switch that is on by default is shown as the flag that turns it
 * off.
 */
export function flagsOf(option: Option): readonly Flag[] {
  const { kind, letter, placeholder, help, default: usual } = option;
  const name = kebab(optionName(option));
  if (kind.mayHaveValue === true) return [{ name, letter, placeholder, isOptional: true, help }];
  if (kind.isSwitch === true) {
    return [usual === true ? { name: `no-${name}`, help: `do not ${help}` } : { name, letter, help }];
  }
  const isPlain = typeof usual === 'number' || (typeof usual === 'string' && usual !== '');
  const shown = Array.isArray(usual) && usual.length > 0 ? usual.join(', ') : isPlain ? String(usual) : '';
  const own = { name, letter, placeholder, help: shown === '' ? help : `${help} (default ${shown})` };
  return mayBeRefused(option) ? [own, { name: `no-${name}`, help: 'write no access log, even on a terminal' }] : [own];
}

/** Whether `--no-NAME` is valid though the option is not a switch. */
function mayBeRefused(option: Option): boolean {
  return optionName(option) === 'accessLog';
}

/** The parsed command line. */
export interface Arguments {
  readonly settings: Layer;
  readonly config: string | undefined;
  readonly check: boolean;
  /** The request whose rules are printed. */
  readonly explained: ExplainedRequest | null;
  readonly printConfig: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

/** @throws EpollServerError `ERR_OPTION` with the argument and the expected value. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parse(argv);
  const settings = new Map<SettingName, Given>();
  for (const option of COMMAND_OPTIONS) {
    const given = givenOf(option, values);
    // The names of COMMAND_OPTIONS are those of the settings.
    const name = optionName(option) as SettingName;
    if (given !== undefined) settings.set(name, readFlag(name, given));
  }
  addPlaces(settings, positionals, listOf(values['mount']));
  const config = listOf(values['config']).at(-1);
  if (config === '') throw usage('--config is empty');
  return {
    settings,
    config,
    check: values['check'] === true,
    explained: explainedOf(values),
    printConfig: values['print-config'] === true,
    help: values['help'] === true,
    version: values['version'] === true,
  };
}

/** A request as flags describe it. */
export interface ExplainedRequest {
  readonly url: string;
  readonly method: string;
  /** Texts of the form `Name: value`. */
  readonly fields: readonly string[];
}

function explainedOf(values: Values): ExplainedRequest | null {
  const url = listOf(values['explain']).at(-1);
  const method = listOf(values['method']).at(-1);
  const fields = listOf(values['header-field']);
  if (url === undefined && (method !== undefined || fields.length > 0)) {
    throw usage('--method and --header-field describe the request of --explain: add it');
  }
  if (url === '') throw usage('--explain is empty');
  return url === undefined ? null : { url, method: method ?? 'GET', fields };
}

type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** The values of a flag that may be given several times, or once. */
function listOf(value: Values[string]): readonly string[] {
  return [value].flat().filter((each) => typeof each === 'string');
}

/** The values given for an option: texts, or whether a switch is on. */
function givenOf(option: Option, values: Values): readonly string[] | boolean | undefined {
  const { kind } = option;
  const flag = kebab(optionName(option));
  const isRefused = values[`no-${flag}`] === true;
  const isGiven = values[flag] !== undefined;
  if (isRefused && isGiven) throw usage(`--${flag} and --no-${flag} conflict: use one of them`);
  if (isRefused) return false;
  if (!isGiven) return undefined;
  if (kind.isSwitch === true && kind.mayHaveValue !== true) return true;
  const texts = listOf(values[flag]);
  // An empty value comes from an unset variable of a script. It must not become a default.
  if (texts.includes('') && kind.mayBeEmpty !== true) throw usage(`--${flag} is empty`);
  return texts;
}

/** The description of a flag for parseArgs. */
interface ParsedFlag {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple: boolean;
}

function parsedFlags(): Record<string, ParsedFlag> {
  const flags: Record<string, ParsedFlag> = {};
  const add = (name: string, letter: string | undefined, isSwitch: boolean): void => {
    const short = letter === undefined ? {} : { short: letter };
    flags[name] = { type: isSwitch ? 'boolean' : 'string', ...short, multiple: !isSwitch };
  };
  for (const option of COMMAND_OPTIONS) {
    const { isSwitch = false, mayHaveValue = false } = option.kind;
    const name = kebab(optionName(option));
    add(name, option.letter, isSwitch && !mayHaveValue);
    if (isSwitch || mayBeRefused(option)) add(`no-${name}`, undefined, true);
  }
  for (const { name, letter, placeholder } of COMMAND_FLAGS) add(name, letter, placeholder === undefined);
  return flags;
}

/** Flags of switches that may have a value. */
const OPTIONAL: ReadonlySet<string> = new Set(
  COMMAND_OPTIONS.filter(({ kind }) => kind.mayHaveValue === true).map((option) => `--${kebab(optionName(option))}`),
);

/** parseArgs knows no optional values: `--cors` stands for `--cors=true`. */
function withValues(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return argv.map((each, at) => (OPTIONAL.has(each) && (end < 0 || at < end) ? `${each}=true` : each));
}

function parse(given: readonly string[]): { values: Values; positionals: readonly string[] } {
  const options = parsedFlags();
  const argv = withValues(given);
  checkFlags(argv, options, (name) => nearestFlag(name, Object.keys(options)));
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
  return { values, positionals };
}

/** The known flag nearest to `name`, which may also be the name of an option elsewhere. */
function nearestFlag(name: string, known: readonly string[]): string | undefined {
  const flag = nearest(name, known);
  if (flag !== undefined) return flag;
  const option = nearestOption(name);
  return option === undefined ? undefined : kebab(option);
}

/**
 * Adds positional arguments: digits in front are the port, and a folder is the root whatever its name. Any other
 * argument is the application if it is a module (`x.js`, `x.js:name`, `x:name`), or a mount (`/path=folder`).
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
    if (before?.origin === PLACES[name] && /^\d+$/.test(place)) {
      throw usage(`the port must be the first argument: "${place}"`);
    }
    addPlace(settings, name, place);
  }
}

/** Names of positional arguments in messages. */
const PLACES: Readonly<Record<'port' | 'root' | 'app', string>> = {
  port: 'the port',
  root: 'the folder',
  app: 'the application',
};

/** Adds an argument that can be given by a flag or by its position, but only once. */
function addPlace(settings: Map<SettingName, Given>, name: 'port' | 'root' | 'app', place: string): void {
  const before = settings.get(name);
  if (before === undefined) {
    settings.set(name, readFlag(name, [place], PLACES[name]));
    return;
  }
  const texts = [optionNamed(name).kind.written?.(before.value) ?? before.value].flat().map(String);
  const isMounted = name === 'app' && texts.every((text) => mountedModuleOf(text).path !== '');
  const way = name === 'port' ? '' : ` (mount one of them, as in /path=${place})`;
  if (!isMounted) throw usage(`${PLACES[name]} is given twice: "${texts.join(', ')}" and "${place}"${way}`);
  // Mounted applications, and the application of all other paths.
  settings.set(name, readFlag(name, [...texts, place], PLACES[name]));
}

function usage(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
