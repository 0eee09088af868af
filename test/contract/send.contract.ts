// Tests what a kernel sends, and its results when it cannot: pieces of the output, bytes behind them, batches, and
// bytes of files.

import { constants } from 'node:os';
import { expect, test } from 'vitest';
import {
  type Kernel,
  READABLE,
  SEND_OP_FILE_SENT,
  SEND_OP_FILE_STATUS,
  SEND_OP_RESULT,
  SEND_OP_WORDS,
  WRITABLE,
} from '../../src/kernel/kernel.ts';
import { Polled } from '../support/polled.ts';
import { REAL_WORLD, type World } from '../support/worlds.ts';
import { beyond } from './beyond.ts';

const { EAGAIN, EBADF, EINVAL, ENODATA } = constants.errno;
const BOTH = READABLE | WRITABLE;
/** Bytes whose values show their positions. */
const PATTERN: Buffer = Buffer.from(Array.from({ length: 251 * 1_024 }, (_, i) => i % 251));

/** Runs these tests against the back end of that name; `world` as in pollerContract. */
export function sendContract(backend: string, world?: World): void {
  const polled = (): Polled => new Polled(backend, world);
  gatherContract(backend, polled);
  batchContract(backend, polled);
  fileContract(backend, polled, world ?? REAL_WORLD);
}

function gatherContract(backend: string, polled: () => Polled): void {
  test(`${backend}: a send sends a piece of the output and then bytes; either may be empty`, async () => {
    const { kernel, pair } = opened(polled());
    const { client, fd } = await pair;
    kernel.output.write('0123456789', 'latin1');
    const bytes = Buffer.from('abcdef');
    const size = kernel.output.length;
    expect(kernel.send(fd, 2, 3)).toBe(3);
    expect(kernel.send(fd, 0, 2, bytes)).toBe(8);
    expect(kernel.send(fd, 9, 1, bytes, 4)).toBe(3);
    expect(kernel.send(fd, 0, 0, bytes, 5)).toBe(1);
    expect(kernel.send(fd, 0, 1, new Uint8Array(0))).toBe(1);
    expect(kernel.send(fd, 5, 1, bytes, 6)).toBe(1);
    for (const nothing of [
      kernel.send(fd, size, 0),
      kernel.send(fd, 0, 0, bytes, 6),
      kernel.send(fd, size, 0, bytes, 6),
    ])
      expect(nothing).toBe(0);
    expect((await client.readBytes(17)).toString()).toBe('23401abcdef9eff05');
  });

  test(`${backend}: a send beyond the output or beyond its bytes is EINVAL, and sends nothing`, async () => {
    const { kernel, pair } = opened(polled());
    const { client, fd } = await pair;
    const bytes = Buffer.from('abc');
    for (const [offset, length] of beyond(kernel.output.length)) {
      expect(kernel.send(fd, offset, length), `send ${offset} ${length}`).toBe(-EINVAL);
      expect(kernel.send(fd, offset, length, bytes), `send ${offset} ${length} bytes`).toBe(-EINVAL);
    }
    for (const offset of [4, -1, 2 ** 32, 2 ** 32 + 1, -(2 ** 32)]) {
      expect(kernel.send(fd, 0, 1, bytes, offset), `send of bytes from ${offset}`).toBe(-EINVAL);
      expect(kernel.send(fd, 0, 0, bytes, offset), `send of bytes from ${offset}`).toBe(-EINVAL);
    }
    expect(kernel.send(fd, 0, 0, Buffer.from('!'))).toBe(1);
    expect((await client.readBytes(1)).toString()).toBe('!');
  });

  test(`${backend}: a send to a closed descriptor is EBADF`, async () => {
    const { kernel, pair } = opened(polled());
    const { fd } = await pair;
    kernel.close(fd);
    expect(kernel.send(fd, 0, 1)).toBe(-EBADF);
    expect(kernel.send(fd, 0, 1, Buffer.from('x'))).toBe(-EBADF);
    expect(kernel.send(fd, 0, 0, Buffer.from('x'), 1)).toBe(-EBADF);
  });

  // The socket is full after the border between both parts in one case, before it in the other.
  test.each(['small', 'large'] as const)(
    `${backend}: a short send after a %s piece can be continued at its count, until EAGAIN`,
    async (size) => {
      const poll = polled();
      const { kernel } = poll;
      const { client, fd } = await poll.pair();
      const length = size === 'small' ? 10 : kernel.output.length;
      client.pauseReading();
      let sent = 0;
      let count = 0;
      while (count >= 0) {
        PATTERN.copy(kernel.output, 0, sent % 251, (sent % 251) + length);
        const end = (sent + length) % 251;
        count = kernel.send(fd, 0, length, PATTERN.subarray(0, end + 100_003), end);
        if (count > 0) sent += count;
      }
      expect(count).toBe(-EAGAIN);
      client.resumeReading();
      const received = await client.readBytes(sent);
      expect(received.every((byte, i) => byte === i % 251)).toBe(true);
      await poll.event(fd, WRITABLE);
    },
  );
}

