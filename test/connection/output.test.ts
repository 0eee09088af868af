// Proves what an output does without a connection around it: what is batched, what is kept, and when its owner is asked.

import { beforeEach, expect, test } from 'vitest';
import { Output, type OutputOwner } from '../../src/connection/output.ts';
import { SendBatch } from '../../src/connection/send-batch.ts';
import { EAGAIN, ENODATA } from '../../src/kernel/errno.ts';
import {
  type Kernel,
  SEND_OP_FILE_COUNT,
  SEND_OP_FILE_SENT,
  SEND_OP_FILE_STATUS,
  SEND_OP_LENGTH,
  SEND_OP_OFFSET,
  SEND_OP_RESULT,
  SEND_OP_WORDS,
} from '../../src/kernel/kernel.ts';
import { Reactor } from '../../src/reactor/reactor.ts';
import { FakeKernel } from '../support/fake-kernel.ts';

/** Takes at most `room` bytes, and keeps what it took as text. */
class NarrowKernel extends FakeKernel {
  room = Infinity;
  fileRoom = Infinity;
  fileStatus = 0;
  taken = '';
  acknowledgedBytes = 0;

  override readonly send: Kernel['send'] = (_fd, offset, length, bytes = new Uint8Array(0), from = 0) => {
    const all = Buffer.concat([this.output.subarray(offset, offset + length), bytes.subarray(from)]);
    return this.#take(all);
  };

  override readonly sendBatch: Kernel['sendBatch'] = (count) => {
    for (let i = 0; i < count; i++) {
      const at = i * SEND_OP_WORDS;
      const start = this.sendOps[at + SEND_OP_OFFSET] ?? 0;
      const length = this.sendOps[at + SEND_OP_LENGTH] ?? 0;
      this.sendOps[at + SEND_OP_RESULT] = length === 0 ? 0 : this.#take(this.output.subarray(start, start + length));
      const asked = this.sendOps[at + SEND_OP_FILE_COUNT] ?? 0;
      this.sendOps[at + SEND_OP_FILE_SENT] = Math.min(asked, this.fileRoom);
      this.sendOps[at + SEND_OP_FILE_STATUS] = this.fileStatus;
    }
    return 0;
  };

  override readonly acknowledged: Kernel['acknowledged'] = () => this.acknowledgedBytes;

  #take(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.room);
    this.room -= count;
    this.taken += Buffer.from(bytes.subarray(0, count)).toString('latin1');
    return count === 0 ? EAGAIN : count;
  }
}

let kernel: NarrowKernel;
let reactor: Reactor;
let sendBatch: SendBatch;
let asked: string[];
let output: Output;

beforeEach(() => {
  kernel = new NarrowKernel();
  reactor = new Reactor(kernel);
  sendBatch = new SendBatch(kernel);
  asked = [];
  const owner: OutputOwner = {
    wake: () => asked.push('wake'),
    onDrained: () => asked.push('drained'),
    onSent: () => asked.push('sent'),
    abort: (reason) => asked.push(`abort: ${reason}`),
    fail: (error) => asked.push(`fail: ${error}`),
  };
  output = new Output(
    {
      kernel,
      reactor,
      sendBatch,
      maxUnsentBytes: 10,
      maxFileBytesPerTurn: 100,
      sendTimeoutMs: 1_000,
      minSendBytesPerSecond: 0,
    },
    5,
    owner,
  );
});

/** As a connection writes within its turn. */
function within(work: () => void): void {
  sendBatch.begin(output);
  work();
  sendBatch.end();
}

test('what is written within a turn leaves with the batch, in one send', () => {
  within(() => {
    output.write(Buffer.from('one '));
    output.write(Buffer.from('two'));
  });
  expect([kernel.taken, asked]).toEqual(['', []]);
  sendBatch.flush();
  expect([kernel.taken, asked, output.isPending]).toEqual(['one two', ['sent'], false]);
});

test('what is written outside of a turn is kept, and asks for one', () => {
  output.write(Buffer.from('late'));
  expect([asked, output.isPending]).toEqual([['wake'], true]);
  output.flush();
  expect([kernel.taken, asked, output.isPending]).toEqual(['late', ['wake', 'drained'], false]);
});

test('what the kernel does not take is kept in front of what follows; the owner hears when there is room', () => {
  kernel.room = 4;
  within(() => output.write(Buffer.from('0123456789abcdef')));
  sendBatch.flush();
  expect([output.isPending, output.isFull, asked]).toEqual([true, true, []]);
  output.write(Buffer.from('!'));
  kernel.room = 8;
  output.flush();
  expect([kernel.taken, output.isFull, asked]).toEqual(['0123456789ab', false, ['drained']]);
  kernel.room = Infinity;
  output.flush();
  expect([kernel.taken, output.isPending]).toEqual(['0123456789abcdef!', false]);
});

test('what the batch could not send goes in front of what was written after the turn', () => {
  kernel.room = 0;
  within(() => output.write(Buffer.from('first ')));
  output.write(Buffer.from('second'));
  sendBatch.flush();
  kernel.room = Infinity;
  output.flush();
  expect(kernel.taken).toBe('first second');
});

test('an output that has sent everything is not called for its progress any more', () => {
  kernel.room = 0;
  output.write(Buffer.from('late'));
  kernel.room = Infinity;
  output.flush();
  asked.length = 0;
  kernel.timeMs += 10_000;
  reactor.turn();
  expect(asked).toEqual([]);
});

test('a client that takes nothing is given up when its time is over, one that takes bytes is not', () => {
  kernel.room = 0;
  output.write(Buffer.from('0123456789'));
  const runFor = (ms: number, takenBytes: number): void => {
    for (let passed = 0; passed < ms; passed += 128) {
      kernel.timeMs += 128;
      kernel.acknowledgedBytes += takenBytes;
      reactor.turn();
    }
  };
  runFor(5_000, 1);
  expect(asked.filter((each) => each.startsWith('abort'))).toEqual([]);
  runFor(2_000, 0);
  expect(asked.filter((each) => each.startsWith('abort'))).toContain(
    'abort: the client did not take its answer in time',
  );
});

test('a dropped output keeps nothing, and is not called any more', () => {
  kernel.room = 0;
  output.write(Buffer.from('lost'));
  output.drop();
  output.write(Buffer.from('x'.repeat(20_000)));
  asked.length = 0;
  kernel.timeMs += 10_000;
  reactor.turn();
  expect([output.isPending, asked]).toEqual([false, []]);
});

test('bytes of a file leave behind what was written; the rest is asked for again', () => {
  const counts: number[] = [];
  kernel.fileRoom = 30;
  within(() => {
    output.write(Buffer.from('head'));
    output.sendFile(9, 0, 50, { taken: (count) => counts.push(count) });
  });
  expect(output.isFull).toBe(true);
  sendBatch.flush();
  expect([kernel.taken, counts, output.isFull]).toEqual(['head', [30], true]);
  output.flush();
  expect([output.isFull, asked]).toEqual([false, ['wake', 'drained']]);
});

test('a file that has no more says so, and a taker that throws is the fault of its owner', () => {
  kernel.fileRoom = 0;
  kernel.fileStatus = ENODATA;
  const counts: number[] = [];
  within(() => output.sendFile(9, 0, 50, { taken: (count) => counts.push(count) }));
  sendBatch.flush();
  expect(counts).toEqual([ENODATA]);
  const thrown = {
    taken: (): never => {
      throw new Error('on purpose');
    },
  };
  within(() => output.sendFile(9, 0, 50, thrown));
  sendBatch.flush();
  expect(asked).toContain('fail: Error: on purpose');
});
