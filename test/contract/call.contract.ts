// Tests what every call of a kernel does with invalid arguments, and after the kernel is destroyed.

import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { READABLE, WRITABLE } from '../../src/kernel/kernel.ts';
import { Polled } from '../support/polled.ts';
import type { World } from '../support/worlds.ts';
import { beyond } from './beyond.ts';

const { EBADF, EINVAL } = constants.errno;
const BOTH = READABLE | WRITABLE;

/** Runs these tests against the back end of that name; `world` as in pollerContract. */
export function callContract(backend: string, world?: World): void {
  const polled = (): Polled => new Polled(backend, world);
  argumentContract(backend, polled);
  endContract(backend, polled);
}

function argumentContract(backend: string, polled: () => Polled): void {
  test(`${backend}: a receive beyond the receive area is EINVAL and receives nothing`, async () => {
    const poll = polled();
    const { kernel } = poll;
    const { client, fd } = await poll.pair();
    await client.send('x').flushed();
    const size = kernel.receiveBytes;
    for (const [offset, length] of [...beyond(size), [size - 1, 2], [kernel.input.length, 0]] as const)
      expect(kernel.recv(fd, offset, length), `recv ${offset} ${length}`).toBe(-EINVAL);
    expect(poll.receive(fd)).toBe('x');
  });

  test(`${backend}: descriptors that are not open here are EBADF, though the process may have them`, () => {
    const { kernel } = polled();
    for (const fd of [-1, 0, 1, 2, 1_000_000, 2 ** 31 - 1]) {
      expect(kernel.recv(fd, 0, 1), `recv ${fd}`).toBe(-EBADF);
      expect(kernel.send(fd, 0, 1), `send ${fd}`).toBe(-EBADF);
      expect(kernel.send(fd, 0, 1, Buffer.from('x')), `send ${fd}`).toBe(-EBADF);
      expect(kernel.prefetch(fd, 1), `prefetch ${fd}`).toBe(-EBADF);
      expect(kernel.close(fd), `close ${fd}`).toBe(-EBADF);
      expect(kernel.add(fd, BOTH), `add ${fd}`).toBe(-EBADF);
      expect(kernel.accept(fd), `accept ${fd}`).toBe(-EBADF);
    }
  });
}

function endContract(backend: string, polled: () => Polled): void {
  test(`${backend}: after destroy every call is EBADF, and destroying again is fine`, async () => {
    const poll = polled();
    const { kernel, listener } = poll;
    const { client, fd } = await poll.pair();
    kernel.destroy();
    kernel.destroy();
    const results = {
      wait: kernel.wait(0),
      add: kernel.add(fd, BOTH),
      rearm: kernel.rearm(fd, BOTH),
      remove: kernel.remove(fd),
      listen: kernel.listen('127.0.0.1', 0, 1),
      connect: kernel.connect('127.0.0.1', 1),
      connectUnix: kernel.connectUnix('/none'),
      accept: kernel.accept(listener),
      recv: kernel.recv(fd, 0, 1),
      send: kernel.send(fd, 0, 1),
      sendBatch: kernel.sendBatch(1),
      prefetch: kernel.prefetch(fd, 1),
      shutdown: kernel.shutdown(fd),
      reset: kernel.reset(fd),
      close: kernel.close(fd),
      start: kernel.start(() => {}),
    };
    expect(new Set(Object.values(results)), JSON.stringify(results)).toEqual(new Set([-EBADF]));
    expect(kernel.peer(fd)).toEqual({ address: '', port: 0 });
    expect(await client.closed(), 'destroy closed the connection').toBe('fin');
  });
}
