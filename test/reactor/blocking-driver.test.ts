// Tests the waits of the blocking driver: a ready client is served before its deadline, and a failed wait ends no
// connection.

import { beforeEach, expect, test } from 'vitest';
import { READABLE } from '../../src/kernel/kernel.ts';
import { BlockingDriver } from '../../src/reactor/blocking-driver.ts';
import { Deadline } from '../../src/reactor/deadline.ts';
import { Source } from '../../src/reactor/source.ts';
import { FakeKernel } from '../support/fake-kernel.ts';

class Client extends Source {
  readonly deadline: Deadline = new Deadline(this);
  readonly log: string[] = [];

  serve(): void {}

  expire(): void {
    this.log.push('expire');
  }
}

let kernel: FakeKernel;
let driver: BlockingDriver;
let client: Client;

beforeEach(() => {
  kernel = new FakeKernel();
  driver = new BlockingDriver(kernel);
  client = new Client(5, 1);
});

/** Serves the client once and moves its deadline by `ms`; 0: the deadline stays. */
async function serveOnce(ms: number): Promise<void> {
  const next = driver.next(client);
  kernel.pending = [{ fd: 5, generation: 1, readiness: READABLE }];
  kernel.turn?.();
  await next;
  client.log.push(`readiness ${client.readiness}`);
  client.readiness = 0;
  if (ms > 0) driver.setDeadline(client.deadline, driver.tickAfter(ms));
  driver.served();
}

test('a client whose request arrived while the process was stopped is served before its deadline', async () => {
  driver.setDeadline(client.deadline, driver.tickAfter(1_000));
  kernel.timeMs += 60_000;
  await serveOnce(1_000);
  expect(client.log).toEqual([`readiness ${READABLE}`]);
});

test('a client that is ready does not escape its deadline', async () => {
  driver.setDeadline(client.deadline, driver.tickAfter(1_000));
  kernel.timeMs += 60_000;
  await serveOnce(0);
  expect(client.log).toEqual([`readiness ${READABLE}`, 'expire']);
});

test('a wait that received marks its source; one that was interrupted marks nothing', async () => {
  const interrupted = driver.next(client);
  driver.interrupt();
  await interrupted;
  expect([client.readiness, client.prefetchIndex]).toEqual([0, -1]);
  const next = driver.next(client);
  kernel.pending = [{ fd: 5, generation: 1, readiness: READABLE, prefetched: 9 }];
  kernel.turn?.();
  await next;
  expect([client.readiness, client.prefetchIndex]).toEqual([READABLE, 0]);
});

test('a client that is not ready at its deadline expires', () => {
  void driver.next();
  driver.setDeadline(client.deadline, driver.tickAfter(1_000));
  kernel.turn?.();
  expect(client.log).toEqual([]);
  kernel.timeMs += 1_200;
  kernel.turn?.();
  expect(client.log).toEqual(['expire']);
});

test('one failed wait is ignored; many failed waits in a row throw', async () => {
  kernel.waitError = -12;
  kernel.turn?.();
  kernel.waitError = 0;
  await serveOnce(1_000);
  expect(client.log).toEqual([`readiness ${READABLE}`]);
  kernel.waitError = -12;
  expect(() => {
    for (let i = 0; i < 100; i++) kernel.turn?.();
  }).toThrow('ENOMEM');
});
