// The workloads of bench/replay.js: the requests of each client, and the application.

import { requestText } from './clients.js';

/** Clients of a replay. All of them send a request in each turn, so that batches have one size. */
export const CLIENT_COUNT = 64;

/** Files of 1 KiB; each kind of client requests another one. */
export const FILE_COUNT = 8;

/** The placeholder in a target for six digits that change in each turn. */
const CHANGING = '@@@@@@';

const echoTarget = (client) => (client % 2 === 0 ? `/?name=${CHANGING}` : `/items/${CHANGING}?name=${CHANGING}`);
const fileTarget = (client) => `/k${client % FILE_COUNT}.txt?v=${CHANGING}`;

/**
 * By name. `app`: a handler of replay.js, or `files`. `targetOf`: the target of a client. `requests`: how many a client
 * sends at once (default 1). `isConditional`: requests carry the file's entity tag. `isSingle`: each connection carries
 * one request.
 */
export const WORKLOADS = {
  plaintext: { app: 'raw', targetOf: echoTarget },
  pipelined: { app: 'raw', targetOf: echoTarget, requests: 16 },
  file: { app: 'files', targetOf: fileTarget },
  'not-modified': { app: 'files', targetOf: fileTarget, isConditional: true },
  wsgi: { app: 'wsgi', targetOf: echoTarget },
  fetch: { app: 'fetch', targetOf: echoTarget },
  connection: { app: 'raw', targetOf: echoTarget, isSingle: true },
};

/** The heads of a workload: sixteen mixed requests of some clients do not fit into a slot of the kernel. */
export function headsOf(workload) {
  return WORKLOADS[workload].requests === undefined ? ['identical', 'mixed'] : ['identical'];
}

/**
 * The eight combinations that `bench:guard` counts: a workload, and whether the clients' heads are identical or mixed.
 */
export const GUARDED = [
  { workload: 'plaintext', heads: 'identical' },
  { workload: 'plaintext', heads: 'mixed' },
  { workload: 'pipelined', heads: 'identical' },
  { workload: 'file', heads: 'mixed' },
  { workload: 'not-modified', heads: 'mixed' },
  { workload: 'wsgi', heads: 'mixed' },
  { workload: 'fetch', heads: 'mixed' },
  { workload: 'connection', heads: 'mixed' },
];

/**
 * The bytes that a client sends in one turn, and the offsets of changing digits. With identical heads nothing changes:
 * all clients are one load generator. `tag`: the entity tag of the files, for conditional requests.
 */
export function requestOf(workload, heads, client, tag = null) {
  const { targetOf, requests = 1, isConditional = false, isSingle = false } = WORKLOADS[workload];
  const isMixed = heads === 'mixed';
  const target = isMixed ? targetOf(client) : targetOf(0).replaceAll(CHANGING, '123456');
  const more = [];
  if (isConditional && tag !== null) more.push(`If-None-Match: ${tag}`);
  if (isSingle) more.push('Connection: close');
  const bytes = Buffer.from(requestText(heads, client, target, more).repeat(requests), 'latin1');
  const digitsAt = [];
  for (let at = bytes.indexOf(CHANGING); at >= 0; at = bytes.indexOf(CHANGING, at + 1)) digitsAt.push(at);
  return { bytes, digitsAt };
}
