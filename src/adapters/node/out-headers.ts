// The fields of a response, kept as Node keeps them: by name in lower case, with the name as it was given and the value.

export type OutHeaders = Record<string, readonly [string, unknown]>;

/** Without a prototype, as Node's. Of a literal without one V8 makes a dictionary, which costs several times as much. */
// Its prototype has no members, so that an instance has own ones only.
export const OutHeadersMap = function OutHeaders() {} as unknown as new () => OutHeaders;
OutHeadersMap.prototype = Object.create(null);

/** Names that were checked, in lower case: applications use the same again and again. */
const names = new Map<string, string>();
const MAX_NAMES = 1_000;
const MAX_NAME_CHARACTERS = 64;

const TOKEN = /^[\^_`a-zA-Z\-0-9!#$%&'*+.|~]+$/;
const ASCII = /^[\x20-\x7e]*$/;

/** Up to this length, a loop over characters beats a regular expression (measured on Node 20). */
const LOOP_CHARACTERS = 64;

/** `name` in lower case; empty when it is no name of a field, for which Node has an error. */
export function checkedName(name: unknown): string {
  if (typeof name !== 'string') return '';
  return names.get(name) ?? learn(name);
}

function learn(name: string): string {
  if (!TOKEN.test(name)) return '';
  const lower = name.toLowerCase();
  if (names.size < MAX_NAMES && name.length <= MAX_NAME_CHARACTERS) names.set(name, lower);
  return lower;
}

/** Whether a value is a number or visible ASCII. Of others, Node decides. */
export function isAsciiValue(value: unknown): boolean {
  if (typeof value !== 'string') return typeof value === 'number';
  if (value.length > LOOP_CHARACTERS) return ASCII.test(value);
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}
