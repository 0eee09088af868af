// Proves what every call of a kernel does with arguments that cannot be, and after the kernel's end.

import { constants } from 'node:os';
import { expect, test } from 'vitest';
import {
  AHEAD,
  type Kernel,
  NOT_RECEIVED,
  ORDER_RESULT,
  ORDER_STATUS,
  ORDER_TAKEN,
  ORDER_WORDS,
  READABLE,
  SLOT_BYTES,
  WRITABLE,
} from '../../src/kernel/kernel.ts';
import { Polled } from '../support/polled.ts';
import { REAL_WORLD, type World } from '../support/worlds.ts';

const { EAGAIN, EBADF, EINVAL, ENODATA } = constants.errno;
const BOTH = READABLE | WRITABLE;

/** Runs against the back end of that name what no call may get wrong; `world` as in pollerContract. */
export function callContract(backend: string, world?: World): void {
  const polled = (): Polled => new Polled(backend, world);
  argumentContract(backend, polled);
  batchContract(backend, polled);
  fileContract(backend, polled, world ?? REAL_WORLD);
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

interface FileOrder {
  readonly fd: number;
  /** Of the kernel's output, in front of the file's. */
  readonly piece?: string;
  readonly count: number;
  readonly file: number;
  readonly position?: number;
}

/** Carries out one order; returns what the piece's send returned, the bytes of the file that were taken, and why no more. */
function sendFile(kernel: Kernel, order: FileOrder): readonly (number | undefined)[] {
  const { fd, piece = '', count, file, position = 0 } = order;
  kernel.output.write(piece, 'latin1');
  kernel.orders.set([fd, 0, piece.length, -1, count, file, position, Math.floor(position / 2 ** 32), -1, -1]);
  expect(kernel.sendAll(1)).toBe(0);
  return [kernel.orders[ORDER_RESULT], kernel.orders[ORDER_TAKEN], kernel.orders[ORDER_STATUS]];
}

function fileContract(backend: string, polled: () => Polled, world: World): void {
  test(`${backend}: an order's file follows its piece, from its position on, and its end is told`, async () => {
    const poll = polled();
    const { kernel } = poll;
    const { client, fd } = await poll.pair();
    const file = await world.openFile(kernel, Buffer.from('0123456789'));
    expect(sendFile(kernel, { fd, piece: 'head', count: 4, file, position: 2 })).toEqual([4, 4, 0]);
    expect((await client.readBytes(8)).toString()).toBe('head2345');
    expect(sendFile(kernel, { fd, count: 3, file })).toEqual([0, 3, 0]);
    expect((await client.readBytes(3)).toString()).toBe('012');
    expect(sendFile(kernel, { fd, piece: 'x', count: 9, file, position: 8 })).toEqual([1, 2, -ENODATA]);
    expect((await client.readBytes(3)).toString()).toBe('x89');
    expect(sendFile(kernel, { fd, count: 1, file, position: 10 })).toEqual([0, 0, -ENODATA]);
    expect(sendFile(kernel, { fd, count: 1, file, position: 2 ** 33 })).toEqual([0, 0, -ENODATA]);
  });

  test(`${backend}: an order whose file is impossible, or whose client is none, takes nothing of it`, async () => {
    const poll = polled();
    const { kernel } = poll;
    const { client, fd } = await poll.pair();
    const file = await world.openFile(kernel, Buffer.from('0123456789'));
    expect(sendFile(kernel, { fd, piece: 'y', count: 1, file: -1 })).toEqual([1, 0, -EBADF]);
    expect((await client.readBytes(1)).toString()).toBe('y');
    expect(sendFile(kernel, { fd: -1, piece: 'x', count: 1, file })).toEqual([-EBADF, 0, -EBADF]);
    expect(sendFile(kernel, { fd: -1, count: 1, file })).toEqual([0, 0, -EBADF]);
    expect(sendFile(kernel, { fd, count: 1, file, position: -(2 ** 32) })).toEqual([0, 0, -EINVAL]);
  });

  test(`${backend}: a full socket takes a part of an order's file, and WRITABLE comes when it has room`, async () => {
    const poll = polled();
    const { kernel } = poll;
    const { client, fd } = await poll.pair();
    const content = Buffer.from(Array.from({ length: 251 * 4_096 }, (_, i) => i % 251));
    const file = await world.openFile(kernel, content);
    kernel.add(fd, BOTH);
    poll.drain();
    client.pauseReading();
    let sent = 0;
    for (let taken = -1; taken !== 0; ) {
      const position = sent % content.length;
      const [, count = 0, status] = sendFile(kernel, { fd, count: content.length - position, file, position });
      taken = count;
      sent += count;
      if (taken < content.length - position) expect(status).toBe(-EAGAIN);
    }
    expect(sent).toBeGreaterThan(0);
    client.resumeReading();
    const received = await client.readBytes(sent);
    expect(received.every((byte, i) => byte === i % 251)).toBe(true);
    await poll.event(fd, WRITABLE);
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
