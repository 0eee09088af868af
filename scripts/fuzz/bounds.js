// What a server may use while it is fuzzed. All of it is generous: a busy machine is no failure, a cost that grows with
// the square of what a client sends is one.

const MIB = 2 ** 20;

/** A well-behaved client's answer may take this long. */
export const PROBE_MS = 5_000;
export const PROBE_EVERY_MS = 100;

/** Processor time of one request alone, beside what its bytes cost; a collection of garbage may fall into it. */
const REQUEST_SECONDS = 0.06;
/** Some ten times what a byte costs that is read, decoded and echoed. */
const SECONDS_PER_BYTE = 3e-7;
/** A request that was too costly is tried again: the first time compiles, and garbage is somebody else's. */
export const COST_TRIES = 5;

export function costBound(bytes) {
  return REQUEST_SECONDS + bytes * SECONDS_PER_BYTE;
}

/** Processor time under load: starting, compressing each file once, and the same bounds for what was sent. */
export function loadBound({ connections, bytes }) {
  return 3 + connections * 0.02 + bytes * SECONDS_PER_BYTE;
}

/** Resident memory of one process at its worst. */
export const PEAK_BYTES = 512 * MIB;
/** How much larger a process may be in the end than it was when warm, for each of its heaps: caches and their slack. */
export const GROWTH_BYTES = 96 * MIB;

/** Files that may be kept open between two answers: more than a place has. */
export const OPEN_FILES = 64;
/** For descriptors and memory to come back. */
export const SETTLE_MS = 10_000;
