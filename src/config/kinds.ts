// The kinds of values that settings have: what is allowed, what is said to be expected, and how a value is read
// from the text of a flag or a variable. It must not know which settings there are.

import { resolve } from 'node:path';
import {
  array,
  boolean,
  check,
  type GenericSchema,
  type InferOutput,
  integer,
  literal,
  maxValue,
  minLength,
  minValue,
  number,
  optional,
  picklist,
  pipe,
  rawCheck,
  record,
  regex,
  strictObject,
  string,
  transform,
  union,
} from 'valibot';
import { splitMount } from '../app/module-file.ts';
import { messageOf } from '../errors.ts';
import type { CacheRule } from '../files/cache-rules.ts';
import { checkSite, checkTypes, type HostOptions, hostsOf, mountsOf, type SiteOptions } from '../files/site-options.ts';
import { DIGITS, LIMITS } from '../limits.ts';
import {
  checkListen,
  LISTEN_FORMS,
  type ListenOption,
  MAX_FD,
  MAX_PORT,
  rebaseListen,
} from '../server/listen-address.ts';
import { problemText } from './problem.ts';

/** One kind of value. */
export interface ValueKind<T> {
  /** What a config file may say; what is said otherwise is brought into the same form by {@link fromTexts}. */
  readonly schema: GenericSchema<unknown, T>;
  /** What stands behind "must be" in a message. */
  readonly expected: string;
  /** A flag of this kind takes no value. */
  readonly isSwitch?: true;
  /** Several values can be given. */
  readonly isMany?: true;
  /** What the texts of a flag, as often as it was given, or a variable mean; what means nothing stays as it is. */
  readonly fromTexts: (texts: readonly string[]) => unknown;
  /** Makes paths absolute which are relative to `folder`: that of the config file. */
  rebase?(value: T, folder: string): T;
}

/** Which flag is repeated counts least: the last one wins. */
const last = (texts: readonly string[]): string | undefined => texts.at(-1);

const NAME = pipe(
  string(),
  minLength(1),
  check((value) => !value.includes('\0')),
);

/** `what`: how the number is called in messages. */
export function whole(min: number, max: number, what = 'a whole number'): ValueKind<number> {
  return {
    schema: union([
      pipe(number(), integer(), minValue(min), maxValue(max)),
      pipe(string(), regex(DIGITS), transform(Number), minValue(min), maxValue(max)),
    ]),
    expected: `${what} from ${min} to ${max}`,
    fromTexts: last,
  };
}

export const toggle: ValueKind<boolean> = {
  // Quoted, as templates of config files leave it.
  schema: union([
    boolean(),
    pipe(
      picklist(['true', 'false']),
      transform((value) => value === 'true'),
    ),
  ]),
  expected: 'true or false',
  isSwitch: true,
  fromTexts: (texts) => {
    const text = last(texts) ?? '';
    return text === '1' ? true : text === '0' ? false : text;
  },
};

/** `mayBeEmpty`: the empty text means something. */
export function text(expected = 'text', mayBeEmpty = false): ValueKind<string> {
  return { schema: mayBeEmpty ? string() : NAME, expected, fromTexts: last };
}

export function choice<const T extends string>(names: readonly T[]): ValueKind<T> {
  return { schema: picklist(names), expected: `one of ${names.join(', ')}`, fromTexts: last };
}

/** A file or folder. */
export function path(expected: string): ValueKind<string> {
  return { schema: NAME, expected, fromTexts: last, rebase: (value, folder) => resolve(folder, value) };
}

/** A file, `-` for standard output, or false. */
export const logFile: ValueKind<string | false> = {
  schema: union([
    literal(false),
    pipe(
      literal('false'),
      transform(() => false as const),
    ),
    NAME,
  ]),
  expected: 'a file, "-" or false',
  fromTexts: last,
  rebase: (value, folder) => (value === false || value === '-' ? value : resolve(folder, value)),
};

const SEVERAL = union([NAME, array(NAME)]);

const severalTexts: ValueKind<readonly string[]> = {
  schema: pipe(
    SEVERAL,
    transform((value): readonly string[] => [value].flat()),
  ),
  expected: 'text, or a list of it',
  isMany: true,
  fromTexts: (texts) => texts,
};

/** Files and folders, several. */
export const paths: ValueKind<readonly string[]> = {
  ...severalTexts,
  expected: 'a path, or a list of them',
  rebase: (value, folder) => value.map((each) => resolve(folder, each)),
};

/** Modules of applications, each perhaps behind the path that it is mounted at. One alone is its text. */
export const applications: ValueKind<string | readonly string[]> = {
  schema: pipe(
    SEVERAL,
    transform((value): string | readonly string[] => {
      const [only, ...others] = [value].flat();
      return only !== undefined && others.length === 0 ? only : value;
    }),
  ),
  expected: 'MODULE or MODULE:NAME',
  isMany: true,
  fromTexts: (texts) => texts,
  rebase: (value, folder) => {
    const rebased = [value].flat().map((each) => {
      const { path: mountPath, module } = splitMount(each);
      return mountPath === '' ? resolve(folder, module) : `${mountPath}=${resolve(folder, module)}`;
    });
    return typeof value === 'string' ? (rebased[0] ?? value) : rebased;
  },
};

