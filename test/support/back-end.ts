// The back end of this run: EPOLL_SERVER_BACKEND's, or the best one.

import type { PollerTraits } from '../../src/kernel/kernel.ts';
import { createNativeKernel } from '../../src/kernel/native-kernel.ts';

function traitsOfThisRun(): PollerTraits {
  const kernel = createNativeKernel();
  kernel.destroy();
  return kernel.traits;
}

export const BACK_END: PollerTraits = traitsOfThisRun();
