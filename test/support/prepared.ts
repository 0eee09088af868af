// Prepares what all tests of a file or of a `describe` share, such as a server: starting it for each test costs more
// than the tests do.

import { afterAll, beforeAll } from 'vitest';

type End = () => Promise<void> | void;

/** Registers what has to be done in the end; the last is done first. vitest's `onTestFinished` is one. */
export type AtEnd = (end: End) => void;

/** Runs `prepare` before the first test; the returned function has its result. */
export function prepared<T>(prepare: (atEnd: AtEnd) => Promise<T>): () => T {
  const ends: End[] = [];
  let result: { readonly value: T } | null = null;
  beforeAll(async () => {
    result = { value: await prepare((end) => ends.push(end)) };
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });
  return () => {
    if (result === null) throw new Error('it is ready when the first test runs, not before');
    return result.value;
  };
}
