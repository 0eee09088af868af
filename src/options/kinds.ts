// The kinds of option values: which values are valid, how messages describe them, and how the text of a flag or
// variable is parsed.

import { resolve } from 'node:path';
import {
  array,
  boolean,
  check,
  custom,
  type GenericSchema,
  instance,
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
import { messageOf } from '../errors.ts';
import { AddressSet, NETWORK_FORMS } from './address-set.ts';
import { type CacheRule, cacheRuleOf, checkCacheRule } from './cache-rule.ts';
import { DIGITS } from './digits.ts';
import {
  checkListen,
  LISTEN_FORMS,
  type ListenOption,
  MAX_BACKLOG,
  MAX_FD,
  MAX_PORT,
  rebaseListen,
} from './listen-address.ts';
import { mountsOf } from './mount-paths.ts';
import { type MountedModule, mountedModuleOf, mountedModuleText } from './mounted-module.ts';
import type { ValueKind } from './option.ts';
import { fromSystemd, isSystemd, ONE_SOCKET } from './systemd-sockets.ts';
import { rebaseTls, type TlsOption } from './tls-option.ts';
import { rebaseUpstream, UPSTREAM_FORMS, upstreamPlaceOf } from './upstream-place.ts';

/** If a flag is repeated, its last value applies. */
const last = (texts: readonly string[]): string | undefined => texts.at(-1);

/** Text that is not empty. */
export const NAME: GenericSchema<string> = pipe(
  string(),
  minLength(1),
  check((value) => !value.includes('\0')),
);

export const SEVERAL: GenericSchema<string | string[]> = union([NAME, array(NAME)]);

/** `what`: the number's description in messages. */
export function whole(min: number, max: number, what = 'a whole number'): ValueKind<number> {
  return {
    schema: union([
      pipe(number(), integer(), minValue(min), maxValue(max)),
      pipe(string(), regex(DIGITS), transform(Number), minValue(min), maxValue(max)),
    ]),
    expected: `${what} from ${min} to ${max}`,
    type: 'number | string',
    result: 'number',
    range: [min, max],
    fromTexts: last,
  };
}

export function bytes(min: number, max: number): ValueKind<number> {
  return { ...whole(min, max, 'a whole number of bytes'), unit: 'bytes' };
}

export function bytesPerSecond(min: number, max: number): ValueKind<number> {
  return { ...whole(min, max, 'a whole number of bytes per second'), unit: 'bytes per second' };
}

export function milliseconds(min: number, max: number): ValueKind<number> {
  return { ...whole(min, max, 'a whole number of milliseconds'), unit: 'ms' };
}

export const toggle: ValueKind<boolean> = {
  // Quoted, as templates of config files write it.
  schema: union([
    boolean(),
    pipe(
      picklist(['true', 'false']),
      transform((value) => value === 'true'),
    ),
  ]),
  expected: 'true or false',
  type: 'boolean',
  isSwitch: true,
  fromTexts: (texts) => {
    const text = last(texts) ?? '';
    return text === '1' ? true : text === '0' ? false : text;
  },
};

export function text(expected = 'text'): ValueKind<string> {
  return { schema: NAME, expected, type: 'string', fromTexts: last };
}

/** Text that is valid as a field value of a response; may be empty. */
export function fieldText(expected: string, isAllowed: (value: string) => boolean): ValueKind<string> {
  return { schema: pipe(string(), check(isAllowed)), expected, type: 'string', mayBeEmpty: true, fromTexts: last };
}

/** `type`: the TypeScript name of the choice. */
export function choice<const T extends string>(names: readonly T[], type: string): ValueKind<T> {
  return { schema: picklist(names), expected: `one of ${names.join(', ')}`, type, fromTexts: last };
}

/** A file or folder. */
export function path(expected: string): ValueKind<string> {
  return { ...text(expected), rebase: (value, folder) => resolve(folder, value) };
}

/** A program: a name without a separator is looked up in PATH. */
export function programName(expected: string): ValueKind<string> {
  return { ...text(expected), rebase: (value, folder) => (value.includes('/') ? resolve(folder, value) : value) };
}

/** Permission bits of umask(2), as octal digits. */
export const umask: ValueKind<string> = {
  ...text('octal digits such as 027'),
  schema: pipe(string(), regex(/^0?[0-7]{3}$/)),
};

/** Log destinations that are no files: standard output and the system log. */
const NOT_FILES: readonly string[] = ['-', 'syslog'];

/** A file, or `syslog`. */
export const errorLogFile: ValueKind<string> = {
  ...text('a file or "syslog"'),
  rebase: (value, folder) => (NOT_FILES.includes(value) ? value : resolve(folder, value)),
};

/** A file, `-` for standard output, `syslog`, or false. */
export const logFile: ValueKind<string | false> = {
  schema: union([
    literal(false),
    pipe(
      literal('false'),
      transform(() => false as const),
    ),
    NAME,
  ]),
  expected: 'a file, "-", "syslog" or false',
  type: 'string | false',
  fromTexts: last,
  rebase: (value, folder) => (value === false || NOT_FILES.includes(value) ? value : resolve(folder, value)),
};

const severalTexts: ValueKind<readonly string[]> = {
  schema: pipe(
    SEVERAL,
    transform((value): readonly string[] => [value].flat()),
  ),
  expected: 'a string, or a list of strings',
  type: 'string | readonly string[]',
  result: 'readonly string[]',
  isVariadic: true,
  fromTexts: (texts) => texts,
};

/** Networks, each as text or several separated by commas. */
export const networks: ValueKind<readonly string[]> = {
  ...severalTexts,
  schema: pipe(
    examined(severalTexts.schema, (value) => new AddressSet(commaSeparated(value))),
    transform(commaSeparated),
  ),
  expected: NETWORK_FORMS,
};

function commaSeparated(texts: readonly string[]): readonly string[] {
  return texts.flatMap((each) => each.split(',')).map((each) => each.trim());
}

/** A list of files and folders. */
export const paths: ValueKind<readonly string[]> = {
  ...severalTexts,
  expected: 'a path, or a list of paths',
  rebase: (value, folder) => value.map((each) => resolve(folder, each)),
};

/** The suffix of module names in URLs. */
export const suffix: ValueKind<string> = {
  ...text('a suffix such as .py'),
  schema: pipe(
    NAME,
    check((value) => !/[\0/\\]/.test(value)),
  ),
};

/** In code: the application's name is that of a folder whose modules have URLs of their own. */
export const dynamicFolder: Pick<ValueKind, 'schema' | 'expected' | 'type'> = {
  schema: union([literal(true), strictObject({ suffix: optional(suffix.schema) })]),
  expected: 'true, or an object such as { suffix: ".py" }',
  type: 'true | { readonly suffix?: string | undefined }',
};

/** Modules of applications, each with an optional mount path. */
export const applications: ValueKind<readonly MountedModule[]> = {
  schema: pipe(
    SEVERAL,
    transform((value): readonly MountedModule[] => [value].flat().map(mountedModuleOf)),
  ),
  expected: 'MODULE or MODULE:NAME',
  type: 'string | readonly string[]',
  result: 'readonly MountedModule[]',
  isVariadic: true,
  fromTexts: (texts) => texts,
  rebase: (value, folder) => value.map(({ path: at, module }) => ({ path: at, module: resolve(folder, module) })),
  written: (value) => {
    const texts = value.map(mountedModuleText);
    return texts.length === 1 ? texts[0] : texts;
  },
};

/** Programs behind this server, each with an optional mount path; checked texts, since relative paths are made absolute. */
export const upstreams: ValueKind<readonly string[]> = {
  ...severalTexts,
  schema: examined(severalTexts.schema, (value) => value.forEach(upstreamPlaceOf)),
  expected: UPSTREAM_FORMS,
  rebase: (value, folder) => value.map((each) => rebaseUpstream(each, folder)),
};

/** `schema` with a check of its values; the error text of `examine` replaces other messages. */
function examined<T>(schema: GenericSchema<unknown, T>, examine: (value: T) => void): GenericSchema<unknown, T> {
  return pipe(
    schema,
    rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      try {
        examine(dataset.value);
      } catch (error) {
        addIssue({ message: messageOf(error) });
      }
    }),
  );
}

