// Tests that every back end keeps the contract of the kernel over TLS too.

import type * as net from 'node:net';
import { vi } from 'vitest';
import * as nativeKernel from '../../src/kernel/native-kernel.ts';
import { callContract } from '../contract/call.contract.ts';
import { pollerContract } from '../contract/poller.contract.ts';
import { prefetchContract } from '../contract/prefetch.contract.ts';
import { sendContract } from '../contract/send.contract.ts';
import { SECURED_WORLD } from '../support/worlds.ts';

vi.mock('node:net', async (original) =>
  (await import('../support/secure-socket.ts')).securedNet(await original<typeof net>()),
);
vi.mock('../../src/kernel/native-kernel.ts', async (original) =>
  (await import('../support/secured.ts')).securedKernels(await original<typeof nativeKernel>()),
);

for (const backend of nativeKernel.availableBackends()) {
  for (const contract of [pollerContract, callContract, prefetchContract, sendContract])
    contract(backend, SECURED_WORLD);
}
