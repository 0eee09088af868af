// Everything that can be set, declared once: flags, variables, keys of config files, defaults, the help and the
// JSON Schema for editors are all made of this table. It must not know where values come from.

import { ADAPTERS, type AdapterName } from '../adapters/adapter-names.ts';
import { MAX_OFFLOAD_THREADS } from '../app/application.ts';
import type { CacheRule } from '../files/cache-rules.ts';
import type { SiteOptions } from '../files/site-options.ts';
import { LIMIT_NAMES, LIMITS, type LimitName, type Limits } from '../limits.ts';
import { LOG_FORMATS, type LogFormat } from '../log/access-log.ts';
import type { ListenOption } from '../server/listen-address.ts';
import {
  addresses,
  applications,
  charset,
  choice,
  hosts,
  index,
  logFile,
  mounts,
  path,
  paths,
  rules,
  spa,
  text,
  toggle,
  types,
  type ValueKind,
  whole,
} from './kinds.ts';
import { MODEL_NAMES, type ModelName } from './model-names.ts';

/** More workers than this help nobody: the largest machines have a few hundred processors. */
const MAX_WORKERS = 256;

/** One setting: what it may be and what it does. */
export interface SettingSpec<T> {
  readonly kind: ValueKind<T>;
  /** The letter of its flag. */
  readonly short?: string;
  /** What stands for its value in the help; none for a switch. */
  readonly value?: string;
  readonly text: string;
  /** Absent: it need not be set. */
  readonly byDefault?: T;
  /** The setting that says the same and more. Its default does not hold where that one is given. */
  readonly shortFor?: keyof OwnSettings;
  /** It says how the files of a folder are served. */
  readonly isAboutFiles?: true;
  /** What "write your own web server" tutorials call it in their `web_server.conf`. */
  readonly alias?: string;
}

/** The values of all settings; the names are those of `serve`'s options where it has them. */
export interface OwnSettings {
  readonly port: number;
  readonly host: string;
  readonly listen: readonly ListenOption[];
  readonly root: string;
  /** One alone is its text. */
  readonly app: string | readonly string[];
  readonly adapter: AdapterName;
  readonly dynamic: string;
  readonly dynamicSuffix: string;
  readonly watch: boolean;
  readonly offload: number;
  readonly model: ModelName;
  readonly workers: number;
  readonly backend: string;
  readonly accessLog: string | false;
  readonly logFormat: LogFormat;
  readonly trace: boolean;
  readonly serverHeader: string;
  readonly index: readonly string[];
  readonly listing: boolean;
  readonly cleanUrls: boolean;
  readonly spa: string;
  readonly cacheControl: readonly CacheRule[];
  readonly type: Readonly<Record<string, string>>;
  readonly charset: string;
  readonly dotfiles: boolean;
  readonly compression: boolean;
  readonly securityHeaders: boolean;
  readonly hide: readonly string[];
  readonly mount: Readonly<Record<string, string>>;
  readonly vhost: NonNullable<SiteOptions['hosts']>;
  readonly quiet: boolean;
}

