// Reads the config file: YAML, of which JSON is a subset. Its keys are the names and groups of the options in code.
// Each message names the file, the line and the key.

import { isUtf8 } from 'node:buffer';
import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Document, LineCounter, Node, Pair } from 'yaml';
import { EpollServerError, messageOf } from '../errors.ts';
import { checkValue, type ItemPlace } from '../options/check.ts';
import { OPTION_GROUPS, optionAt, optionNamed, SHORT_FORMS, unknownText } from '../options/lookup.ts';
import { type Option, optionName } from '../options/option.ts';
import { shown } from '../options/problem.ts';
import { COMMAND_OPTIONS, type Given, type Layer } from './resolve.ts';

/** The file names that are tried in the current folder when no file is given. */
const CONFIG_NAMES: readonly string[] = ['epoll-server.config.yaml', 'epoll-server.config.json'];

/** The file of the tutorials. Another program may have a file of that name, with other keys. */
const TUTORIAL_CONFIG = 'web_server.conf';
const TUTORIAL_KEYS = /["'](?:static|dynamic)_path["']/;

/** Larger than any config file written by hand: a larger file is another kind of file. */
export const MAX_CONFIG_BYTES = 65_536;

/** The maximum number of nodes that aliases may expand to: a few lines could fill any memory ("billion laughs"). */
const MAX_ALIASES = 100;

/** Keys that every object has. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);

/** The key under which editors find the schema. */
const SCHEMA_KEY = '$schema';

/** The tutorials' names for an application's module, without its extension, and for its export. */
const MODULE_KEY = 'web_fram_name';
const EXPORT_KEY = 'web_app_name';

/** Options by their key in the tutorials. */
const byAlias: ReadonlyMap<string, Option> = new Map(
  COMMAND_OPTIONS.flatMap((option) => (option.alias === undefined ? [] : [[option.alias, option] as const])),
);

/** The tutorials' keys. */
const OTHER_KEYS: readonly string[] = [...byAlias.keys(), MODULE_KEY, EXPORT_KEY];

/**
 * The path of the config file in `folder`, if there is one.
 * @throws EpollServerError `ERR_CONFIG`: there are two.
 */
export function findConfig(folder: string): string | undefined {
  const found = CONFIG_NAMES.filter((name) => existsSync(join(folder, name)));
  if (found.length > 1) {
    throw new EpollServerError(
      'ERR_CONFIG',
      `there are two config files, ${found.join(' and ')}: remove one, or name one with --config`,
    );
  }
  return found[0] ?? (isOfTutorial(join(folder, TUTORIAL_CONFIG)) ? TUTORIAL_CONFIG : undefined);
}

function isOfTutorial(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    return TUTORIAL_KEYS.test(readText(path));
  } catch {
    return false;
  }
}

/** A config file as it was read. */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

/** @throws EpollServerError `ERR_CONFIG`: it cannot be read. */
export function loadConfig(path: string): ConfigFile {
  return { path, text: readText(path) };
}

/** The variable by which a child process or thread gets the config file that its parent has read. */
const VARIABLE = 'EPOLL_SERVER_CONFIG_TEXT';

/**
 * The environment that hands `file` to a child; null: there is none. The file on disk may be another one by now, or
 * broken: a worker that is replaced goes on with the settings of its group.
 */
export function configEnvironment(file: ConfigFile | null): Readonly<Record<string, string>> {
  // At most 64 KiB and a path: Linux allows 128 KiB for one variable.
  return { [VARIABLE]: file === null ? '' : `${JSON.stringify(file.path)}\n${file.text}` };
}

/** The file that the parent has read. Null: it has none; undefined: there is no parent. */
export function configOfParent(): ConfigFile | null | undefined {
  const handed = process.env[VARIABLE];
  if (handed === undefined || handed === '') return handed === '' ? null : undefined;
  const end = handed.indexOf('\n');
  return { path: String(JSON.parse(handed.slice(0, end))), text: handed.slice(end + 1) };
}

/** Removes the variable, so that programs which are started later do not see it. */
export function forgetParentConfig(): void {
  delete process.env[VARIABLE];
}

/**
 * Reads the settings in a config file. Paths in it are relative to its folder.
 * @throws EpollServerError `ERR_CONFIG` with the file, the line, the key, the value and the expected value.
 */
