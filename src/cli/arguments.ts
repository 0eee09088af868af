// The command line: what may stand there, and what it means. It must not start anything.

import { parseArgs } from 'node:util';
import { EpollServerError, messageOf } from '../errors.ts';
import { LIMIT_NAMES, LIMITS, type LimitName, type Limits } from '../limits.ts';
import { isLogFormat, LOG_FORMATS, type LogFormat } from '../server/access-log.ts';
import { MAX_OFFLOAD_THREADS } from '../server/options.ts';
import type { SiteOptions } from '../server/site-options.ts';
import { isModelName, MODEL_NAMES, type ModelName } from './model.ts';
import { parseSite, SITE_FLAGS } from './site-arguments.ts';

/** One flag: how it is written and what it does. The README's table is compared with this list. */
export interface Flag {
  readonly name: string;
  readonly short?: string;
  /** What stands for its value in the help; absent: it takes none. */
  readonly value?: string;
  /** It may be given several times. */
  readonly many?: true;
  readonly text: string;
}

export const FLAGS: readonly Flag[] = [
  { name: 'port', short: 'p', value: 'PORT', text: 'TCP port; 0 lets the system choose (default 8080)' },
  { name: 'host', short: 'H', value: 'HOST', text: 'name or address to listen on (default 127.0.0.1; :: for all)' },
  { name: 'root', short: 'r', value: 'FOLDER', text: 'serve the files of this folder (default: the built-in site)' },
  {
    name: 'app',
    short: 'a',
    value: 'MODULE[:NAME]',
    text: 'serve an application, WSGI-style or fetch (NAME: default "application", "fetch" or "default")',
  },
  { name: 'offload', value: 'N', text: 'run the application in a pool of N threads (default 0: in this one)' },
  { name: 'model', short: 'm', value: 'NAME', text: 'how clients are served (default epoll)' },
  { name: 'workers', short: 'w', value: 'N', text: 'processes or threads (epoll, multiprocess, multithread)' },
  {
    name: 'backend',
    short: 'b',
    value: 'NAME',
    text: 'how to wait: epoll, poll, select, scan (default: the best here)',
  },
  {
    name: 'access-log',
    value: 'FILE|-',
    text: 'append a line an answer; "-" is standard output (default: only on a terminal)',
  },
  { name: 'no-access-log', text: 'write no access log, not even on a terminal' },
  { name: 'log-format', value: 'FORMAT', text: `${LOG_FORMATS.join(', ')} (default common)` },
  { name: 'trace', short: 't', text: 'show heads and who connects and leaves, on standard error' },
  { name: 'server-header', value: 'TEXT', text: 'the Server field; empty removes it (default epoll-server)' },
  ...SITE_FLAGS,
  { name: 'quiet', short: 'q', text: 'do not print the line that says where the server listens' },
  { name: 'help', short: 'h', text: 'show this text' },
  { name: 'version', short: 'v', text: 'show the version' },
];

/** What the command line asks for. */
export interface Arguments {
  readonly port: number;
  readonly host: string | undefined;
  readonly root: string | undefined;
  readonly app: string | undefined;
  /** Threads; 0: none. */
  readonly offload: number;
  readonly model: ModelName | undefined;
  /** 0: not said. */
  readonly workers: number;
  readonly backend: string | undefined;
  /** A file, `-`, `false` when refused, undefined when not said. */
  readonly accessLog: string | false | undefined;
  readonly logFormat: LogFormat;
  readonly trace: boolean;
  readonly serverHeader: string | undefined;
  readonly quiet: boolean;
  readonly help: boolean;
  readonly version: boolean;
  readonly limits: Partial<Limits>;
  readonly site: SiteOptions;
}

/** `keepAliveTimeoutMs` -> `keep-alive-timeout-ms`. */
export function limitFlag(name: LimitName): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** @throws EpollServerError `ERR_OPTION` that says which argument was wrong and what was expected. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parse(argv);
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const isSet = (name: string): boolean => values[name] === true;
  refuseEmpty(values, positionals);
  const places = placePositionals(positionals);
  const port = once('port', text('port'), places.port);
  const logFormat = text('log-format') ?? 'common';
  if (!isLogFormat(logFormat)) throw usage(`--log-format is one of ${LOG_FORMATS.join(', ')}, not "${logFormat}"`);
  const root = once('folder', text('root'), places.root);
  const app = once('application', text('app'), places.app);
  if (isSet('no-access-log') && text('access-log') !== undefined) {
    throw usage('give --access-log or --no-access-log, not both');
  }
  if (root !== undefined && app !== undefined) throw usage('give a folder or an application, not both');
  const site = parseSite((name) => listOf(values[name]), isSet, places.mounts);
  if (app !== undefined && Object.keys(site).length > 0) {
    throw usage('flags about files say how a folder is served: give a folder, not an application');
  }
  return {
    port: port === undefined ? 8080 : parsePort(port),
    host: text('host'),
    root,
    app,
    offload: parseOffload(text('offload'), app),
    model: parseModel(text('model')),
    workers: parseWorkers(text('workers')),
    backend: text('backend'),
    accessLog: isSet('no-access-log') ? false : text('access-log'),
    logFormat,
    trace: isSet('trace'),
    serverHeader: text('server-header'),
    quiet: isSet('quiet'),
    help: isSet('help'),
    version: isSet('version'),
    limits: parseLimits(text),
    site,
  };
}

