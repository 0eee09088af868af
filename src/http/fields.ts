// Response fields: checked once and kept as the bytes to be sent. No value of an application can end a line or begin
// another (response splitting, CVE-2016-2216).

import { trimBlanks } from './blanks.ts';
import type { HeadBlock } from './head-block.ts';

/** Fields as an application passes them: a record, pairs (ordered, names may repeat), or {@link PrecompiledFields}. */
export type FieldInput =
  | PrecompiledFields
  | Readonly<Record<string, string | number | readonly string[]>>
  | readonly (readonly [string, string | number])[];

/** Fields that need no further check. */
interface MadeFields {
  readonly base: PrecompiledFields;
  readonly lines: string;
  readonly contentLength: number;
}

/** Fields that were made of others. */
interface EditedFields {
  /** What made them. */
  readonly by: object;
  readonly fields: PrecompiledFields;
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const DIGITS = /^[0-9]{1,15}$/;

/**
 * Fields of a response, checked and serialized. Make one for fields that are sent often:
 * `const PLAIN = precompileFields({ 'Content-Type': 'text/plain' })`.
 */
export class PrecompiledFields {
  /** Makes the type nominal, since its members are not part of the public type. */
  declare protected readonly brand: never;
  /** @internal `Name: value CRLF` lines, without Content-Length and those of the connection. */
  readonly lines: string;
  /** @internal */
  readonly hasDate: boolean;
  /** @internal */
  readonly hasServer: boolean;
  /** @internal */
  readonly hasRequestId: boolean;
  /** @internal The Content-Length that was given; -1: none. */
  readonly contentLength: number;
  /** @internal `Connection: close` was given. */
  readonly close: boolean;
  /** @internal The last head block made of these fields, which belongs to the HeadWriter that made it. */
  cached: HeadBlock | null = null;
  /** @internal The fields that a rule last made of these. */
  edited: EditedFields | null = null;

  /**
   * @internal
   * @throws TypeError that names the field and the rule it breaks.
   */
  constructor(pairs: Iterable<readonly [string, string]>, made?: MadeFields) {
    if (made !== undefined) {
      this.lines = made.lines;
      this.contentLength = made.contentLength;
      this.hasDate = made.base.hasDate;
      this.hasServer = made.base.hasServer;
      this.hasRequestId = made.base.hasRequestId;
      this.close = made.base.close;
      return;
    }
    let lines = '';
    let hasDate = false;
    let hasServer = false;
    let hasRequestId = false;
    let contentLength = -1;
    let close = false;
    for (const [name, given] of pairs) {
      const value = trimBlanks(given);
      checkField(name, value);
      switch (name.toLowerCase()) {
        case 'content-length':
          contentLength = parseLength(value, contentLength);
          continue;
        case 'connection':
          close ||= /(?:^|,)\s*close\s*(?:,|$)/i.test(value);
          continue;
        // Connection and Keep-Alive are the server's: a client would otherwise believe in another time-out than ours.
        case 'keep-alive':
        case 'proxy-connection':
          continue;
        case 'transfer-encoding':
          throw new TypeError(
            'Transfer-Encoding is set by the server: send the content with start() and write(), and it will be chunked',
          );
        case 'date':
          // Clients take several for malformed (RFC 9110 section 5.3). As in nginx, the first one counts.
          if (hasDate) continue;
          hasDate = true;
          break;
        case 'server':
          hasServer = true;
          break;
        case 'x-request-id':
          hasRequestId = true;
      }
      lines += `${name}: ${value}\r\n`;
    }
    this.lines = lines;
    this.hasDate = hasDate;
    this.hasServer = hasServer;
    this.hasRequestId = hasRequestId;
    this.contentLength = contentLength;
    this.close = close;
  }

  /** @internal The fields as pairs, for interfaces that do not take this object. */
  pairs(): [string, string][] {
    const lines = this.lines.split('\r\n').slice(0, -1);
    const pairs = lines.map((line): [string, string] => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)];
    });
    if (this.contentLength >= 0) pairs.push(['Content-Length', String(this.contentLength)]);
    if (this.close) pairs.push(['Connection', 'close']);
    return pairs;
  }
}

/**
 * `base` with more fields appended. `lines` are `Name: value CRLF`, made by the server itself and therefore not
 * checked. They must not contain the fields that {@link PrecompiledFields.lines} leaves out.
 */
export function extendFields(base: PrecompiledFields, lines: string, contentLength: number): PrecompiledFields {
  return new PrecompiledFields([], { base, lines: base.lines + lines, contentLength });
}

/** No fields at all. */
export const NO_FIELDS: PrecompiledFields = new PrecompiledFields([]);

/**
 * Checks and serializes fields once, for responses that are sent often.
 * @throws TypeError that names the field and the rule it breaks.
 */
export function precompileFields(input: FieldInput): PrecompiledFields {
  return input instanceof PrecompiledFields ? input : new PrecompiledFields(pairsGiven(input));
}

/** Names and values of `input`, not checked yet. @throws TypeError when `input` is neither a record nor pairs. */
export function pairsOf(input: FieldInput): Iterable<readonly [string, string]> {
  return input instanceof PrecompiledFields ? input.pairs() : pairsGiven(input);
}

function* pairsGiven(input: Exclude<FieldInput, PrecompiledFields>): Generator<readonly [string, string]> {
  if (typeof input !== 'object' || input === null) throw new TypeError('fields must be a record or pairs');
  if (isPairs(input)) {
    for (const pair of input) {
      if (!Array.isArray(pair) || pair.length !== 2) throw new TypeError('a field must be a pair [name, value]');
      yield [pair[0], textOf(pair[0], pair[1])];
    }
    return;
  }
  for (const [name, value] of Object.entries(input)) {
    if (typeof value === 'string' || typeof value === 'number') yield [name, textOf(name, value)];
    else if (Array.isArray(value)) for (const one of value) yield [name, textOf(name, one)];
    else throw new TypeError(`the value of field "${name}" must be a string, a number or an array of strings`);
  }
}

function isPairs(input: object): input is readonly (readonly [string, string | number])[] {
  return Array.isArray(input);
}

function textOf(name: unknown, value: unknown): string {
  if (typeof name !== 'string') throw new TypeError(`a field name must be a string, not ${typeof name}`);
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return value;
  throw new TypeError(`the value of field "${name}" must be a string or a number, not ${typeof value}`);
}

function checkField(name: string, value: string): void {
  if (!NAME.test(name))
    throw new TypeError(`${JSON.stringify(name)} is not a field name (RFC 9110 section 5.1: a token)`);
  if (!VALUE.test(value)) {
    throw new TypeError(`the value of field "${name}" contains a control character, such as CR, LF or NUL`);
  }
}

function parseLength(value: string, earlier: number): number {
  const length = DIGITS.test(value) ? Number(value) : -1;
  if (length < 0 || (earlier >= 0 && earlier !== length)) {
    throw new TypeError(`Content-Length must be one number of bytes, not ${JSON.stringify(value)}`);
  }
  return length;
}
