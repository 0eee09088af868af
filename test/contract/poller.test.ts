// Proves that every back end of this build, and the simulated kernel, keep the same contract.

import { expect, test } from 'vitest';
import { availableBackends, createNativeKernel } from '../../src/kernel/native-kernel.ts';
import { SIMULATED_WORLD } from '../support/worlds.ts';
import { callContract } from './call.contract.ts';
import { pollerContract } from './poller.contract.ts';

test('this build has a back end, and its name is what its traits say', () => {
  expect(availableBackends().length).toBeGreaterThan(0);
  for (const name of availableBackends()) {
    const kernel = createNativeKernel(name);
    expect(kernel.traits.name).toBe(name);
    kernel.destroy();
  }
});

for (const backend of availableBackends()) {
  pollerContract(backend);
  callContract(backend);
}

pollerContract('simulated', SIMULATED_WORLD);
callContract('simulated', SIMULATED_WORLD);
