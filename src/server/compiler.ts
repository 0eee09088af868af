// Sets V8 options for the whole process before any code is hot, and for the rest of its life.
// Their names are those of `node --v8-options`.

import { setFlagsFromString } from 'node:v8';

/** Bounds of V8's optimizing compiler, in bytes of bytecode. */
const FLAGS = [
  // One inlined function. Default: 460, which the head parser and the response writer exceed.
  '--max-inlined-bytecode-size=1500',
  // All functions inlined into one function. Default: 920.
  '--max-inlined-bytecode-size-cumulative=10000',
  // The same for a call so hot that the previous bound does not apply. Default: 4,600.
  '--max-inlined-bytecode-size-absolute=10000',
] as const;

/**
 * Lets V8's optimizing compiler inline more than by default, so that a request's small functions become a few large
 * ones. This saves a sixth of the instructions (measured on Node 20: 5,500 instead of 6,600 a request) for some
 * milliseconds of compiling.
 * It affects the whole process, so only the command calls it, once, at its start.
 */
export function tuneCompiler(): void {
  for (const flag of FLAGS) {
    setFlagsFromString(flag);
  }
}
