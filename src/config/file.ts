// The config file: YAML, which JSON is too. Every message names the file, the line and the key. It must not know
// what the settings do.

import { isUtf8 } from 'node:buffer';
import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Document, LineCounter, Node, Pair } from 'yaml';
import { EpollServerError, messageOf } from '../errors.ts';
import { kebab, nearest } from './names.ts';
import { shown } from './problem.ts';
import { checkValue, type Given, type Layer } from './resolve.ts';
import { type AnySetting, SETTINGS, type SettingName } from './settings.ts';

/** What is looked for in the current folder when no file is named. */
export const CONFIG_NAMES: readonly string[] = ['epoll-server.config.yaml', 'epoll-server.config.json'];

/** Nobody writes more by hand; a file that is larger is another file. */
export const MAX_CONFIG_BYTES = 65_536;

/** Nodes that aliases may expand to: a few lines of them could fill any memory ("billion laughs"). */
const MAX_ALIASES = 100;

/** Keys that objects have anyway. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);

/** Editors look for their schema there. */
const SCHEMA_KEY = '$schema';

/** The tutorials' names for an application's module, without its ending, and for what it exports. */
const MODULE_KEY = 'web_fram_name';
const EXPORT_KEY = 'web_app_name';

const byKey: ReadonlyMap<string, AnySetting> = new Map([
  ...SETTINGS.map((setting) => [kebab(setting.name), setting] as const),
  ...SETTINGS.flatMap((setting) => (setting.alias === undefined ? [] : [[setting.alias, setting] as const])),
]);

/**
 * The path of the config file in `folder`, if there is one.
 * @throws EpollServerError `ERR_CONFIG`: there are two.
 */
export function findConfig(folder: string): string | undefined {
  const found = CONFIG_NAMES.filter((name) => existsSync(join(folder, name)));
  if (found.length > 1) {
    throw new EpollServerError('ERR_CONFIG', `there are ${found.join(' and ')}: remove one, or name one with --config`);
  }
  return found[0];
}

/**
 * What a config file says. Paths in it are relative to its folder.
 * @throws EpollServerError `ERR_CONFIG` that names the file, the line, the key, the value and what was expected.
 */
export async function readConfig(path: string): Promise<Layer> {
  const text = readText(path);
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
    // Non-blocking: a FIFO that nobody writes is no file, and must not be waited for.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw refuse('is no file');
    if (stats.size > MAX_CONFIG_BYTES) throw refuse(`has ${stats.size} bytes; at most ${MAX_CONFIG_BYTES} are read`);
    const bytes = Buffer.alloc(MAX_CONFIG_BYTES);
    const count = readSync(fd, bytes, 0, MAX_CONFIG_BYTES, 0);
    if (!isUtf8(bytes.subarray(0, count))) throw refuse('is not text in UTF-8');
    return bytes.toString('utf8', 0, count);
  } catch (error) {
    if (error instanceof EpollServerError) throw error;
    throw refuse(`cannot be read: ${messageOf(error)}`, error);
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

/** JSON with comments has them behind two slashes, YAML behind `#`: both are blanked, where they stand. */
function withoutComments(json: string): string {
  return json.replaceAll(/"(?:[^"\\\n]|\\.)*"?|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|#[^\n]*/g, (piece) =>
    isComment(piece) ? piece.replaceAll(/[^\n]/g, ' ') : piece,
  );
}

/** Not a string, nor a comment without end, which the parser refuses. */
function isComment(piece: string): boolean {
  if (piece.startsWith('/*')) return piece.length >= '/**/'.length && piece.endsWith('*/');
  return !piece.startsWith('"');
}

type Yaml = typeof import('yaml');

/** One document, on its way to a layer. */
class Reader {
  readonly #path: string;
  readonly #yaml: Yaml;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  readonly #given = new Map<SettingName, Given>();
  /** The keys so far, by setting. */
  readonly #keys = new Map<SettingName, string>();

  constructor(path: string, yaml: Yaml, document: Document.Parsed, lines: LineCounter) {
    this.#path = path;
    this.#yaml = yaml;
    this.#document = document;
    this.#lines = lines;
  }

