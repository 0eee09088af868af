// Kernels whose connections are encrypted, for tests that replace those of the server.

import { loadAddon, type TlsEntry } from '../../src/kernel/addon.ts';
import type { TransportKind } from '../../src/kernel/kernel.ts';
import { check } from '../../src/kernel/native-error.ts';
import type * as nativeKernel from '../../src/kernel/native-kernel.ts';
import { ownPair } from './certificates.ts';

const PLAIN_ENTRY: TlsEntry = {
  id: '',
  names: [],
  pairs: [],
  ca: '',
  ciphers: '',
  alpn: '\x08http/1.1',
  verification: 'test',
  minVersion: 'TLSv1.2',
  requestCert: false,
  rejectUnauthorized: true,
};

/** A kind of transport with these settings. */
export function tlsKind(settings: Partial<TlsEntry> = {}, ...others: readonly TlsEntry[]): TransportKind {
  const entry = { ...PLAIN_ENTRY, pairs: [ownPair()], ...settings };
  const kind = loadAddon().createTls([entry, ...others], new Uint8Array(), null);
  if (typeof kind === 'string') throw new Error(kind);
  return kind;
}

/** Kernels whose accepted connections are encrypted. */
export function securedKernels(actual: typeof nativeKernel): typeof nativeKernel {
  return {
    ...actual,
    createNativeKernel: (...options) => {
      const kernel = actual.createNativeKernel(...options);
      // Its own: handshakes are counted by its waits.
      const kind = tlsKind();
      const secured = (fd: number): number => {
        if (fd >= 0) check('attach', kernel.attach(fd, kind));
        return fd;
      };
      return {
        ...kernel,
        accept: (listener) => secured(kernel.accept(listener)),
        acceptBlocking: (listener) => secured(kernel.acceptBlocking(listener)),
      };
    },
  };
}