/** An option of a site: its own check has the last word. */
function siteOption<T>(
  schema: GenericSchema<unknown, T>,
  optionsOf: (value: T) => SiteOptions,
): GenericSchema<unknown, T> {
  return pipe(
    schema,
    rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      try {
        checkSite(optionsOf(dataset.value));
      } catch (error) {
        addIssue({ message: messageOf(error).replace(/^site\.\w+ /, '') });
      }
    }),
  );
}

const BACKLOG = optional(whole(LIMITS.backlog.min, LIMITS.backlog.max).schema);

const LISTEN_EXPECTED = `${LISTEN_FORMS}, or an object with host and port, path and mode (a text), or fd`;
const NO_LISTEN = (): string => `must be ${LISTEN_EXPECTED}`;

/** The mode is a text: YAML reads 660 and 0660 as decimal numbers. */
const LISTEN_ITEM = union([
  NAME,
  strictObject({ host: NAME, port: whole(0, MAX_PORT).schema, backlog: BACKLOG }, NO_LISTEN),
  strictObject({ path: NAME, mode: optional(string()), backlog: BACKLOG }, NO_LISTEN),
  strictObject({ fd: whole(0, MAX_FD).schema, backlog: BACKLOG }, NO_LISTEN),
]);

/** Addresses to listen on. They stay as they are written: `serve` takes the same. */
export const addresses: ValueKind<readonly ListenOption[]> = {
  schema: pipe(
    union([LISTEN_ITEM, array(LISTEN_ITEM)]),
    transform((value): readonly ListenOption[] => [value].flat()),
    rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      try {
        dataset.value.forEach(checkListen);
      } catch (error) {
        addIssue({ message: messageOf(error) });
      }
    }),
  ),
  expected: LISTEN_EXPECTED,
  isMany: true,
  fromTexts: (texts) => texts,
  rebase: (value, folder) => value.map((each) => rebaseListen(each, folder)),
};

/** Names of files. */
export const index: ValueKind<readonly string[]> = {
  ...severalTexts,
  schema: siteOption(severalTexts.schema, (value) => ({ index: value })),
  expected: 'a file name, or a list of them',
};

export const spa: ValueKind<string> = {
  ...text('a path below the root, such as index.html'),
  schema: siteOption(NAME, (value) => ({ spa: value })),
};

export const charset: ValueKind<string> = {
  ...text('a name such as utf-8', true),
  schema: siteOption(string(), (value) => ({ charset: value })),
};

/** Cache-Control: `[PATTERN:]VALUE`, a list of them, or values by pattern. */
export const rules: ValueKind<readonly CacheRule[]> = {
  schema: siteOption(
    pipe(
      union([SEVERAL, record(NAME, string())]),
      transform((value): readonly CacheRule[] =>
        typeof value === 'string' || Array.isArray(value)
          ? [value].flat().map(ruleOf)
          : Object.entries(value).map(([pattern, each]) => ({ pattern, value: each })),
      ),
    ),
    (value) => ({ cacheControl: value }),
  ),
  expected: '"[PATTERN:]VALUE", a list of them, or values by pattern',
  isMany: true,
  fromTexts: (texts) => texts,
};

/** What Cache-Control says in a response: RFC 9111 section 5.2.2, RFC 5861, RFC 8246. */
const DIRECTIVES: ReadonlySet<string> = new Set([
  ...['max-age', 's-maxage', 'no-cache', 'no-store', 'no-transform', 'must-revalidate', 'proxy-revalidate'],
  ...['must-understand', 'private', 'public', 'immutable', 'stale-while-revalidate', 'stale-if-error'],
]);

/** No value of Cache-Control has a colon. What has none is a value for all files, or a pattern whose value is missing. */
function ruleOf(given: string): CacheRule {
  const colon = given.indexOf(':');
  if (colon >= 0) return { pattern: given.slice(0, colon).trim(), value: given.slice(colon + 1).trim() };
  const directives = given.split(',').map((directive) => (directive.split('=')[0] ?? '').trim().toLowerCase());
  const isValue = directives.some((name) => DIRECTIVES.has(name));
  return isValue ? { pattern: '**', value: given.trim() } : { pattern: given.trim(), value: '' };
}

type Texts = Readonly<Record<string, string>>;

/** What is written `KEY=VALUE`, as a list of them, or as a mapping. `examine` throws what is wrong. */
function pairs(example: string, examine: (value: Texts) => unknown): ValueKind<Texts> {
  return {
    schema: pipe(
      union([SEVERAL, record(NAME, NAME)]),
      rawCheck(({ dataset, addIssue }) => {
        if (!dataset.typed) return;
        try {
          examine(pairsOf(dataset.value, example));
        } catch (error) {
          addIssue({ message: messageOf(error) });
        }
      }),
      transform((value): Texts => pairsOf(value, example)),
    ),
    expected: `written like ${example}`,
    isMany: true,
    fromTexts: (texts) => texts,
  };
}

