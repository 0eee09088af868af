// Tests that every back end keeps the contract of the kernel over a transport too.

import type * as net from 'node:net';
import { constants } from 'node:os';
import { expect, onTestFinished, test, vi } from 'vitest';
import * as nativeKernel from '../../src/kernel/native-kernel.ts';
import { callContract } from '../contract/call.contract.ts';
import { pollerContract } from '../contract/poller.contract.ts';
import { prefetchContract } from '../contract/prefetch.contract.ts';
import { sendContract } from '../contract/send.contract.ts';
import { connect } from '../support/client.ts';
import { loadFramedAddon } from '../support/framed-addon.ts';
import { until } from '../support/until.ts';

vi.mock('node:net', async (original) => (await import('../support/framed.ts')).framedNet(await original<typeof net>()));
vi.mock('../../src/kernel/native-kernel.ts', async (original) =>
  (await import('../support/framed.ts')).framedKernels(await original<typeof nativeKernel>(), 0),
);

for (const backend of nativeKernel.availableBackends()) {
  for (const contract of [pollerContract, callContract, prefetchContract, sendContract]) contract(backend);
}

test('a connection gets at most one transport, and attach accepts only a kind of transport', async () => {
  const kernel = nativeKernel.createNativeKernel();
  onTestFinished(() => kernel.destroy());
  const listener = kernel.listen('127.0.0.1', 0, 1);
  const kind = loadFramedAddon().framed(0);
  for (const other of [{}, [], Object.create(kind), () => {}]) {
    expect(kernel.attach(listener, other)).toBe(-constants.errno.EINVAL);
  }
  expect(kernel.attach(-1, kind)).toBe(-constants.errno.EBADF);
  const client = await connect(kernel.local(listener).port);
  await until(() => kernel.accept(listener) >= 0, 'the client is accepted');
  expect(loadFramedAddon().living()).toBe(1);
  client.destroy();
});

test('every transport was destroyed', () => {
  expect(loadFramedAddon().living()).toBe(0);
});
