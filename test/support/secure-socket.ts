// Clients of node:tls, for tests that replace those of node:net. It imports no module that imports node:net.

import type * as net from 'node:net';
import { connect as connectSecurely, type TLSSocket } from 'node:tls';

/** A TLS client over a connecting socket. It verifies nothing. */
export function secureSocket(raw: net.Socket): TLSSocket {
  const socket = connectSecurely({ socket: raw, rejectUnauthorized: false, servername: 'localhost' });
  socket.resetAndDestroy = () => {
    raw.resetAndDestroy();
    return socket;
  };
  return socket;
}

/** `node:net` whose clients speak TLS. */
export function securedNet(actual: typeof net): object {
  return { ...actual, connect: (options: net.NetConnectOpts) => secureSocket(actual.connect(options)) };
}
