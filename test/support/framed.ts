// Mocks of two modules for test files, so that their servers and clients use the framed transport.

import type * as net from 'node:net';
import { check } from '../../src/kernel/native-error.ts';
import type * as nativeKernel from '../../src/kernel/native-kernel.ts';
import { loadFramedAddon } from './framed-addon.ts';
import { FramedSocket } from './framed-socket.ts';

/** `node:net` whose clients speak in frames. */
export function framedNet(actual: typeof net): object {
  return { ...actual, connect: (options: net.NetConnectOpts) => new FramedSocket(actual.connect(options)) };
}

/** Kernels whose accepted connections have a framed transport each; `sendBufferBytes` 0: the system's. */
export function framedKernels(actual: typeof nativeKernel, sendBufferBytes: number): typeof nativeKernel {
  const addon = loadFramedAddon();
  const kind = addon.framed(sendBufferBytes);
  return {
    ...actual,
    createNativeKernel: (...options) => {
      const kernel = actual.createNativeKernel(...options);
      const framed = (fd: number): number => {
        if (fd >= 0) check('attach', kernel.attach(fd, kind));
        return fd;
      };
      return {
        ...kernel,
        accept: (listener) => framed(kernel.accept(listener)),
        acceptBlocking: (listener) => framed(kernel.acceptBlocking(listener)),
      };
    },
  };
}
