// Tests what an output batches and keeps, and when it calls its owner, without a connection.

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

/** Accepts at most `room` bytes, and keeps them as text. */
class NarrowKernel extends FakeKernel {
  room = Infinity;
  fileRoom = Infinity;
  fileStatus = 0;
  sent = '';
  acknowledgedBytes = 0;

  override readonly send: Kernel['send'] = (_fd, offset, length, bytes = new Uint8Array(0), from = 0) => {
    const all = Buffer.concat([this.output.subarray(offset, offset + length), bytes.subarray(from)]);
    return this.#accept(all);
  };

  override readonly sendBatch: Kernel['sendBatch'] = (count) => {
    for (let i = 0; i < count; i++) {
      const at = i * SEND_OP_WORDS;
      const start = this.sendOps[at + SEND_OP_OFFSET] ?? 0;
      const length = this.sendOps[at + SEND_OP_LENGTH] ?? 0;
      this.sendOps[at + SEND_OP_RESULT] = length === 0 ? 0 : this.#accept(this.output.subarray(start, start + length));
      const requested = this.sendOps[at + SEND_OP_FILE_COUNT] ?? 0;
      this.sendOps[at + SEND_OP_FILE_SENT] = Math.min(requested, this.fileRoom);
      this.sendOps[at + SEND_OP_FILE_STATUS] = this.fileStatus;
    }
    return 0;
  };

  override readonly transferred: Kernel['transferred'] = () => [0, this.sent.length];

  override readonly acknowledged: Kernel['acknowledged'] = () => this.acknowledgedBytes;

  #accept(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.room);
    this.room -= count;
    this.sent += Buffer.from(bytes.subarray(0, count)).toString('latin1');
    return count === 0 ? EAGAIN : count;
  }
}

let kernel: NarrowKernel;
let reactor: Reactor;
let sendBatch: SendBatch;
let calls: string[];
let output: Output;