/** An empty value is an unset variable of somebody's script, and must not become a default. */
function refuseEmpty(values: Values, positionals: readonly string[]): void {
  for (const { name } of FLAGS) {
    const isEmpty = listOf(values[name]).includes('');
    if (isEmpty && name !== 'server-header' && name !== 'charset') throw usage(`--${name} is empty`);
  }
  if (positionals.includes('')) throw usage('an argument is empty');
}

/** A thing that can be said by a flag or by its place, but once. */
function once(what: string, flag: string | undefined, place: string | undefined): string | undefined {
  if (flag !== undefined && place !== undefined) throw usage(`the ${what} is given twice: "${flag}" and "${place}"`);
  return flag ?? place;
}

type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** The values of a flag that may be given several times, or once. */
function listOf(value: Values[string]): readonly string[] {
  return [value].flat().filter((each) => typeof each === 'string');
}

function parse(argv: readonly string[]): { values: Values; positionals: readonly string[] } {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string; multiple: boolean }> = {};
  for (const flag of FLAGS) {
    const kind = { type: flag.value === undefined ? 'boolean' : 'string', multiple: flag.many === true } as const;
    options[flag.name] = flag.short === undefined ? kind : { ...kind, short: flag.short };
  }
  for (const name of LIMIT_NAMES) options[limitFlag(name)] = { type: 'string', multiple: false };
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
    // Options of `serve` are written the other way.
    const kebab = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const nearest = known
      .map((flag) => ({ flag, distance: editDistance(flag, kebab) }))
      .sort((a, b) => a.distance - b.distance)[0];
    const hint = nearest !== undefined && nearest.distance <= 3 ? ` (did you mean --${nearest.flag}?)` : '';
    throw usage(`there is no flag --${name}${hint}`);
  }
}

interface Places {
  readonly port?: string;
  readonly root?: string;
  readonly app?: string;
  readonly mounts: readonly string[];
}

/**
 * Digits are the port, `/path=folder` is a mount, `x:y` with a module in front of the colon an application, anything
 * else the root.
 */
function placePositionals(given: readonly string[]): Places {
  const mounts = given.filter((argument) => MOUNT.test(argument));
  return { ...placeOthers(given.filter((argument) => !MOUNT.test(argument))), mounts };
}

const MOUNT = /^\/[^=]*=/;

function placeOthers(positionals: readonly string[]): Omit<Places, 'mounts'> {
  const [first, second, third] = positionals;
  if (third !== undefined) throw usage(`too many arguments: "${third}"`);
  if (first === undefined) return {};
  const isPort = /^\d+$/.test(first);
  const what = isPort ? second : first;
  if (!isPort && second !== undefined) throw usage(`the port must be a number, not "${first}"`);
  const port = isPort ? { port: first } : {};
  if (what === undefined) return port;
  return isApplication(what) ? { ...port, app: what } : { ...port, root: what };
}

function isApplication(argument: string): boolean {
  return /\.[cm]?[jt]s(?::[^/]*)?$/.test(argument);
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535) throw usage(`the port must be a number from 0 to 65535, not "${text}"`);
  return port;
}

function parseOffload(text: string | undefined, app: string | undefined): number {
  if (text === undefined) return 0;
  const threads = /^\d{1,3}$/.test(text) ? Number(text) : -1;
  if (threads < 0 || threads > MAX_OFFLOAD_THREADS)
    throw usage(`--offload must be a whole number of threads from 0 to ${MAX_OFFLOAD_THREADS}, not "${text}"`);
  if (threads > 0 && app === undefined) throw usage('--offload needs an application: give MODULE:NAME or --app');
  return threads;
}

function parseModel(name: string | undefined): ModelName | undefined {
  if (name === undefined || isModelName(name)) return name;
  throw usage(`there is no model "${name}": choose from ${MODEL_NAMES.join(', ')}`);
}

/** More workers than this help nobody: the largest machines have a few hundred processors. */
const MAX_WORKERS = 256;

function parseWorkers(text: string | undefined): number {
  if (text === undefined) return 0;
  const workers = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (workers < 1 || workers > MAX_WORKERS) {
    throw usage(`--workers must be a whole number from 1 to ${MAX_WORKERS}, not "${text}"`);
  }
  return workers;
}

function parseLimits(text: (name: string) => string | undefined): Partial<Limits> {
  const limits: Partial<Record<LimitName, number>> = {};
  for (const name of LIMIT_NAMES) {
    const given = text(limitFlag(name));
    if (given === undefined) continue;
    const { min, max } = LIMITS[name];
    const value = /^\d{1,16}$/.test(given) ? Number(given) : -1;
    if (value < min || value > max) {
      throw usage(`--${limitFlag(name)} must be a whole number from ${min} to ${max}, not "${given}"`);
    }
    limits[name] = value;
  }
  return limits;
}

/** Levenshtein's distance, for hints. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function usage(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
