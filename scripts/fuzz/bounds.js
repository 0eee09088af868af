// Limits of what a server may use while it is fuzzed. They are generous: a busy machine must not fail a run, but a cost
// that grows with the square of a client's bytes has to.

const MIB = 2 ** 20;

/**
 * Time-outs of the servers: short enough that slow clients exceed them. On a busy machine valid clients may be that slow
 * too, so the server may time them out.
 */
export const DEADLINE_MS = 5_000;

/** How long a response to the well-behaved client may take. */
export const PROBE_MS = 5_000;
export const PROBE_EVERY_MS = 100;

/** Processor time of a single request, beside the cost of its bytes; a garbage collection may fall into it. */
const REQUEST_SECONDS = 0.06;
/** About ten times the cost of a byte that is read, decoded and echoed. */
const SECONDS_PER_BYTE = 3e-7;
/** A request that was too costly is repeated: the first time includes compilation, and garbage of earlier requests. */
export const COST_TRIES = 5;

export function costBound(bytes) {
  return REQUEST_SECONDS + bytes * SECONDS_PER_BYTE;
}

/** Processor time under load: starting, compressing each file once, and the same limits for the bytes sent. */
export function loadBound({ connections, bytes }) {
  return 3 + connections * 0.02 + bytes * SECONDS_PER_BYTE;
}

/** The peak of resident memory of one process. */
export const PEAK_BYTES = 512 * MIB;
/** The allowed growth of a warm process, for each of its JavaScript heaps: caches and slack. */
export const GROWTH_BYTES = 96 * MIB;

/** Files that may be kept open between two responses: more than a test site has. */
export const OPEN_FILES = 64;
/** How long descriptors and memory may take to be released. */
export const SETTLE_MS = 10_000;
