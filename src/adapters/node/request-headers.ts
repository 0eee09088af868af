// `headers` of a request, made of its head in one pass. What Node does with a second field of one name, Node itself shows.

import { NodeIncomingMessage } from './messages.ts';

export type RequestHeaders = Record<string, unknown>;

/** Adds a line as Node does. */
// A member that Node's types leave out.
const { _addHeaderLine: addLineOfNode } = NodeIncomingMessage.prototype as unknown as {
  _addHeaderLine(name: string, value: string, headers: RequestHeaders): void;
};

/** What becomes of the fields of one name. */
interface Rule {
  /** The name in lower case. */
  readonly key: string;
  /** Between several values. Empty: the first one counts. Null: Node's own method decides. */
  readonly separator: string | null;
}

const rules = new Map<string, Rule>();
const MAX_RULES = 1_000;
const MAX_NAME_CHARACTERS = 64;

function ruleOf(name: string): Rule {
  return rules.get(name) ?? learn(name);
}

function learn(name: string): Rule {
  const shown: RequestHeaders = {};
  for (const value of ['a', 'b']) Reflect.apply(addLineOfNode, {}, [name, value, shown]);
  const [key = ''] = Object.keys(shown);
  const value = shown[key];
  const separator = typeof value === 'string' ? value.slice(1, -1) : null;
  const rule = { key, separator };
  if (rules.size < MAX_RULES && name.length <= MAX_NAME_CHARACTERS) rules.set(name, rule);
  return rule;
}

/** Clients of kept connections send the same fields again: the last ones of each slot, and what they became. */
/** A power of two. */
const SLOTS = 256;
const MAX_KEPT_CHARACTERS = 2_048;
const kept: ({ readonly fields: string; readonly headers: RequestHeaders } | undefined)[] = new Array(SLOTS).fill(
  undefined,
);

/** A few characters are enough: a wrong slot costs time, and nothing else. */
const SAMPLES = 16;

function slotOf(fields: string): number {
  const { length } = fields;
  const step = Math.ceil(length / SAMPLES);
  let hash = length;
  for (let at = length % step; at < length; at += step) hash = (hash * 31 + fields.charCodeAt(at)) | 0;
  return hash & (SLOTS - 1);
}

/** The fields of `head`, which begins with a request line. Null: Node's own method decides. */
export function headersOf(head: string): RequestHeaders | null {
  const fields = head.slice(head.indexOf('\r', 2) + 2);
  // A part of a text keeps all of it in memory.
  if (head.length > MAX_KEPT_CHARACTERS) return parse(fields);
  const slot = slotOf(fields);
  const found = kept[slot];
  if (found !== undefined && found.fields === fields) return { ...found.headers };
  const headers = parse(fields);
  if (headers === null) return null;
  kept[slot] = { fields, headers };
  return { ...headers };
}

/** Values have no CR, and a line ends with CR LF. */
function parse(fields: string): RequestHeaders | null {
  const headers: RequestHeaders = {};
  let at = 0;
  for (let end = fields.indexOf('\r'); end > at; end = fields.indexOf('\r', at)) {
    const colon = fields.indexOf(':', at);
    const { key, separator } = ruleOf(fields.slice(at, colon));
    if (separator === null) return null;
    const value = trimmed(fields, colon + 1, end);
    const before = headers[key];
    if (typeof before !== 'string') headers[key] = value;
    else if (separator !== '') headers[key] = before + separator + value;
    at = end + 2;
  }
  return headers;
}

/** Without the blanks around a value. */
export function trimmed(text: string, from: number, to: number): string {
  let [start, end] = [from, to];
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
