// Tests how much of a response waits in memory, and how many writes it costs.

import { expect, test } from 'vitest';
import { ResponseSpool } from '../../src/upstream/response-spool.ts';
import { SpoolSpace } from '../../src/upstream/spool-space.ts';
import { until } from '../support/until.ts';

const KIB = 1_024;
const PIECE = new Uint8Array(16 * KIB);

/** A spool that counts its writes. */
function counted(maxBytes: number): { spool: ResponseSpool; rooms: true[]; writes: () => number } {
  const space = new SpoolSpace(maxBytes);
  let writes = 0;
  const run = space.pool.run.bind(space.pool);
  space.pool.run = (job, isWanted) => {
    writes++;
    return run(job, isWanted);
  };
  const rooms: true[] = [];
  return { spool: new ResponseSpool(space, () => rooms.push(true)), rooms, writes: () => writes };
}

test('content that comes during a write waits in memory, and leaves with the next write', async () => {
  const { spool, rooms, writes } = counted(64 * 128 * KIB);
  spool.append(PIECE, 0, PIECE.length);
  // The first piece is being written.
  for (let count = 0; count < 7; count++) spool.append(PIECE, 0, PIECE.length);
  expect([spool.isFull, writes()]).toEqual([false, 1]);
  spool.append(PIECE, 0, PIECE.length);
  expect(spool.isFull).toBe(true);
  await until(() => rooms.length > 0, 'there is room');
  spool.end();
  expect(writes()).toBe(2);
  let length = 0;
  for (let next = await spool.take(); next !== null; next = await spool.take()) length += next.length;
  expect(length).toBe(9 * PIECE.length);
  spool.close();
});

test('without room for a file, 16 KiB wait in memory', () => {
  const { spool, writes } = counted(0);
  spool.append(PIECE, 0, PIECE.length - 1);
  expect(spool.isFull).toBe(false);
  spool.append(PIECE, 0, 1);
  expect([spool.isFull, writes()]).toEqual([true, 0]);
  spool.close();
});
