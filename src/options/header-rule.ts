// A rule that sets, adds or removes response fields: `/docs/**: X-Robots-Tag: noindex`.

import { array, optional, record, strictObject, string, union } from 'valibot';
import { messageOf } from '../errors.ts';
import { precompileFields } from '../http/fields.ts';
import { NAME } from './kinds.ts';
import type { ValueKind } from './option.ts';
import { listed, patternOf, type Rule, rules } from './rule.ts';

/** Fields by name. */
type FieldTexts = Readonly<Record<string, string>>;

export interface HeaderRuleOptions {
  /** Default: all paths. */
  readonly pattern?: string | undefined;
  /** Replaces fields of these names. */
  readonly set?: FieldTexts | undefined;
  /** Adds field lines. */
  readonly add?: FieldTexts | undefined;
  readonly remove?: string | readonly string[] | undefined;
  /** `@hsts`, `@csp`, `@cross-origin-isolation`. */
  readonly preset?: string | readonly string[] | undefined;
}

export interface HeaderEdit {
  readonly kind: 'set' | 'add' | 'remove';
  readonly name: string;
  readonly value: string;
}

export interface HeaderRule extends Rule {
  readonly edits: readonly HeaderEdit[];
}

/** One year. Names below the host may belong to others, so includeSubDomains is left to rules and applications. */
const HSTS = 'max-age=31536000';

/** Everything from the site itself, no plugins, no frames of other sites. */
const CSP = "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'";

/** Fields by the name of a preset. */
const PRESETS: Readonly<Record<string, FieldTexts>> = {
  '@hsts': { 'Strict-Transport-Security': HSTS },
  '@csp': { 'Content-Security-Policy': CSP },
  // What `crossOriginIsolated` of a page requires (HTML standard), and that other sites embed nothing of this one.
  '@cross-origin-isolation': {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
  },
};

/** Fields that frame a message or belong to its connection: the server sends them itself. */
const RESERVED_FIELDS: ReadonlySet<string> = new Set([
  ...['connection', 'content-length', 'date', 'keep-alive', 'proxy-connection', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade'],
]);

const FORM = 'must be rules such as "/docs/**: X-Robots-Tag: noindex", "/docs/**: -Name" or "@hsts"';

/** A pattern ends at the first colon in front of a blank: that of an IPv6 host does not count. */
function parseHeaderRule(text: string): HeaderRuleOptions {
  if (text.startsWith('@')) return { preset: text.trim() };
  const found = /^(\S+?):\s+(\S.*)$/.exec(text) ?? /^([^:\s]+):(\S.*)$/.exec(text);
  const [, pattern, edit = ''] = found ?? [];
  if (pattern === undefined) throw new Error(`${FORM}, not ${JSON.stringify(text)}`);
  if (edit.startsWith('@')) return { pattern, preset: edit.trim() };
  if (edit.startsWith('-')) return { pattern, remove: edit.slice(1).trim() };
  const isAdded = edit.startsWith('+');
  const colon = edit.indexOf(':');
  const [name, value] = [edit.slice(isAdded ? 1 : 0, colon).trim(), edit.slice(colon + 1).trim()];
  if (colon < 0 || value === '') throw new Error(`${FORM}: ${JSON.stringify(text)} has no value`);
  return { pattern, [isAdded ? 'add' : 'set']: { [name]: value } };
}

/** @throws Error whose text follows "must be". */
export function headerRuleOf(given: HeaderRuleOptions, written: unknown): HeaderRule {
  const { pattern, set = {}, add = {}, remove, preset } = given;
  const presets = listed(preset).flatMap((name) => {
    const fields = PRESETS[name];
    if (fields === undefined)
      throw new Error(`must be one of the presets ${Object.keys(PRESETS).join(', ')}, not "${name}"`);
    return editsOf('set', fields);
  });
  const removed = listed(remove).map((name): HeaderEdit => ({ kind: 'remove', name, value: '' }));
  const edits = [...presets, ...removed, ...editsOf('set', set), ...editsOf('add', add)];
  if (edits.length === 0) throw new Error(`${FORM}, and this one changes nothing`);
  for (const edit of edits) checkEdit(edit);
  return { pattern: patternOf(pattern), edits, written };
}

function editsOf(kind: 'set' | 'add', fields: FieldTexts): readonly HeaderEdit[] {
  return Object.entries(fields).map(([name, value]) => ({ kind, name, value: value.trim() }));
}

function checkEdit({ kind, name, value }: HeaderEdit): void {
  const lower = name.toLowerCase();
  if (RESERVED_FIELDS.has(lower))
    throw new Error(`must be rules for fields of the content, not for ${name}, which the server sends itself`);
  if (lower === 'server' && kind === 'remove')
    throw new Error('must be rules that leave Server alone: use --server-header "" to remove it');
  try {
    precompileFields([[name, kind === 'remove' ? 'x' : value]]);
  } catch (error) {
    throw new Error(`must be rules with valid fields: ${messageOf(error)}`);
  }
}

const FIELDS = record(NAME, string());
const NAMES = union([NAME, array(NAME)]);

export const headerRules: ValueKind<readonly HeaderRule[]> = rules<HeaderRuleOptions, HeaderRule>({
  parse: parseHeaderRule,
  object: strictObject({
    pattern: optional(NAME),
    set: optional(FIELDS),
    add: optional(FIELDS),
    remove: optional(NAMES),
    preset: optional(NAMES),
  }),
  make: headerRuleOf,
  expected: '"PATTERN: Name: value", "PATTERN: +Name: value", "PATTERN: -Name", a preset, or a list of these',
  type: 'HeaderRuleOptions',
});