  read(): Layer {
    const { errors, warnings, contents } = this.#document;
    const [problem] = [...errors, ...warnings];
    if (problem !== undefined) throw this.#wrong(problem.pos[0], `this is not YAML: ${problem.message}`);
    this.#refuseLoops();
    if (contents === null) return this.#given;
    if (!this.#yaml.isMap(contents)) {
      throw this.#wrong(
        contents.range[0],
        `a config file has keys and values, such as "port: 9000", not ${this.#kindOf(contents)}`,
      );
    }
    const tutorial = new Map<string, { readonly text: string; readonly offset: number }>();
    for (const pair of contents.items) {
      const { key, offset } = this.#keyOf(pair);
      const value = this.#valueOf(pair, key);
      if (key === SCHEMA_KEY) continue;
      if (key === MODULE_KEY || key === EXPORT_KEY) {
        if (typeof value !== 'string' || value === '')
          throw this.#wrong(offset, `${key} must be a name, not ${shown(value)}`);
        tutorial.set(key, { text: value, offset });
      } else this.#set(this.#settingOf(key, offset), key, value, offset);
    }
    this.#setApplication(tutorial.get(MODULE_KEY), tutorial.get(EXPORT_KEY));
    return this.#given;
  }

  #set(setting: AnySetting, key: string, value: unknown, offset: number): void {
    const { name, kind } = setting;
    const before = this.#keys.get(name);
    if (before !== undefined) throw this.#wrong(offset, `"${key}" and "${before}" mean the same: give one of them`);
    this.#keys.set(name, key);
    const origin = this.#at(offset);
    const checked = checkValue(setting, value, `${origin}: ${key}`, 'ERR_CONFIG');
    const rebased = kind.rebase === undefined ? checked : kind.rebase(checked, dirname(resolve(this.#path)));
    this.#given.set(name, { value: rebased, origin });
  }

  /** The tutorials' two names make one; the module lies in their `dynamic_path`. */
  #setApplication(module: Named | undefined, exported: Named | undefined): void {
    if (module === undefined) {
      if (exported !== undefined) throw this.#wrong(exported.offset, `${EXPORT_KEY} needs ${MODULE_KEY}, the module`);
      return;
    }
    const setting = this.#settingOf('app', module.offset);
    const folder = String(this.#given.get('dynamic')?.value ?? '.');
    const reference = join(folder, module.text) + (exported === undefined ? '' : `:${exported.text}`);
    this.#set(setting, MODULE_KEY, reference, module.offset);
  }

  #settingOf(key: string, offset: number): AnySetting {
    const setting = byKey.get(key);
    if (setting !== undefined) return setting;
    if (key === 'config') throw this.#wrong(offset, 'a config file cannot name a config file: "config" is a flag only');
    const near = nearest(key, [...byKey.keys(), MODULE_KEY, EXPORT_KEY]);
    throw this.#wrong(offset, `there is no key ${shown(key)}${near === undefined ? '' : ` (did you mean "${near}"?)`}`);
  }

  #keyOf({ key }: Pair<unknown, unknown>): { key: string; offset: number } {
    const offset = this.#yaml.isNode(key) ? (key.range?.[0] ?? 0) : 0;
    if (!this.#yaml.isScalar(key) || typeof key.value !== 'string') {
      const what = this.#yaml.isScalar(key) ? shown(key.value) : 'a structure';
      throw this.#wrong(offset, `a key is a name such as "port", not ${what}`);
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

  /** An alias within what it names has no end; and names that every object has would be lost. */
  #refuseLoops(): void {
    this.#yaml.visit(this.#document, {
      Alias: (_key, alias, ancestors) => {
        const named = alias.resolve(this.#document);
        if (named !== undefined && ancestors.some((each) => each === named)) {
          throw this.#wrong(alias.range?.[0] ?? 0, `*${alias.source} stands within what it names: a loop`);
        }
      },
      Pair: (_key, { key }) => {
        if (this.#yaml.isScalar(key) && RESERVED.has(String(key.value))) {
          throw this.#wrong(key.range?.[0] ?? 0, `there is no key ${shown(key.value)}`);
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