beforeEach(() => {
  kernel = new NarrowKernel();
  reactor = new Reactor(kernel);
  sendBatch = new SendBatch(kernel);
  calls = [];
  const owner: OutputOwner = {
    wake: () => calls.push('wake'),
    onDrained: () => calls.push('drained'),
    onSent: () => calls.push('sent'),
    abort: (reason) => calls.push(`abort: ${reason}`),
    fail: (error) => calls.push(`fail: ${error}`),
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

/** Runs `work` like a connection that writes in its turn. */
function within(work: () => void): void {
  sendBatch.begin(output);
  work();
  sendBatch.end();
}

test('output of a turn is sent with the batch, in one send', () => {
  within(() => {
    output.write(Buffer.from('one '));
    output.write(Buffer.from('two'));
  });
  expect([kernel.sent, calls]).toEqual(['', []]);
  sendBatch.flush();
  expect([kernel.sent, calls, output.isPending]).toEqual(['one two', ['sent'], false]);
});

test('output outside of a turn is kept, and schedules a turn', () => {
  output.write(Buffer.from('late'));
  expect([calls, output.isPending]).toEqual([['wake'], true]);
  output.flush();
  expect([kernel.sent, calls, output.isPending]).toEqual(['late', ['wake', 'drained'], false]);
});

test('unsent output stays in front of later output, and room calls the owner', () => {
  kernel.room = 4;
  within(() => output.write(Buffer.from('0123456789abcdef')));
  sendBatch.flush();
  expect([output.isPending, output.isFull, calls]).toEqual([true, true, []]);
  output.write(Buffer.from('!'));
  kernel.room = 8;
  output.flush();
  expect([kernel.sent, output.isFull, calls]).toEqual(['0123456789ab', false, ['drained']]);
  kernel.room = Infinity;
  output.flush();
  expect([kernel.sent, output.isPending]).toEqual(['0123456789abcdef!', false]);
});

test('unsent bytes of the batch go in front of output written after the turn', () => {
  kernel.room = 0;
  within(() => output.write(Buffer.from('first ')));
  output.write(Buffer.from('second'));
  sendBatch.flush();
  kernel.room = Infinity;
  output.flush();
  expect(kernel.sent).toBe('first second');
});

test('the progress of an output that has sent everything is not checked any more', () => {
  kernel.room = 0;
  output.write(Buffer.from('late'));
  kernel.room = Infinity;
  output.flush();
  calls.length = 0;
  kernel.timeMs += 10_000;
  reactor.turn();
  expect(calls).toEqual([]);
});

test('a client that receives nothing is aborted after sendTimeoutMs, one that receives bytes is not', () => {
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
  expect(calls.filter((each) => each.startsWith('abort'))).toEqual([]);
  runFor(2_000, 0);
  expect(calls.filter((each) => each.startsWith('abort'))).toContain(
    'abort: the client did not receive its response in time',
  );
});

test('a client that receives nothing of a file is aborted, despite repeated sends', () => {
  kernel.fileRoom = 0;
  kernel.fileStatus = EAGAIN;
  const callback = { onFileSent: (): void => {} };
  within(() => output.sendFile(9, 0, 50, callback));
  sendBatch.flush();
  const isAborted = (): boolean => calls.some((each) => each.startsWith('abort'));
  for (let passed = 0; passed < 3_000 && !isAborted(); passed += 128) {
    kernel.timeMs += 128;
    calls.length = 0;
    reactor.turn();
    if (!calls.includes('drained')) continue;
    // The writer continues after the call, as after an await, and the connection has its turn.
    output.sendFile(9, 0, 50, callback);
    within(() => output.flush());
    sendBatch.flush();
  }
  expect(calls).toContain('abort: the client did not receive its response in time');
});

test('a dropped output keeps nothing, and calls its owner no more', () => {
  kernel.room = 0;
  output.write(Buffer.from('lost'));
  output.drop();
  output.write(Buffer.from('x'.repeat(20_000)));
  calls.length = 0;
  kernel.timeMs += 10_000;
  reactor.turn();
  expect([output.isPending, calls]).toEqual([false, []]);
});

test('bytes of a file are sent after earlier output; the unsent rest is reported', () => {
  const counts: number[] = [];
  kernel.fileRoom = 30;
  within(() => {
    output.write(Buffer.from('head'));
    output.sendFile(9, 0, 50, { onFileSent: (count) => counts.push(count) });
  });
  expect(output.isFull).toBe(true);
  sendBatch.flush();
  expect([kernel.sent, counts, output.isFull]).toEqual(['head', [30], true]);
  output.flush();
  expect([output.isFull, calls]).toEqual([false, ['wake', 'drained']]);
});

test('the end of a file is ENODATA, and a callback that throws fails the connection', () => {
  kernel.fileRoom = 0;
  kernel.fileStatus = ENODATA;
  const counts: number[] = [];
  within(() => output.sendFile(9, 0, 50, { onFileSent: (count) => counts.push(count) }));
  sendBatch.flush();
  expect(counts).toEqual([ENODATA]);
  const thrown = {
    onFileSent: (): never => {
      throw new Error('on purpose');
    },
  };
  within(() => output.sendFile(9, 0, 50, thrown));
  sendBatch.flush();
  expect(calls).toContain('fail: Error: on purpose');
});

test('a callback waits for the bytes that were written before it, and for no others', () => {
  const sent: string[] = [];
  output.whenSent((isSent) => sent.push(`nothing: ${isSent}`));
  kernel.room = 4;
  within(() => {
    output.write(Buffer.from('012345'));
    output.whenSent((isSent) => sent.push(`first: ${isSent}`));
  });
  sendBatch.flush();
  output.write(Buffer.from('6789'));
  output.whenSent((isSent) => sent.push(`second: ${isSent}`));
  expect(sent).toEqual(['nothing: true']);
  kernel.room = 2;
  output.flush();
  expect([kernel.sent, sent]).toEqual(['012345', ['nothing: true', 'first: true']]);
  output.drop();
  output.whenSent((isSent) => sent.push(`late: ${isSent}`));
  expect(sent).toEqual(['nothing: true', 'first: true', 'second: false', 'late: false']);
});

test('callbacks of a later batch wait too, and one that throws fails its owner', () => {
  let isSent = false;
  within(() => output.write(Buffer.from('batched')));
  output.whenSent((result) => {
    isSent = result;
    throw new Error('on purpose');
  });
  expect(isSent).toBe(false);
  sendBatch.flush();
  output.reportSent();
  expect([isSent, calls]).toEqual([true, ['sent', 'fail: Error: on purpose']]);
});

test('a file sent outside of a turn leaves in the next one', () => {
  const counts: number[] = [];
  kernel.fileRoom = 50;
  output.sendFile(9, 0, 50, { onFileSent: (count) => counts.push(count) });
  expect([output.isFull, calls, counts]).toEqual([true, ['wake'], []]);
  within(() => output.flush());
  sendBatch.flush();
  expect([counts, output.isFull, calls]).toEqual([[50], false, ['wake', 'sent']]);
});

test('a file that waits for its turn when the connection is closed was not sent', () => {
  const counts: number[] = [];
  output.sendFile(9, 0, 50, { onFileSent: (count) => counts.push(count) });
  output.drop();
  expect([counts, output.isPending]).toEqual([[0], false]);
});
