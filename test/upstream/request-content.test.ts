// Tests how much of a slow upload stays in memory.

import { expect, test } from 'vitest';
import { Body } from '../../src/exchange/body.ts';
import { RequestContent } from '../../src/upstream/request-content.ts';
import { SpoolSpace } from '../../src/upstream/spool-space.ts';
import { until } from '../support/until.ts';

const LIMITS = {
  maxBodyBytes: 10_000_000,
  maxHeaderBytes: 1_000,
  maxFields: 10,
  minReceiveBytesPerSecond: 0,
};
const LENGTH = 100_000;
const PIECE = Buffer.alloc(1_000, 'x');
/** Before there is a file, and then. */
const MOST_BYTES = [33_000, 17_000] as const;

test('an upload of more than 32 KiB waits in a temporary file, although it comes slowly', async () => {
  const space = new SpoolSpace(10_000_000);
  const body = new Body(null, LENGTH, LIMITS);
  const content = new RequestContent(space);
  const read = content.readAll(body);
  let arrived = 0;
  for (; arrived < LENGTH; arrived += PIECE.length) {
    await until(() => body.awaited, 'the reader waits');
    expect(arrived - space.usedBytes).toBeLessThanOrEqual(MOST_BYTES[space.usedBytes === 0 ? 0 : 1]);
    body.receive(PIECE, 0, PIECE.length);
  }
  await read;
  expect([content.length, space.usedBytes]).toEqual([LENGTH, LENGTH]);
  content.close();
  expect(space.usedBytes).toBe(0);
});
