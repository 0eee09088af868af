// Checks whether a connection may change its protocol (RFC 9110 section 7.8): the client requests one, and the server
// names it.

import { trimBlanks } from './blanks.ts';
import type { PrecompiledFields } from './fields.ts';

/** The parts of a request that the check needs. */
interface UpgradeRequest {
  readonly httpVersion: '1.0' | '1.1';
  header(name: string): string | undefined;
}

/** The reason why the response to `request` cannot be 101 with these fields; empty: it can. */
export function upgradeProblem(request: UpgradeRequest, fields: PrecompiledFields): string {
  if (request.httpVersion !== '1.1') return 'the request is HTTP/1.0, which has no Upgrade';
  const requested = listOf(request.header('upgrade'));
  if (requested.length === 0 || !listOf(request.header('connection')).includes('upgrade')) {
    return 'the request does not ask for it: it has no Upgrade field that its Connection field names';
  }
  if (fields.contentLength >= 0) return 'a 101 response has no content, and therefore no Content-Length';
  const given = fields.pairs().filter(([name]) => name.toLowerCase() === 'upgrade');
  const named = given.flatMap(([, value]) => listOf(value));
  if (named.length === 0) return 'the fields must name the protocol in Upgrade';
  const foreign = named.find((protocol) => !requested.includes(protocol));
  return foreign === undefined ? '' : `the request asks for ${requested.join(', ')}, and not for ${foreign}`;
}

/** The members of a comma-separated list in lower case: names of protocols are compared in any case. */
function listOf(value: string | undefined): readonly string[] {
  return (value ?? '').split(',').flatMap((member) => trimBlanks(member).toLowerCase() || []);
}
