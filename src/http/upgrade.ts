// Whether a connection may change its protocol (RFC 9110 section 7.8): the client asks for it, the server names what
// it changes to.

import { trimBlanks } from './blanks.ts';
import type { PrecompiledFields } from './fields.ts';

/** What decides of the request. */
interface UpgradeRequest {
  readonly httpVersion: '1.0' | '1.1';
  header(name: string): string | undefined;
}

/** Why the response to `request` cannot be 101 with these fields; empty: it can. */
export function upgradeProblem(request: UpgradeRequest, fields: PrecompiledFields): string {
  if (request.httpVersion !== '1.1') return 'the client speaks HTTP/1.0, which knows no upgrade';
  const asked = listOf(request.header('upgrade'));
  if (asked.length === 0 || !listOf(request.header('connection')).includes('upgrade')) {
    return 'the request does not ask for it: it has no Upgrade field that its Connection field names';
  }
  if (fields.contentLength >= 0) return 'a 101 response has no content, and therefore no Content-Length';
  const given = fields.pairs().filter(([name]) => name.toLowerCase() === 'upgrade');
  const named = given.flatMap(([, value]) => listOf(value));
  if (named.length === 0) return 'its fields must name the protocol, in Upgrade';
  const foreign = named.find((protocol) => !asked.includes(protocol));
  return foreign === undefined ? '' : `the request asks for ${asked.join(', ')}, and not for ${foreign}`;
}

/** The members of a comma-separated list. Names of protocols are compared in any case. */
function listOf(value: string | undefined): readonly string[] {
  return (value ?? '').split(',').flatMap((member) => trimBlanks(member).toLowerCase() || []);
}