export async function parseConfig({ path, text }: ConfigFile): Promise<Layer> {
  const nul = text.indexOf('\0');
  if (nul >= 0) {
    const line = text.slice(0, nul).split('\n').length;
    throw new EpollServerError('ERR_CONFIG', `${path}:${line}: a NUL byte is not part of a text`);
  }
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(path.endsWith('.json') ? withoutComments(text) : text, {
    lineCounter: lines,
    prettyErrors: false,
  });
  const reader = new Reader(path, yaml, document, lines);
  return reader.read();
}

/** @throws EpollServerError `ERR_CONFIG`. */
function readText(path: string): string {
  const refuse = (why: string, cause?: unknown): EpollServerError =>
    new EpollServerError('ERR_CONFIG', `the config file ${path} ${why}`, { cause });
  let fd = -1;
  try {
    // Non-blocking: opening a FIFO without a writer would block for ever.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw refuse('is not a file');
    if (stats.size > MAX_CONFIG_BYTES) throw refuse(`has ${stats.size} bytes, the limit is ${MAX_CONFIG_BYTES}`);
    const bytes = Buffer.alloc(MAX_CONFIG_BYTES);
    const count = readSync(fd, bytes, 0, MAX_CONFIG_BYTES, 0);
    if (!isUtf8(bytes.subarray(0, count))) throw refuse('is not UTF-8 text');
    return bytes.toString('utf8', 0, count);
  } catch (error) {
    if (error instanceof EpollServerError) throw error;
    throw refuse(`cannot be read: ${messageOf(error)}`, error);
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

/** Removes comments: JSON with comments has `//`, YAML has `#`. Both are replaced by blanks, so that positions stay. */
function withoutComments(json: string): string {
  return json.replaceAll(/"(?:[^"\\\n]|\\.)*"?|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|#[^\n]*/g, (piece) =>
    isComment(piece) ? piece.replaceAll(/[^\n]/g, ' ') : piece,
  );
}

/** Not a string, and not an unterminated comment, which the parser rejects. */
function isComment(piece: string): boolean {
  if (piece.startsWith('/*')) return piece.length >= '/**/'.length && piece.endsWith('*/');
  return !piece.startsWith('"');
}

type Yaml = typeof import('yaml');

/** Converts one document to a layer of settings. */
class Reader {
  readonly #path: string;
  readonly #yaml: Yaml;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  readonly #given = new Map<string, Given>();
  /** The keys read so far, by the name of their option. */
  readonly #keys = new Map<string, string>();

  constructor(path: string, yaml: Yaml, document: Document.Parsed, lines: LineCounter) {
    this.#path = path;
    this.#yaml = yaml;
    this.#document = document;
    this.#lines = lines;
  }