/** Options of any listener. */
const OWN = {
  backlog: optional(whole(1, MAX_BACKLOG).schema),
  tls: optional(toggle.schema),
  proxy: optional(toggle.schema),
};

const LISTEN_EXPECTED = `${LISTEN_FORMS}, or an object with host and port, path and mode (a string), or fd`;
const NO_LISTEN = (): string => `must be ${LISTEN_EXPECTED}`;

/** `mode`: the schema of a mode. */
function listenSchema(mode: GenericSchema): GenericSchema<unknown, readonly ListenOption[]> {
  const item = union([
    NAME,
    strictObject({ host: NAME, port: whole(0, MAX_PORT).schema, ...OWN }, NO_LISTEN),
    strictObject({ path: NAME, mode: optional(mode), ...OWN }, NO_LISTEN),
    strictObject({ fd: whole(0, MAX_FD).schema, ...OWN }, NO_LISTEN),
  ]);
  return examined(
    pipe(
      union([item, pipe(array(item), minLength(1))]),
      // Absent parts of an item are undefined. checkListen decides at the end, and accepts any mode.
      transform((value) => [value].flat() as readonly ListenOption[]),
    ),
    (value) => value.forEach(examineListen),
  );
}

/** Addresses to listen on, as users write them. */
export const addresses: ValueKind<readonly ListenOption[]> = {
  // YAML reads 660 and 0660 as decimal numbers, so a config file has to give the mode as text.
  schema: listenSchema(string()),
  expected: LISTEN_EXPECTED,
  type: 'ListenOption | readonly ListenOption[]',
  result: 'readonly ListenOption[]',
  isVariadic: true,
  fromTexts: (texts) => texts,
  rebase: (value, folder) => value.map((each) => rebaseListen(each, folder)),
};

