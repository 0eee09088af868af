// The requests that the load generator sends. They are prepared, so that mixed heads cost the load generator no more
// work than identical ones.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLIENTS, requestText } from './clients.js';

/** One client of each kind, each with several connections, as browsers have. */
export const LOAD_CLIENTS = CLIENTS.length;

export const HEADS = ['identical', 'mixed'];

const CHANGING_TARGETS = 100;
const CHANGING = /@@@@@@/;

/** Six digits that are unique among the targets of a client. */
function digits(client, index) {
  return `${100_000 + ((client * 7_919 + index * 104_729) % 900_000)}`;
}

/** The targets of a workload for each request. With identical heads there is one, as of a load generator. */
export function targetsOf(targetOf, heads, client) {
  if (heads === 'identical') return [targetOf(0).replace(CHANGING, '123456')];
  return Array.from({ length: CHANGING_TARGETS }, (_, index) =>
    targetOf(client).replace(CHANGING, digits(client, index)),
  );
}

/**
 * Writes the requests of each client into a new folder of `scratch` and returns the folder. `targets`: the targets of a
 * client. `more`: further field lines.
 */
export function writeRequests(scratch, name, heads, targets, more = []) {
  const folder = join(scratch, `${name}-${heads}`);
  mkdirSync(folder, { recursive: true });
  for (let client = 0; client < LOAD_CLIENTS; client++) {
    const texts = targets(client).map((target) => requestText(heads, client, target, more));
    writeFileSync(join(folder, `${client}`), texts.join(''), 'latin1');
  }
  return folder;
}

/** Reads the requests of a client that `writeRequests` wrote. */
export function readRequests(folder, client) {
  const texts = readFileSync(join(folder, `${client}`), 'latin1').split('\r\n\r\n');
  return texts.slice(0, -1);
}
