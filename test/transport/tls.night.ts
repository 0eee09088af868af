// Tests HTTP over TLS: the suites.

import type * as net from 'node:net';
import { vi } from 'vitest';
import type * as nativeKernel from '../../src/kernel/native-kernel.ts';
import './suites.ts';

vi.mock('node:net', async (original) =>
  (await import('../support/secure-socket.ts')).securedNet(await original<typeof net>()),
);
vi.mock('../../src/kernel/native-kernel.ts', async (original) =>
  (await import('../support/secured.ts')).securedKernels(await original<typeof nativeKernel>()),
);
