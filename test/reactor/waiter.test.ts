// Proves what a blocking model's wait does: a client that is ready is served before its deadline, and a wait that
// fails ends nothing.

import { beforeEach, expect, test } from 'vitest';
import { READABLE } from '../../src/kernel/kernel.ts';
import { Deadline } from '../../src/reactor/deadline.ts';
import { Source } from '../../src/reactor/source.ts';
import { Waiter } from '../../src/reactor/waiter.ts';
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
let waiter: Waiter;
let client: Client;

beforeEach(() => {
  kernel = new FakeKernel();
  waiter = new Waiter(kernel);
  client = new Client(5, 1);
});

/** One service of a client that moves its deadline by `ms`; 0: it earns nothing. */
async function serveOnce(ms: number): Promise<void> {
  const next = waiter.next(client);
  kernel.pending = [{ fd: 5, generation: 1, readiness: READABLE }];
  kernel.turn?.();
  await next;
  client.log.push(`readiness ${client.readiness}`);
  client.readiness = 0;
  if (ms > 0) waiter.setDeadline(client.deadline, waiter.tickAfter(ms));
  waiter.served();
}

test('who asked while the whole process was stopped is heard before its time is up', async () => {
  waiter.setDeadline(client.deadline, waiter.tickAfter(1_000));
  kernel.timeMs += 60_000;
  await serveOnce(1_000);
  expect(client.log).toEqual([`readiness ${READABLE}`]);
});

test('but is not served for ever for that', async () => {
  waiter.setDeadline(client.deadline, waiter.tickAfter(1_000));
  kernel.timeMs += 60_000;
  await serveOnce(0);
  expect(client.log).toEqual([`readiness ${READABLE}`, 'expire']);
});

test('a wait that received marks its source; one that was interrupted marks nothing', async () => {
  const interrupted = waiter.next(client);
  waiter.interrupt();
  await interrupted;
  expect([client.readiness, client.prefetchIndex]).toEqual([0, -1]);
  const next = waiter.next(client);
  kernel.pending = [{ fd: 5, generation: 1, readiness: READABLE, prefetched: 9 }];
  kernel.turn?.();
  await next;
  expect([client.readiness, client.prefetchIndex]).toEqual([READABLE, 0]);
});

test('who is not ready when its time is up is ended', () => {
  void waiter.next();
  waiter.setDeadline(client.deadline, waiter.tickAfter(1_000));
  kernel.turn?.();
  expect(client.log).toEqual([]);
  kernel.timeMs += 1_200;
  kernel.turn?.();
  expect(client.log).toEqual(['expire']);
});

test('a wait that fails ends nothing, one that fails again and again is a defect', async () => {
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
