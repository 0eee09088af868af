// Tests that the pool runs jobs in their order and within its bounds, and that nothing of clients that left is kept.

import { describe, expect, test } from 'vitest';
import { SharedWait } from '../../src/files/shared-wait.ts';
import { WorkPool } from '../../src/files/work-pool.ts';
import { gate, until } from '../support/until.ts';

describe('a pool', () => {
  test('runs jobs in order, one for each place', async () => {
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

  test('does not collect jobs that are not wanted any more', async () => {
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
    await until(() => ended === 1_000 - waiting, 'the others were let go');
    open();
    await first;
    await until(() => ended === 1_000, 'all were');
  });

  test('a wait that is shared forgets clients that left', async () => {
    const wait = new SharedWait<string>();
    const results: (string | null)[] = [];
    const join = (ended: boolean): void => {
      void wait.wait({ ended }).then((result) => results.push(result));
    };
    for (let i = 0; i < 1_000; i++) join(true);
    await until(() => results.length > 980, 'those who left were let go');
    expect(wait.isWanted).toBe(false);
    join(false);
    expect(wait.isWanted).toBe(true);
    wait.settle('done');
    await until(() => results.length === 1_001, 'all know');
    expect(results.filter((result) => result !== null)).toEqual(['done']);
  });
});