/** The same in code, where a mode may also be a number such as 0o660. */
export const addressesInCode: ValueKind = { ...addresses, schema: listenSchema(union([string(), number()])) };

/** The sockets of systemd are looked up at the start. */
function examineListen(given: ListenOption): void {
  if (!isSystemd(given)) checkListen(given);
  else for (const each of fromSystemd(given, ONE_SOCKET)) checkListen(each);
}

function oneListenSchema(mode: GenericSchema): GenericSchema<unknown, ListenOption> {
  return pipe(
    listenSchema(mode),
    check((value) => value.length === 1),
    // The check before has found exactly one.
    transform((value) => value[0] as ListenOption),
  );
}

/** One address to listen on. */
export const oneAddress: ValueKind<ListenOption> = {
  schema: oneListenSchema(string()),
  expected: LISTEN_EXPECTED,
  type: 'ListenOption',
  fromTexts: last,
  rebase: (value, folder) => rebaseListen(value, folder),
};

/** The same in code. */
export const oneAddressInCode: ValueKind = { ...oneAddress, schema: oneListenSchema(union([string(), number()])) };

const PROTOCOLS = picklist(['TLSv1.2', 'TLSv1.3']);

/** `pem`: the schema of PEM or a path. */
function tlsSchema(pem: GenericSchema): GenericSchema<unknown, readonly TlsOption[]> {
  const pems = union([pem, array(pem)]);
  const shared = {
    ca: optional(pems),
    minVersion: optional(PROTOCOLS),
    ciphers: optional(NAME),
    requestCert: optional(boolean()),
    rejectUnauthorized: optional(boolean()),
    ALPNProtocols: optional(array(NAME)),
  };
  const problem = (): string => `must be ${TLS_EXPECTED}`;
  const item = union([
    NAME,
    strictObject({ cert: pems, key: pems, passphrase: optional(string()), ...shared }, problem),
    strictObject({ folder: NAME, ...shared }, problem),
  ]);
  return pipe(
    union([item, pipe(array(item), minLength(1))]),
    // Absent parts of an item are undefined, and `pem` has checked the others.
    transform((value) => [value].flat() as readonly TlsOption[]),
  );
}

const TLS_EXPECTED =
  'a folder of certificates, an object with folder, or cert and key (and passphrase, ca, minVersion, ciphers, requestCert, rejectUnauthorized, ALPNProtocols), or a list of these';

/** Certificates, as users give them. */
export const certificates: ValueKind<readonly TlsOption[]> = {
  schema: tlsSchema(NAME),
  expected: TLS_EXPECTED,
  type: 'TlsOption | readonly TlsOption[]',
  result: 'readonly TlsOption[]',
  isVariadic: true,
  fromTexts: (texts) => texts,
  rebase: (value, folder) => value.map((each) => rebaseTls(each, folder)),
};

/** The same in code, where PEM may also be bytes. */
export const certificatesInCode: ValueKind = {
  ...certificates,
  schema: tlsSchema(union([NAME, instance(Uint8Array)])),
};

function isFileName(value: string): boolean {
  return value !== '' && value !== '.' && value !== '..' && !/[/\\\0]/.test(value);
}

/** A list of file names. */
export const fileNames: ValueKind<readonly string[]> = {
  ...severalTexts,
  schema: pipe(
    severalTexts.schema,
    check((value) => value.every(isFileName)),
  ),
  expected: 'a file name, or a list of file names',
};

