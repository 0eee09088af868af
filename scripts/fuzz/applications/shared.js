// Shared code of the applications of a fuzz run: parameters of routes, the planned failure, and a check that no
// application gets another client's address.
import { setTimeout as pause } from 'node:timers/promises';

const MAX_STREAM_BYTES = 2_000_000;
const MAX_PAUSE_MS = 100;

/** A number of a query, within bounds. */
export function numberOf(query, name, most) {
  const value = Number(new URLSearchParams(query).get(name) ?? 0);
  return Number.isFinite(value) ? Math.min(Math.max(Math.floor(value), 0), most) : 0;
}

/** The error that the server has to report; any other report is a failure. */
export function plannedFailure() {
  return new Error('planned failure');
}

/** Content in pieces of several sizes. */
export function* piecesOf(query) {
  for (let left = numberOf(query, 'n', MAX_STREAM_BYTES), size = 1; left > 0; size = Math.min(size * 3, 65_536)) {
    const piece = Buffer.alloc(Math.min(size, left), 'x');
    left -= piece.length;
    yield piece;
  }
}

/**
 * Waits, then compares the client's port with the one in its query. The query has it twice, so that a mutated request
 * does not count. `portOf` reads the port as late as an application may.
 */
export async function checkedPort(query, portOf) {
  await pause(numberOf(query, 'ms', MAX_PAUSE_MS));
  const [, once, again] = /(?:^|&)port=(\d+)-(\d+)(?:&|$)/.exec(query) ?? [];
  const port = String(portOf());
  if (once !== undefined && once === again && once !== port) {
    process.stderr.write(`fuzz: wrong address: the request of client ${once} had the port ${port}\n`);
  }
  return port;
}
