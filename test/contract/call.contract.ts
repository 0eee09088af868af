// Proves what every call of a kernel does with arguments that cannot be, and after the kernel's end.

import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { AHEAD, NOT_RECEIVED, ORDER_WORDS, READABLE, SLOT_BYTES, WRITABLE } from '../../src/kernel/kernel.ts';
import { Polled } from '../support/polled.ts';
import type { World } from '../support/worlds.ts';

const { EBADF, EINVAL } = constants.errno;
const BOTH = READABLE | WRITABLE;

/** Runs against the back end of that name what no call may get wrong; `world` as in pollerContract. */
export function callContract(backend: string, world?: World): void {
  const polled = (): Polled => new Polled(backend, world);
  argumentContract(backend, polled);
  batchContract(backend, polled);
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

function batchContract(backend: string, polled: () => Polled): void {
  test(`${backend}: a wait receives for who asked for it what recv would have, once, or leaves it to recv`, async () => {
    const poll = polled();
    const { kernel } = poll;
    const { client, fd } = await poll.accept();
    expect(kernel.add(fd, BOTH | AHEAD)).toBeGreaterThan(0);
    let text = '';
    for (const piece of ['question', 'x'.repeat(SLOT_BYTES + 3)]) {
      await client.send(piece).flushed();
      while (text.length < piece.length) {
        const slot = poll.events(50).findIndex((event) => event.fd === fd);
        const count = slot < 0 ? NOT_RECEIVED : (kernel.received[slot] ?? NOT_RECEIVED);
        if (count > 0) text += kernel.ahead.toString('latin1', slot * SLOT_BYTES, slot * SLOT_BYTES + count);
        const rest = poll.receive(fd);
        if (typeof rest === 'string') text += rest;
        poll.again(fd, READABLE);
      }
      expect(text).toBe(piece);
      text = '';
    }
  });

  test(`${backend}: a wait receives for nobody who did not ask, or took it back`, async () => {
    const poll = polled();
    const { kernel } = poll;
    const [plain, off] = [await poll.accept(), await poll.accept()];
    kernel.add(plain.fd, BOTH);
    kernel.add(off.fd, BOTH | AHEAD);
    poll.drain();
    expect(kernel.receiveAhead(off.fd, 0)).toBe(0);
    for (const { client, fd } of [plain, off]) {
      poll.again(fd, READABLE);
      await client.send('x').flushed();
      await poll.event(fd, READABLE);
      expect([...kernel.received.subarray(0, 2)].every((count) => count === NOT_RECEIVED)).toBe(true);
      expect(poll.receive(fd)).toBe('x');
    }
    expect(kernel.receiveAhead(-1, 1)).toBe(-EBADF);
  });

  test(`${backend}: orders are carried out one by one, and each has its own result`, async () => {
    const poll = polled();
    const { kernel } = poll;
    const [first, second] = [await poll.pair(), await poll.pair()];
    kernel.output.write('onetwo', 'latin1');
    const orders = [
      [first.fd, 0, 3],
      [second.fd, 3, 3],
      [-1, 0, 1],
      [first.fd, kernel.output.length, 1],
    ];
    for (const [i, order] of orders.entries()) kernel.orders.set(order, i * ORDER_WORDS);
    expect(kernel.sendAll(orders.length)).toBe(0);
    const results = orders.map((_, i) => kernel.orders[i * ORDER_WORDS + 3]);
    expect(results).toEqual([3, 3, -EBADF, -EINVAL]);
    expect((await first.client.readBytes(3)).toString()).toBe('one');
    expect((await second.client.readBytes(3)).toString()).toBe('two');
    expect(kernel.sendAll(kernel.orders.length / ORDER_WORDS + 1)).toBe(-EINVAL);
    expect(kernel.sendAll(-1)).toBe(-EINVAL);
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
      receiveAhead: kernel.receiveAhead(fd, 1),
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