/** The path of a file below a root, or false. */
export const pathBelowRoot: ValueKind<string | false> = {
  ...text('a path below the root, such as index.html'),
  schema: union([
    literal(false),
    pipe(
      NAME,
      check((value) => value.replace(/^\//, '').split('/').every(isFileName)),
    ),
  ]),
  type: 'string | false',
};

const RULE = strictObject({ pattern: string(), value: string() });

/** Cache-Control: `[PATTERN:]VALUE`, an equivalent object, a list of these, or values by pattern. */
export const cacheRules: ValueKind<readonly CacheRule[]> = {
  schema: examined(
    pipe(
      union([NAME, array(union([NAME, RULE])), record(NAME, string())]),
      transform((value): readonly CacheRule[] => {
        if (typeof value === 'string') return [cacheRuleOf(value)];
        if (!Array.isArray(value)) return Object.entries(value).map(([pattern, each]) => ({ pattern, value: each }));
        return value.map((each) => (typeof each === 'string' ? cacheRuleOf(each) : each));
      }),
    ),
    (value) => value.forEach(checkCacheRule),
  ),
  expected: '"[PATTERN:]VALUE", a list of these, or values by pattern',
  type: 'string | readonly (string | CacheRule)[] | Readonly<Record<string, string>>',
  result: 'readonly CacheRule[]',
  isVariadic: true,
  fromTexts: (texts) => texts,
};

type Texts = Readonly<Record<string, string>>;

/** `KEY=VALUE` texts, as a list or as a mapping. `examine` throws the fault. */
function pairs(example: string, examine: (value: Texts) => unknown): ValueKind<Texts> {
  return {
    schema: pipe(
      examined(union([SEVERAL, record(NAME, NAME)]), (value) => examine(keyedPairs(value, example))),
      transform((value): Texts => keyedPairs(value, example)),
    ),
    expected: `of the form ${example}`,
    type: 'string | readonly string[] | Readonly<Record<string, string>>',
    result: 'Readonly<Record<string, string>>',
    isVariadic: true,
    fromTexts: (texts) => texts,
  };
}

/** @throws Error: a text without `=`, or the same key twice. */
export function keyedPairs<T>(
  given: string | readonly string[] | Readonly<Record<string, string | T>>,
  example: string,
): Readonly<Record<string, string | T>> {
  const list = typeof given === 'string' ? [given] : given;
  if (!isList(list)) return list;
  const found = new Map<string, string>();
  for (const pair of list) {
    const equals = pair.indexOf('=');
    const [key, value] = [pair.slice(0, equals), pair.slice(equals + 1)];
    if (equals < 1 || value === '') throw new Error(`must be of the form ${example}, not "${pair}"`);
    if (found.has(key)) throw new Error(`gives ${key} twice: "${found.get(key)}" and "${value}"`);
    found.set(key, value);
  }
  return Object.fromEntries(found);
}

function isList(value: readonly string[] | Readonly<Record<string, unknown>>): value is readonly string[] {
  return Array.isArray(value);
}

/** Folders by their mount path. */
export const mounts: ValueKind<Texts> = {
  ...pairs('/assets=./dist', (value) => mountsOf(Object.entries(value), 'a folder')),
  rebase: (value, folder) =>
    Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolve(folder, each)])),
};

const TYPE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+/;
/** A parameter's value is a token or a quoted string. */
const PARAMETER =
  /^[\t ]*;[\t ]*[!#$%&'*+.^_`|~0-9A-Za-z-]+=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[\t !#-[\]-~]|\\[\t -~])*")/;

/** Whether `text` is a media type, with or without parameters (RFC 9110 section 8.3.1). */
export function isMediaType(text: string): boolean {
  let rest = text.replace(TYPE, '');
  if (rest === text) return false;
  while (rest !== '') {
    const parameter = PARAMETER.exec(rest)?.[0];
    if (parameter === undefined) return false;
    rest = rest.slice(parameter.length);
  }
  return true;
}

/** @throws Error: a missing or repeated extension, or an invalid media type. */
function checkMediaTypes(types: Texts): void {
  const seen = new Set<string>();
  for (const [given, type] of Object.entries(types)) {
    const ending = given.toLowerCase();
    if (!/^\.[^./\\\0]+$/.test(ending)) throw new Error(`a media type needs an extension such as .md, not "${given}"`);
    if (seen.has(ending)) throw new Error(`the extension ${ending} is given twice`);
    if (!isMediaType(type)) throw new Error(`the media type of ${given} must be of the form text/plain, not "${type}"`);
    seen.add(ending);
  }
}

/** Media types by file extension. */
export const mediaTypes: ValueKind<Texts> = pairs('.glsl=text/plain', checkMediaTypes);

/** A function passed in code. `type`: its TypeScript type. */
export function callable(type: string): ValueKind {
  return { schema: custom(isFunction), expected: 'a function', type, fromTexts: last };
}

/** A fetch application: a function, or an object with a function `fetch`. */
export const fetchApplication: ValueKind = {
  schema: custom(
    (value) =>
      isFunction(value) || (typeof value === 'object' && value !== null && 'fetch' in value && isFunction(value.fetch)),
  ),
  expected: 'a function, or an object with a function "fetch"',
  type: 'FetchApplication',
  fromTexts: last,
};

export const abortSignal: ValueKind<AbortSignal> = {
  schema: instance(AbortSignal),
  expected: 'an AbortSignal',
  type: 'AbortSignal',
  fromTexts: last,
};

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}