/** Folders by what they are for. */
function folders(example: string, examine: (value: Texts) => unknown): ValueKind<Texts> {
  return {
    ...pairs(example, examine),
    rebase: (value, folder) =>
      Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolve(folder, each)])),
  };
}

/** @throws Error: not two things with `=` between them, or the first of them twice. */
function pairsOf<T>(
  given: string | readonly string[] | Readonly<Record<string, string | T>>,
  example: string,
): Readonly<Record<string, string | T>> {
  const list = typeof given === 'string' ? [given] : given;
  if (!isList(list)) return list;
  const found = new Map<string, string>();
  for (const pair of list) {
    const equals = pair.indexOf('=');
    const [key, value] = [pair.slice(0, equals), pair.slice(equals + 1)];
    if (equals < 1 || value === '') throw new Error(`must be written like ${example}, not "${pair}"`);
    if (found.has(key)) throw new Error(`gives ${key} twice: "${found.get(key)}" and "${value}"`);
    found.set(key, value);
  }
  return Object.fromEntries(found);
}

function isList(value: readonly string[] | Readonly<Record<string, unknown>>): value is readonly string[] {
  return Array.isArray(value);
}

export const mounts: ValueKind<Texts> = folders('/assets=./dist', mountsOf);

/** Media types by the ending of a name. */
export const types: ValueKind<Texts> = pairs('.glsl=text/plain', checkTypes);

/** An option of a host, whose problems name it. `key`: in a config file. */
function ofHost<T>(
  key: string,
  { schema, expected }: Pick<ValueKind<T>, 'schema' | 'expected'>,
): GenericSchema<unknown, T> {
  const naming = rawCheck<T>(({ dataset: { issues, value }, addIssue }) => {
    if (issues === undefined) return;
    addIssue({ message: problemText({ where: `${key} of a host`, issues, expected, written: value }) });
  });
  return pipe(schema, naming);
}

/** What a host has of its own, under the keys that a config file has for it. */
const HOST = strictObject(
  {
    root: ofHost('root', { schema: NAME, expected: 'a folder' }),
    index: optional(ofHost('index', index)),
    listing: optional(ofHost('listing', toggle)),
    'clean-urls': optional(ofHost('clean-urls', toggle)),
    spa: optional(ofHost('spa', { ...spa, schema: union([spa.schema, literal(false)]) })),
    'cache-control': optional(ofHost('cache-control', rules)),
    type: optional(ofHost('type', types)),
    charset: optional(ofHost('charset', charset)),
    dotfiles: optional(ofHost('dotfiles', toggle)),
    compression: optional(ofHost('compression', toggle)),
    'security-headers': optional(ofHost('security-headers', toggle)),
    mount: optional(ofHost('mount', mounts)),
  },
  ({ expected, path }) => {
    const key = String(path?.at(-1)?.key);
    return expected === 'never' ? `a host has no option "${key}" of its own` : `a host needs "${key}"`;
  },
);

/** A host without undefined options, which would be inherited ones. */
function hostOf(given: InferOutput<typeof HOST>): HostOptions {
  const names: Readonly<Record<string, string>> = {
    'clean-urls': 'cleanUrls',
    'cache-control': 'cacheControl',
    'security-headers': 'securityHeaders',
    type: 'types',
    mount: 'mounts',
  };
  const options = Object.entries(given).filter(([, value]) => value !== undefined);
  return { root: given.root, ...Object.fromEntries(options.map(([key, value]) => [names[key] ?? key, value])) };
}

type Hosts = NonNullable<SiteOptions['hosts']>;

const HOST_EXAMPLE = 'www.example.org=./www';

/** Folders by host, or options with a folder among them. */
export const hosts: ValueKind<Hosts> = {
  schema: pipe(
    union([SEVERAL, record(NAME, union([NAME, pipe(HOST, transform(hostOf))]))]),
    rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      try {
        hostsOf(pairsOf(dataset.value, HOST_EXAMPLE));
      } catch (error) {
        addIssue({ message: messageOf(error) });
      }
    }),
    transform((value): Hosts => pairsOf(value, HOST_EXAMPLE)),
  ),
  expected: `written like ${HOST_EXAMPLE}`,
  isMany: true,
  fromTexts: (texts) => texts,
  rebase: (value, folder) =>
    Object.fromEntries(Object.entries(value).map(([host, each]) => [host, rebaseHost(each, folder)])),
};

function rebaseHost(host: string | HostOptions, folder: string): string | HostOptions {
  if (typeof host === 'string') return resolve(folder, host);
  const rebased = { ...host, root: resolve(folder, host.root) };
  const { mounts: own } = host;
  return own === undefined ? rebased : { ...rebased, mounts: mounts.rebase?.(own, folder) ?? own };
}
