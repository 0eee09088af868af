// Tests what a connection does after a failure while it receives, or while it sends pending output.

import { beforeEach, expect, test } from 'vitest';
import { Connection } from '../../src/connection/connection.ts';
import { GATHER_BYTES } from '../../src/connection/outbox.ts';
import type { Protocol } from '../../src/connection/protocol.ts';
import { SendBatch } from '../../src/connection/send-batch.ts';
import { EAGAIN } from '../../src/kernel/errno.ts';
import { type Kernel, PREFETCH_BYTES, READABLE, WRITABLE } from '../../src/kernel/kernel.ts';
import { Reactor } from '../../src/reactor/reactor.ts';
import { FakeKernel } from '../support/fake-kernel.ts';

/** Keeps what it receives as text. */
class Listening implements Protocol {
  readonly wantsInput = true;
  readonly paused = false;
  readonly isBusy = false;
  text = '';
  reason = '';

  receive(bytes: Buffer, start: number, end: number): number {
    this.text += bytes.toString('latin1', start, end);
    return end;
  }

  drained(): void {}
  ending(): void {}
  ended(): void {}
  expired(): void {}
  closed(): void {}
  stop(): void {}
  refuse(): void {}

  aborted(reason: string): void {
    this.reason = reason;
  }
}

/** More sends than any test here needs. */
const MAX_SENDS = 100;
const NO_BYTES = new Uint8Array(0);

/** A kernel with room for `room` bytes to send. */
class NarrowKernel extends FakeKernel {
  room = 0;
  /** The next send throws, as in a defect. */
  isBroken = false;
  #sends = 0;

  override readonly recv = (): number => EAGAIN;

  override readonly send: Kernel['send'] = (_fd, _offset, length, bytes = NO_BYTES, from = 0) => {
    if (this.isBroken) throw new Error('defect');
    if (++this.#sends > MAX_SENDS) throw new Error('more sends than expected');
    const wanted = length + bytes.length - from;
    const count = Math.min(wanted, this.room);
    this.room -= count;
    return count === 0 && wanted > 0 ? EAGAIN : count;
  };
}

let kernel: NarrowKernel;
let reactor: Reactor;
let connect: (fd: number) => { readonly client: Connection; readonly protocol: Listening };

beforeEach(() => {
  kernel = new NarrowKernel();
  reactor = new Reactor(kernel);
  const sendBatch = new SendBatch(kernel);
  reactor.onServed(() => sendBatch.flush());
  const context = {
    kernel,
    reactor,
    sendBatch,
    maxUnsentBytes: 1,
    sendTimeoutMs: 1_000,
    minSendBytesPerSecond: 0,
    maxFileBytesPerTurn: 1,
    lingerTimeoutMs: 1_000,
    maxLingerMs: 1_000,
    maxLingerBytes: 0,
    maxUnusedBytes: 1_000,
    localAddress: null,
    listenerOptions: { backlog: 1, isEncrypted: false },
    encryption: null,
    onLingering: () => {},
    onClosed: () => {},
    onFault: () => {},
  };
  connect = (fd) => {
    const client = new Connection(context, fd, kernel.add());
    const protocol = new Listening();
    client.speak(() => protocol);
    reactor.add(client);
    return { client, protocol };
  };
});

/** Adds an event of `fd` to the next wait, with `text` as its prefetched bytes. */
function event(fd: number, readiness: number, text?: string): void {
  const prefetched = text === undefined ? {} : { prefetched: text.length };
  kernel.input.write(text ?? '', kernel.receiveBytes + kernel.pending.length * PREFETCH_BYTES, 'latin1');
  kernel.pending.push({ fd, generation: 1, readiness, ...prefetched });
}

test('a turn that breaks before prefetched bytes gives no client the bytes of another', () => {
  const [first, second] = [connect(5), connect(6)];
  first.client.write(Buffer.from('pending'));
  kernel.isBroken = true;
  event(5, READABLE | WRITABLE, 'one');
  expect(() => reactor.turn()).toThrow('defect');
  kernel.isBroken = false;
  kernel.room = 4;
  reactor.turn();
  event(6, READABLE, 'two');
  event(5, WRITABLE);
  reactor.turn();
  expect(second.protocol.text).toBe('two');
  expect(first.protocol.text).not.toContain('two');
});

type Resizable = ArrayBuffer & { resize(bytes: number): void };

// Node 20 has it; the types of ES2023 do not.
const RESIZABLE: string = 'ArrayBuffer';
const ResizableBuffer: new (bytes: number, options: { readonly maxByteLength: number }) => Resizable = Reflect.get(
  globalThis,
  RESIZABLE,
);

/** What an application can do to the memory of its output. */
const LOSSES = {
  transferred: (memory: Resizable) => void structuredClone(memory, { transfer: [memory] }),
  shrunk: (memory: Resizable) => memory.resize(memory.byteLength / 2),
  grown: (memory: Resizable) => memory.resize(memory.byteLength * 2),
};

test.each(Object.entries(LOSSES))('a response whose memory was %s is aborted', (_name, lose) => {
  // Sent before: nothing, a part, and so much that the rest is gathered.
  for (const sent of [0, 1, GATHER_BYTES]) {
    const { client, protocol } = connect(5 + sent);
    const memory = new ResizableBuffer(2 * GATHER_BYTES, { maxByteLength: 4 * GATHER_BYTES });
    client.write(Buffer.from('head'));
    client.write(new Uint8Array(memory));
    kernel.room = 4 + sent;
    reactor.turn();
    expect([kernel.room, client.hasPendingOutput]).toEqual([0, true]);
    lose(memory);
    kernel.room = 4 * GATHER_BYTES;
    event(client.fd, WRITABLE);
    reactor.turn();
    expect(protocol.reason).toContain('memory');
    expect([kernel.room, client.isDisposed]).toEqual([4 * GATHER_BYTES, true]);
  }
});
