// Tests that every back end of this build, and the simulated kernel, keep the same contract.

import { expect, test } from 'vitest';
import { availableBackends, createNativeKernel } from '../../src/kernel/native-kernel.ts';
import { SIMULATED_WORLD, TRANSPORT_WORLD } from '../support/worlds.ts';
import { callContract } from './call.contract.ts';
import { connectContract } from './connect.contract.ts';
import { pollerContract } from './poller.contract.ts';
import { prefetchContract } from './prefetch.contract.ts';
import { sendContract } from './send.contract.ts';

const CONTRACTS = [pollerContract, callContract, connectContract, prefetchContract, sendContract];

test('this build has a back end, and its traits have its name', () => {
  expect(availableBackends().length).toBeGreaterThan(0);
  for (const name of availableBackends()) {
    const kernel = createNativeKernel(name);
    expect(kernel.traits.name).toBe(name);
    kernel.destroy();
  }
});

for (const backend of availableBackends()) {
  for (const contract of CONTRACTS) contract(backend);
}

for (const contract of CONTRACTS) contract('simulated', SIMULATED_WORLD);

for (const contract of CONTRACTS) contract('simulated over a transport', TRANSPORT_WORLD);