/** A kernel with a client that is connected and watched. */
function opened(poll: Polled): { readonly kernel: Kernel; readonly pair: ReturnType<Polled['pair']> } {
  return { kernel: poll.kernel, pair: poll.pair() };
}

/** Sets the pieces of a batch: descriptor, offset and length each. */
function setBatch(kernel: Kernel, pieces: readonly (readonly [number, number, number])[]): void {
  for (const [i, piece] of pieces.entries()) kernel.sendOps.set([...piece, -1, 0], i * SEND_OP_WORDS);
}

function resultsOf(kernel: Kernel, count: number): (number | undefined)[] {
  return Array.from({ length: count }, (_, i) => kernel.sendOps[i * SEND_OP_WORDS + SEND_OP_RESULT]);
}

function batchContract(backend: string, polled: () => Polled): void {
  test(`${backend}: sends of a batch are executed one by one, and each has its own result`, async () => {
    const poll = polled();
    const { kernel } = poll;
    const [first, second, gone] = [await poll.pair(), await poll.pair(), await poll.pair()];
    kernel.close(gone.fd);
    kernel.output.write('onetwothree', 'latin1');
    setBatch(kernel, [
      [first.fd, 0, 3],
      [gone.fd, 0, 1],
      [-1, 0, 1],
      [first.fd, kernel.output.length, 1],
      [second.fd, 3, 3],
      [first.fd, 6, 5],
    ]);
    expect(kernel.sendBatch(6)).toBe(0);
    expect(resultsOf(kernel, 6)).toEqual([3, -EBADF, -EBADF, -EINVAL, 3, 5]);
    expect((await first.client.readBytes(8)).toString()).toBe('onethree');
    expect((await second.client.readBytes(3)).toString()).toBe('two');
  });

  test(`${backend}: a batch may fill its memory; a larger one is EINVAL, and sends nothing`, async () => {
    const { kernel, pair } = opened(polled());
    const { client, fd } = await pair;
    const capacity = kernel.sendOps.length / SEND_OP_WORDS;
    kernel.output.write('0123456789abcdefghijklmnopqrstuv', 'latin1');
    setBatch(
      kernel,
      Array.from({ length: capacity }, (_, i) => [fd, i, 1]),
    );
    for (const count of [capacity + 1, -1, 2 ** 31 - 1]) expect(kernel.sendBatch(count)).toBe(-EINVAL);
    expect(kernel.sendBatch(0)).toBe(0);
    expect(resultsOf(kernel, capacity)).toEqual(Array.from({ length: capacity }, () => -1));
    expect(kernel.sendBatch(capacity)).toBe(0);
    expect((await client.readBytes(capacity)).toString()).toBe(kernel.output.toString('latin1', 0, capacity));
  });
}

interface FileSend {
  readonly fd: number;
  /** Bytes of the kernel's output before those of the file. */
  readonly piece?: string;
  readonly count: number;
  readonly file: number;
  readonly position?: number;
}

/** Sends a batch of one; returns the result of the piece, the file bytes sent, and the status of the file. */
function sendFile(kernel: Kernel, send: FileSend): readonly (number | undefined)[] {
  const { fd, piece = '', count, file, position = 0 } = send;
  kernel.output.write(piece, 'latin1');
  kernel.sendOps.set([fd, 0, piece.length, -1, count, file, position, Math.floor(position / 2 ** 32), -1, -1]);
  expect(kernel.sendBatch(1)).toBe(0);
  return [kernel.sendOps[SEND_OP_RESULT], kernel.sendOps[SEND_OP_FILE_SENT], kernel.sendOps[SEND_OP_FILE_STATUS]];
}

function fileContract(backend: string, polled: () => Polled, world: World): void {
  test(`${backend}: file bytes follow the piece of a send, and the end of the file is reported`, async () => {
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

  test(`${backend}: a send whose file or client does not exist sends nothing of the file`, async () => {
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

  test(`${backend}: a full socket accepts a part of a file, and WRITABLE follows later`, async () => {
    const poll = polled();
    const { kernel } = poll;
    const { client, fd } = await poll.pair();
    const content = Buffer.from(Array.from({ length: 251 * 4_096 }, (_, i) => i % 251));
    const file = await world.openFile(kernel, content);
    kernel.add(fd, BOTH);
    poll.drain();
    client.pauseReading();
    let sent = 0;
    for (let accepted = -1; accepted !== 0; ) {
      const position = sent % content.length;
      const [, count = 0, status] = sendFile(kernel, { fd, count: content.length - position, file, position });
      accepted = count;
      sent += count;
      if (accepted < content.length - position) expect(status).toBe(-EAGAIN);
    }
    expect(sent).toBeGreaterThan(0);
    client.resumeReading();
    const received = await client.readBytes(sent);
    expect(received.every((byte, i) => byte === i % 251)).toBe(true);
    await poll.event(fd, WRITABLE);
  });
}
