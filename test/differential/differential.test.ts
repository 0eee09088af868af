// Tests that this server reads streams of valid and invalid requests as node:http does, except for named exceptions.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EXCEPTIONS } from './exceptions.ts';
import { stream } from './grammar.ts';
import { readOurs } from './ours.ts';
import { type Difference, differenceOf } from './reading.ts';
import { TheirReader } from './theirs.ts';

/** The same streams in every run; DIFFERENTIAL_RUNS and DIFFERENTIAL_SEED are for long searches. */
const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? 20_261_121);
const RUNS = Number(process.env['DIFFERENTIAL_RUNS'] ?? 5_000);

async function compare(reader: TheirReader, text: string, cuts: readonly number[]): Promise<Difference | null> {
  const bytes = Buffer.from(text, 'latin1');
  return differenceOf(readOurs(bytes, cuts), await reader.read(bytes, cuts));
}

test(`${RUNS} streams are read as node:http reads them`, { timeout: 30_000 + RUNS * 20 }, async () => {
  const reader = new TheirReader();
  let same = 0;
  let read = 0;
  await fc.assert(
    fc.asyncProperty(stream, async ({ text, cuts }) => {
      const difference = await compare(reader, text, cuts);
      if (difference === null) {
        same++;
        if (readOurs(Buffer.from(text, 'latin1'), cuts).messages.length > 0) read++;
      } else if (!EXCEPTIONS.some(({ applies }) => applies(difference, text))) {
        expect({ text, ...difference }).toBeNull();
      }
    }),
    { seed: SEED, numRuns: RUNS },
  );
  // A share of streams must be read alike, not only rejected alike, or the test would prove little.
  expect(same / RUNS).toBeGreaterThan(0.8);
  expect(read / RUNS).toBeGreaterThan(0.4);
});

test('the result does not depend on where the stream is split', () => {
  fc.assert(
    fc.property(stream, ({ text }) => {
      const bytes = Buffer.from(text, 'latin1');
      const everywhere = Array.from({ length: bytes.length }, (_, i) => i);
      expect(readOurs(bytes, everywhere)).toEqual(readOurs(bytes, []));
    }),
    { seed: SEED, numRuns: 2_000 },
  );
});

describe('every exception is needed', () => {
  test.each(EXCEPTIONS.map((exception) => [exception.name, exception] as const))('%s', async (_, exception) => {
    const difference = await compare(new TheirReader(), exception.example, []);
    expect(difference).not.toBeNull();
    if (difference !== null) expect(exception.applies(difference, exception.example)).toBe(true);
  });
});

describe('a difference is reported', () => {
  const message = { method: 'GET', target: '/', version: '1.1', fields: [], content: '', trailers: [] };
  const reading = { messages: [message], end: 'open', problem: '' } as const;

  test('in a message, in the number of them, and in the end', () => {
    expect(differenceOf(reading, reading)).toBeNull();
    expect(differenceOf(reading, { ...reading, messages: [{ ...message, content: 'x' }] })).toMatchObject({ at: 0 });
    expect(differenceOf(reading, { ...reading, messages: [] })).toMatchObject({ at: 0, theirs: 'open' });
    expect(differenceOf(reading, { ...reading, end: 'closed' })).toMatchObject({ at: 1, ours: 'open' });
  });
});
