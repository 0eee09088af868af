// Proves what every call of a kernel does with arguments that cannot be, and after the kernel's end.

import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { READABLE, WRITABLE } from '../../src/kernel/kernel.ts';
import { Polled } from '../support/polled.ts';

const { EBADF, EINVAL } = constants.errno;
const BOTH = READABLE | WRITABLE;

/** Runs against the back end of that name what no call may get wrong. */
export function callContract(backend: string): void {
  const polled = (): Polled => new Polled(backend);
  argumentContract(backend, polled);
  endContract(backend, polled);
}

function argumentContract(backend: string, polled: () => Polled): void {
  test(`${backend}: offsets and lengths beyond the arenas are EINVAL and touch nothing`, async () => {
    const poll = polled();
    const { kernel } = poll;
    const { client, fd } = await poll.pair();
    await client.send('x').flushed();
    const [input, output] = [kernel.input.length, kernel.output.length];
    const ranges = (size: number): (readonly [number, number])[] => [
      [0, size + 1],
      [size, 1],
      [size + 1, 0],
      [1, size],
      [0xffff_ffff, 2],
      [-1, 1],
      [0, -1],
      [2 ** 31, 2 ** 31],
    ];
    for (const [offset, length] of ranges(input))
      expect(kernel.recv(fd, offset, length), `recv ${offset} ${length}`).toBe(-EINVAL);
    for (const [offset, length] of ranges(output)) {
      expect(kernel.send(fd, offset, length), `send ${offset} ${length}`).toBe(-EINVAL);
      expect(kernel.sendv(fd, offset, length, Buffer.from('x')), `sendv ${offset} ${length}`).toBe(-EINVAL);
    }
    expect(kernel.sendFrom(fd, Buffer.from('abc'), 4)).toBe(-EINVAL);
    expect(kernel.sendFrom(fd, Buffer.from('abc'), -1)).toBe(-EINVAL);
    expect(poll.receive(fd)).toBe('x');
    expect(client.received.length).toBe(0);
  });

  test(`${backend}: descriptors that are not open here are EBADF, though the process may have them`, () => {
    const { kernel } = polled();
    for (const fd of [-1, 0, 1, 2, 1_000_000, 2 ** 31 - 1]) {
      expect(kernel.recv(fd, 0, 1), `recv ${fd}`).toBe(-EBADF);
      expect(kernel.send(fd, 0, 1), `send ${fd}`).toBe(-EBADF);
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
    const bytes = Buffer.from('x');
    const results = {
      wait: kernel.wait(0),
      add: kernel.add(fd, BOTH),
      rearm: kernel.rearm(fd, BOTH),
      remove: kernel.remove(fd),
      listen: kernel.listen('127.0.0.1', 0, 1),
      accept: kernel.accept(listener),
      recv: kernel.recv(fd, 0, 1),
      send: kernel.send(fd, 0, 1),
      sendFrom: kernel.sendFrom(fd, bytes, 0),
      sendv: kernel.sendv(fd, 0, 1, bytes),
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
