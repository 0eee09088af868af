// Tests HTTP over TLS: the suites of the plain socket, the table of conformance, with rules too, and those of files.

import type * as net from 'node:net';
import { vi } from 'vitest';
import type * as nativeKernel from '../../src/kernel/native-kernel.ts';
import './suites.ts';
import '../files/changing-files.test.ts';
import '../files/ranges.test.ts';
import '../rules/conformance.test.ts';

vi.mock('node:net', async (original) =>
  (await import('../support/secure-socket.ts')).securedNet(await original<typeof net>()),
);
vi.mock('../../src/kernel/native-kernel.ts', async (original) =>
  (await import('../support/secured.ts')).securedKernels(await original<typeof nativeKernel>()),
);
