// A server of connections without HTTP, with a protocol of the test.

import { onTestFinished } from 'vitest';
import { Acceptor } from '../../src/connection/acceptor.ts';
import type { ProtocolFactory } from '../../src/connection/channel.ts';
import { Connections } from '../../src/connection/connections.ts';
import type { EpollServerError } from '../../src/errors.ts';
import { check } from '../../src/kernel/native-error.ts';
import { createNativeKernel } from '../../src/kernel/native-kernel.ts';
import { type GivenLimits, resolveLimits } from '../../src/options/resolve-limits.ts';
import { Reactor } from '../../src/reactor/reactor.ts';

export interface ChannelServer {
  readonly port: number;
  readonly connections: Connections;
  /** Reported faults of protocols. */
  readonly faults: EpollServerError[];
}

/** Listens on a free port until the test ends. */
export function serveProtocol(protocol: ProtocolFactory, given: GivenLimits = {}): ChannelServer {
  const kernel = createNativeKernel();
  const reactor = new Reactor(kernel);
  const faults: EpollServerError[] = [];
  const connections = new Connections({
    kernel,
    driver: reactor,
    limits: resolveLimits(given),
    protocol,
    listeners: [{ localAddress: null, listenerOptions: { backlog: 64, isEncrypted: false }, encryption: null }],
    drive: (connection) => reactor.add(connection),
    textOfRefusal: (limit) => `too many connections: ${limit}`,
    onFault: (error) => faults.push(error),
  });
  const listener = check('listen', kernel.listen('127.0.0.1', 0, 64, false));
  const acceptor = new Acceptor(reactor, listener, check('add', kernel.add(listener, Acceptor.INTEREST)), {
    maxAcceptsPerTurn: 16,
    onAccept: (fd, generation) => void connections.open(fd, generation, 0),
  });
  reactor.add(acceptor);
  const { port } = kernel.local(listener);
  check(
    'start',
    kernel.start(() => reactor.turn()),
  );
  onTestFinished(() => {
    connections.abort('the test is over');
    acceptor.close();
    reactor.turn();
    kernel.destroy();
  });
  return { port, connections, faults };
}
