// Tests that the work pool runs jobs in order and within its limits, and keeps nothing of clients that disconnected.

import { describe, expect, test } from 'vitest';
import { SharedWait } from '../../src/files/shared-wait.ts';
import { WorkPool } from '../../src/files/work-pool.ts';
import { gate, until } from '../support/until.ts';

describe('a pool', () => {
  test('runs jobs in order, as many at once as it has places', async () => {
    const pool = new WorkPool(2, 3);
    const done: number[] = [];
    const { opened, open } = gate();
    const jobs = [0, 1, 2, 3].map((i) =>
      pool.run(
        async () => {
          await opened;
          done.push(i);
        },
        () => i !== 2,
      ),
    );
    expect([pool.load, pool.isFull]).toEqual([[1, 3], true]);
    open();
    await Promise.all(jobs);
    expect([done, pool.load, pool.isFull]).toEqual([[0, 1, 3], [0, 0], false]);
  });

  test('drops jobs whose clients have disconnected', async () => {
    const pool = new WorkPool(2, 10);
    const { opened, open } = gate();
    const first = pool.run(() => opened);
    let ended = 0;
    for (let i = 0; i < 1_000; i++) {
      const isWanted = (): boolean => i % 100 === 0;
      void pool.run(async () => {}, isWanted).then(() => ended++);
    }
    const [, waiting] = pool.load;
    expect(waiting).toBeLessThan(50);
    await until(() => ended === 1_000 - waiting, 'the disconnected clients were dropped');
    open();
    await first;
    await until(() => ended === 1_000, 'all jobs have ended');
  });

  test('a shared wait drops clients that have disconnected', async () => {
    const wait = new SharedWait<string>();
    const results: (string | null)[] = [];
    const join = (ended: boolean): void => {
      void wait.wait({ ended }).then((result) => results.push(result));
    };
    for (let i = 0; i < 1_000; i++) join(true);
    await until(() => results.length > 980, 'the disconnected clients were dropped');
    expect(wait.isWanted).toBe(false);
    join(false);
    expect(wait.isWanted).toBe(true);
    wait.settle('done');
    await until(() => results.length === 1_001, 'all waiting clients have the result');
    expect(results.filter((result) => result !== null)).toEqual(['done']);
  });
});
