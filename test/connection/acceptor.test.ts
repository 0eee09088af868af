// Tests when an acceptor accepts clients, and what makes it continue after a pause, turn by turn.

import { expect, test } from 'vitest';
import { Acceptor } from '../../src/connection/acceptor.ts';
import { EBADF, ECONNABORTED, EMFILE, ENFILE } from '../../src/kernel/errno.ts';
import { Reactor } from '../../src/reactor/reactor.ts';
import { FakeKernel } from '../support/fake-kernel.ts';

function listening(onExhausted?: (acceptor: Acceptor) => void) {
  const kernel = new FakeKernel();
  const reactor = new Reactor(kernel);
  const accepted: number[] = [];
  const acceptor: Acceptor = new Acceptor(reactor, 3, 1, {
    maxAcceptsPerTurn: 2,
    onAccept: (fd) => accepted.push(fd),
    onExhausted: () => onExhausted?.(acceptor),
  });
  reactor.add(acceptor);
  reactor.wake(acceptor);
  return { kernel, reactor, acceptor, accepted };
}

test('a bounded number of clients is accepted per turn, the rest in the next ones', () => {
  const { kernel, reactor, accepted } = listening();
  kernel.clients = [10, 11, 12];
  reactor.turn();
  expect(accepted).toEqual([10, 11]);
  reactor.turn();
  expect(accepted).toEqual([10, 11, 12]);
});

test('a client that closed before accept does not stop the next', () => {
  const { kernel, reactor, acceptor, accepted } = listening();
  kernel.clients = [ECONNABORTED, 10];
  reactor.turn();
  expect(accepted).toEqual([10]);
  expect(acceptor.counters.failed).toBe(1);
});

test('out of descriptors, accept is not called until a pause has passed', () => {
  const { kernel, reactor, acceptor, accepted } = listening();
  kernel.clients = [EMFILE, 10];
  reactor.turn();
  reactor.turn();
  expect(accepted).toEqual([]);
  expect(acceptor.counters.exhausted).toBe(1);
  kernel.timeMs += 1_000;
  reactor.turn();
  reactor.turn();
  expect(accepted).toEqual([10]);
});

test('after an error of the process, accept is not called in every turn', () => {
  const { kernel, reactor, acceptor } = listening();
  kernel.clients = [EBADF, EBADF, 10];
  for (let i = 0; i < 5; i++) reactor.turn();
  expect(kernel.clients).toEqual([EBADF, 10]);
  expect(acceptor.counters.exhausted).toBe(1);
});

test('out of descriptors, the next client is accepted as soon as a connection closes', () => {
  const { kernel, reactor, acceptor, accepted } = listening();
  kernel.clients = [EMFILE, 10];
  reactor.turn();
  acceptor.connectionClosed();
  reactor.turn();
  expect(accepted).toEqual([10]);
});

test('while closing a connection does not help, one is closed for each pause', () => {
  let closed = 0;
  const { kernel, reactor, accepted } = listening((acceptor) => {
    closed++;
    acceptor.connectionClosed();
  });
  kernel.clients = [ENFILE, ENFILE, ENFILE, ENFILE, 10, EMFILE, 11];
  reactor.turn();
  reactor.turn();
  reactor.turn();
  expect(kernel.clients).toEqual([ENFILE, ENFILE, 10, EMFILE, 11]);
  expect(closed).toBe(1);
  kernel.timeMs += 1_000;
  for (let i = 0; i < 5; i++) reactor.turn();
  expect({ accepted, closed }).toEqual({ accepted: [], closed: 2 });
  kernel.timeMs += 1_000;
  for (let i = 0; i < 5; i++) reactor.turn();
  expect({ accepted, closed }).toEqual({ accepted: [10, 11], closed: 3 });
});