const OWN: { readonly [Name in keyof OwnSettings]: SettingSpec<OwnSettings[Name]> } = {
  port: {
    kind: whole(0, 65_535),
    short: 'p',
    value: 'PORT',
    text: 'TCP port; 0 lets the system choose',
    byDefault: 8080,
    shortFor: 'listen',
    alias: 'port',
  },
  host: {
    kind: text('a name or an address'),
    short: 'H',
    value: 'HOST',
    text: 'name or address to listen on (:: for all)',
    byDefault: '127.0.0.1',
    shortFor: 'listen',
  },
  listen: {
    kind: addresses,
    value: 'ADDRESS',
    text: 'listen there instead: 127.0.0.1:8080, [::1]:8080, unix:/run/x.sock,mode=660, fd:3; may be given several times',
  },
  root: {
    kind: path('a folder'),
    short: 'r',
    value: 'FOLDER',
    text: 'serve the files of this folder (without it, an application and --dynamic: the built-in site)',
    alias: 'static_path',
  },
  app: {
    kind: applications,
    short: 'a',
    value: '[/PATH=]MODULE[:NAME]',
    text: 'an application; with a folder, it answers what the folder does not have (NAME: "application", "fetch" or "default"); with /PATH=, what is below that path; may be given several times',
  },
  adapter: {
    kind: choice(ADAPTERS),
    value: 'NAME',
    text: `what the application is written for: ${ADAPTERS.join(', ')} (without it: recognised by its shape)`,
  },
  dynamic: {
    kind: path('a folder'),
    value: 'FOLDER',
    text: 'each module of this folder answers at its own URL: clock.js at /clock',
    alias: 'dynamic_path',
  },
  dynamicSuffix: {
    kind: text('text such as .py'),
    value: 'SUFFIX',
    text: 'and with this behind its name too: .py for /clock.py',
  },
  watch: { kind: toggle, text: 'restart the application when its files change; the port stays open', byDefault: false },
  offload: {
    kind: whole(0, MAX_OFFLOAD_THREADS, 'a whole number of threads'),
    value: 'N',
    text: 'run the application in a pool of N threads; 0: in this one',
    byDefault: 0,
  },
  model: { kind: choice(MODEL_NAMES), short: 'm', value: 'NAME', text: 'how clients are served (without it: epoll)' },
  workers: {
    kind: whole(1, MAX_WORKERS),
    short: 'w',
    value: 'N',
    text: 'processes or threads (epoll, multiprocess, multithread)',
  },
  backend: {
    kind: text('the name of a back end'),
    short: 'b',
    value: 'NAME',
    text: 'how to wait: epoll, poll, select, scan (without it: the best here)',
  },
  accessLog: {
    kind: logFile,
    value: 'FILE|-',
    text: 'append a line an answer; "-" is standard output (without it: only on a terminal)',
  },
  logFormat: { kind: choice(LOG_FORMATS), value: 'FORMAT', text: LOG_FORMATS.join(', '), byDefault: 'common' },
  trace: {
    kind: toggle,
    short: 't',
    text: 'show heads and who connects and leaves, on standard error',
    byDefault: false,
  },
  serverHeader: {
    kind: text('text', true),
    value: 'TEXT',
    text: 'the Server field; empty removes it',
    byDefault: 'epoll-server',
  },
  index: {
    kind: index,
    value: 'NAME',
    text: 'what answers for a folder',
    byDefault: ['index.html'],
    isAboutFiles: true,
  },
  listing: {
    kind: toggle,
    text: 'list folders without an index, as a page or as JSON',
    byDefault: false,
    isAboutFiles: true,
  },
  cleanUrls: { kind: toggle, text: '/about is answered by about.html', byDefault: false, isAboutFiles: true },
  spa: {
    kind: spa,
    value: 'FALLBACK',
    text: 'a file of the root that answers navigations to what is not there, nor known to an application',
    isAboutFiles: true,
  },
  cacheControl: {
    kind: rules,
    value: '[PATTERN:]VALUE',
    text: 'Cache-Control of files that match; "@fingerprinted:immutable" for hashed names',
    isAboutFiles: true,
  },
  type: {
    kind: types,
    value: '.EXT=TYPE',
    text: 'another media type for names with an ending, as in .glsl=text/plain',
    isAboutFiles: true,
  },
  charset: { kind: charset, value: 'NAME', text: 'of text', byDefault: 'utf-8', isAboutFiles: true },
  dotfiles: { kind: toggle, text: 'serve names that begin with a dot', byDefault: false, isAboutFiles: true },
  compression: {
    kind: toggle,
    text: 'send .br, .zst and .gz siblings, and compress text that has none',
    byDefault: true,
    isAboutFiles: true,
  },
  securityHeaders: {
    kind: toggle,
    text: 'send X-Content-Type-Options and Referrer-Policy',
    byDefault: true,
    isAboutFiles: true,
  },
  hide: { kind: paths, value: 'PATH', text: 'never serve this file or folder of the root', isAboutFiles: true },
  mount: {
    kind: mounts,
    value: 'PATH=FOLDER',
    text: 'serve another folder below a path, as in /assets=./dist',
    isAboutFiles: true,
  },
  vhost: {
    kind: hosts,
    value: 'HOST=FOLDER',
    text: 'another root for a host; *.example.org for all below it; in a file, options too',
    isAboutFiles: true,
  },
  quiet: {
    kind: toggle,
    short: 'q',
    text: 'do not print the line that says where the server listens',
    byDefault: false,
  },
};

export type SettingName = keyof OwnSettings | LimitName;

/** What is set after all: what has a default always is. */
export type SettingValues = Limits & { readonly [Name in keyof OwnSettings]?: OwnSettings[Name] | undefined };

/** A setting whose type does not matter where it is used. */
export type AnySetting = SettingSpec<unknown> & { readonly name: SettingName };

function limit(name: LimitName): AnySetting {
  const { byDefault, min, max, text: what } = LIMITS[name];
  return { name, kind: whole(min, max), value: 'N', text: what, byDefault };
}

/** Without the bounds. */
export const OWN_SETTINGS: readonly AnySetting[] = Object.entries(OWN).map(([name, setting]) => ({
  ...setting,
  name: nameOf(name),
}));

function nameOf(name: string): SettingName {
  if (!isOwnName(name)) throw new Error(`epoll-server: broken invariant: ${name} is a setting`);
  return name;
}

function isOwnName(name: string): name is keyof OwnSettings {
  return Object.hasOwn(OWN, name);
}

/** In the order in which they are shown. */
export const SETTINGS: readonly AnySetting[] = [...OWN_SETTINGS, ...LIMIT_NAMES.map(limit)];