  read(): Layer {
    const { errors, warnings, contents } = this.#document;
    const [problem] = [...errors, ...warnings];
    if (problem !== undefined) throw this.#wrong(problem.pos[0], `this is not valid YAML: ${problem.message}`);
    this.#refuseLoops();
    if (contents === null) return this.#given;
    if (!this.#yaml.isMap(contents)) {
      throw this.#wrong(
        contents.range[0],
        `a config file consists of keys and values, such as "port: 9000", not ${this.#kindOf(contents)}`,
      );
    }
    const tutorial = new Map<string, Named>();
    for (const pair of contents.items) this.#readPair(pair, tutorial);
    this.#setApplication(tutorial.get(MODULE_KEY), tutorial.get(EXPORT_KEY));
    return this.#given;
  }

  /** Reads one pair of the outermost mapping. */
  #readPair(pair: Pair<unknown, unknown>, tutorial: Map<string, Named>): void {
    const { key, offset } = this.#keyOf(pair);
    if (OPTION_GROUPS.has(key) && this.#yaml.isMap(pair.value)) {
      for (const member of pair.value.items) this.#readMember(key, member);
      return;
    }
    const value = this.#valueOf(pair, key);
    if (key === SCHEMA_KEY) return;
    if (key === MODULE_KEY || key === EXPORT_KEY) {
      if (typeof value !== 'string' || value === '')
        throw this.#wrong(offset, `${key} must be a name, not ${shown(value)}`);
      tutorial.set(key, { text: value, offset });
      return;
    }
    if (!OPTION_GROUPS.has(key))
      return this.#set(byAlias.get(key) ?? this.#optionAt(key, offset), key, value, offset, pair.value);
    const short = SHORT_FORMS[key];
    if (short === undefined || typeof value !== 'string')
      throw this.#wrong(offset, `${key} must have options below it, not ${shown(value)}`);
    this.#set(this.#optionAt(short, offset), key, value, offset);
  }

  /** Reads one pair within a group. */
  #readMember(group: string, pair: Pair<unknown, unknown>): void {
    const { key, offset } = this.#keyOf(pair);
    const path = `${group}.${key}`;
    this.#set(this.#optionAt(path, offset), path, this.#valueOf(pair, path), offset, pair.value);
  }

  /** `node`: that of the value, if it is one. */
  #set(option: Option, key: string, value: unknown, offset: number, node?: unknown): void {
    const name = optionName(option);
    const before = this.#keys.get(name);
    if (before !== undefined)
      throw this.#wrong(offset, `"${key}" and "${before}" are the same option: use one of them`);
    this.#keys.set(name, key);
    const origin = this.#at(offset);
    const itemAt = (index: number): ItemPlace => {
      const item = this.#yaml.isSeq(node) ? node.items[index] : undefined;
      const place = this.#yaml.isNode(item) ? this.#at(item.range?.[0] ?? offset) : origin;
      return { where: `${place}: ${key}`, place };
    };
    const checked = checkValue(option, value, { where: `${origin}: ${key}`, code: 'ERR_CONFIG', itemAt });
    const { kind } = option;
    const rebased = kind.rebase === undefined ? checked : kind.rebase(checked, dirname(resolve(this.#path)));
    this.#given.set(name, { value: rebased, origin });
  }

  /** Combines the two tutorial keys to one option. The module lies in their `dynamic_path`. */
  #setApplication(module: Named | undefined, exported: Named | undefined): void {
    if (module === undefined) {
      if (exported !== undefined) throw this.#wrong(exported.offset, `${EXPORT_KEY} needs ${MODULE_KEY}, the module`);
      return;
    }
    const folder = String(this.#given.get('dynamic')?.value ?? '.');
    const reference = join(folder, module.text) + (exported === undefined ? '' : `:${exported.text}`);
    this.#set(optionNamed('app'), MODULE_KEY, reference, module.offset);
  }

  #optionAt(path: string, offset: number): Option {
    const option = optionAt(path, 'command');
    if (option !== undefined) return option;
    if (path === 'config')
      throw this.#wrong(offset, 'a config file cannot name a config file: "config" is a flag only');
    throw this.#wrong(offset, unknownText('key', path, 'command', OTHER_KEYS));
  }

  #keyOf({ key }: Pair<unknown, unknown>): { key: string; offset: number } {
    const offset = this.#yaml.isNode(key) ? (key.range?.[0] ?? 0) : 0;
    if (!this.#yaml.isScalar(key) || typeof key.value !== 'string') {
      const what = this.#yaml.isScalar(key) ? shown(key.value) : 'a structure';
      throw this.#wrong(offset, `a key must be a name such as "port", not ${what}`);
    }
    return { key: key.value, offset };
  }

  #valueOf({ key, value }: Pair<unknown, unknown>, name: string): unknown {
    if (!this.#yaml.isNode(value)) return null;
    try {
      return value.toJS(this.#document, { maxAliasCount: MAX_ALIASES });
    } catch (error) {
      const offset = value.range?.[0] ?? (this.#yaml.isNode(key) ? (key.range?.[0] ?? 0) : 0);
      throw this.#wrong(offset, `${name}: ${messageOf(error)}`);
    }
  }

  /** Rejects an alias within the node it names, which would be infinite, and keys that every object has. */
  #refuseLoops(): void {
    this.#yaml.visit(this.#document, {
      Alias: (_key, alias, ancestors) => {
        const named = alias.resolve(this.#document);
        if (named !== undefined && ancestors.some((each) => each === named)) {
          throw this.#wrong(alias.range?.[0] ?? 0, `*${alias.source} refers to a node that contains it: a loop`);
        }
      },
      Pair: (_key, { key }) => {
        if (this.#yaml.isScalar(key) && RESERVED.has(String(key.value))) {
          throw this.#wrong(key.range?.[0] ?? 0, `unknown key ${shown(key.value)}`);
        }
      },
    });
  }

  #kindOf(node: Node): string {
    if (this.#yaml.isSeq(node)) return 'a list';
    return this.#yaml.isScalar(node) ? shown(node.value) : 'an alias';
  }

  #at(offset: number): string {
    return `${this.#path}:${this.#lines.linePos(offset).line}`;
  }

  #wrong(offset: number, text: string): EpollServerError {
    return new EpollServerError('ERR_CONFIG', `${this.#at(offset)}: ${text.replaceAll('\n', ' ')}`);
  }
}

interface Named {
  readonly text: string;
  readonly offset: number;
}
