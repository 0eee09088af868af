// Trailer fields, which follow the content of a message (RFC 9110 section 6.5).

import { type FieldInput, PrecompiledFields, pairsOf } from './fields.ts';

/**
 * Fields that a recipient needs before the content, or that a proxy checks first: framing, routing, request modifiers,
 * authentication, response control data, and content processing (RFC 9110 section 6.5.1).
 */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'cache-control',
  'connection',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expect',
  'expires',
  'host',
  'keep-alive',
  'location',
  'max-forwards',
  'pragma',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'retry-after',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'vary',
  'www-authenticate',
]);

/**
 * The lines of a trailer section, without the empty line that ends it.
 * @throws TypeError that names the field and the rule it breaks.
 */
export function trailerLines(input: FieldInput): string {
  const pairs = [...pairsOf(input)];
  const forbidden = pairs.find(([name]) => FORBIDDEN.has(name.toLowerCase()));
  if (forbidden !== undefined) {
    throw new TypeError(`"${forbidden[0]}" must not be a trailer field (RFC 9110 section 6.5.1)`);
  }
  return new PrecompiledFields(pairs).lines;
}
