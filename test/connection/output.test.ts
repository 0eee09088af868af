// Tests what an output batches and keeps, and when it calls its owner, without a connection.

import { beforeEach, describe, expect, test } from 'vitest';
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
  UNFINISHED,
} from '../../src/kernel/kernel.ts';
import { Reactor } from '../../src/reactor/reactor.ts';
import { FakeKernel } from '../support/fake-kernel.ts';

/** Accepts at most `room` bytes, and keeps them as text. */
class NarrowKernel extends FakeKernel {
  room = Infinity;
  fileRoom = Infinity;
  fileStatus = 0;
  sent = '';
  /** The sends of each batch. */
  readonly batches: number[] = [];
  acknowledgedBytes = 0;

  override readonly send: Kernel['send'] = (_fd, offset, length, bytes = new Uint8Array(0), from = 0) => {
    const all = Buffer.concat([this.output.subarray(offset, offset + length), bytes.subarray(from)]);
    return this.#accept(all);
  };

  override readonly sendBatch: Kernel['sendBatch'] = (count) => {
    this.batches.push(count);
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

  override readonly wireSent: Kernel['wireSent'] = () => this.sent.length;

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
  output = outputOf(5, sendBatch);
});

function outputOf(fd: number, batch: SendBatch): Output {
  const owner: OutputOwner = {
    wake: () => calls.push('wake'),
    onDrained: () => calls.push('drained'),
    onSent: () => calls.push('sent'),
    sendFailed: () => calls.push('send failed'),
    abort: (reason) => calls.push(`abort: ${reason}`),
    fail: (error) => calls.push(`fail: ${error}`),
  };
  const context = {
    kernel,
    reactor,
    sendBatch: batch,
    maxUnsentBytes: 10,
    maxFileBytesPerTurn: 100,
    sendTimeoutMs: 1_000,
    minSendBytesPerSecond: 0,
  };
  return new Output(context, fd, owner);
}

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

test('without a driver, output outside of a turn is kept, and schedules a turn', () => {
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

/** Output is pending for 600 ms, and then the socket accepts all of it. */
function pendFor600Ms(): void {
  kernel.room = 0;
  output.write(Buffer.from('0123456789'));
  for (let passed = 0; passed < 600; passed += 100) {
    kernel.timeMs += 100;
    reactor.turn();
  }
  kernel.room = Infinity;
  output.flush();
}

test('a socket that accepts all output now and then gives no time back to a client that receives nothing', () => {
  pendFor600Ms();
  expect(calls.filter((each) => each.startsWith('abort'))).toEqual([]);
  // Time in which nothing is pending does not count.
  kernel.timeMs += 10_000;
  reactor.turn();
  pendFor600Ms();
  expect(calls).toContain('abort: the client did not receive its response in time');
});

test('a client that has received everything has the whole time for later output', () => {
  for (let i = 0; i < 3; i++) {
    pendFor600Ms();
    kernel.acknowledgedBytes = kernel.sent.length;
  }
  expect(calls.filter((each) => each.startsWith('abort'))).toEqual([]);
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

describe('between turns', () => {
  let first: Output;
  let second: Output;

  beforeEach(() => {
    kernel = new NarrowKernel(32_768);
    reactor = new Reactor(kernel);
    sendBatch = new SendBatch(kernel, reactor);
    reactor.onTurnBegin(() => sendBatch.flushJoined());
    [first, second] = [outputOf(5, sendBatch), outputOf(6, sendBatch)];
  });

  test('output of several connections leaves in one batch, when the next turn begins', () => {
    first.write(Buffer.from('one '));
    first.write(Buffer.from('two '));
    second.write(Buffer.from('three'));
    expect([kernel.sent, kernel.control[UNFINISHED], first.isPending]).toEqual(['', 1, false]);
    reactor.turn();
    expect([kernel.sent, kernel.batches, calls]).toEqual(['one two three', [2], ['sent', 'sent']]);
  });

  test('bytes of one connection keep their order when the socket refuses some', () => {
    kernel.room = 2;
    first.write(Buffer.from('abcd'));
    second.write(Buffer.from(''));
    second.write(Buffer.from('x'));
    first.write(Buffer.from('efgh'));
    expect([kernel.sent, first.isPending]).toEqual(['ab', true]);
    kernel.room = Infinity;
    first.flush();
    expect(kernel.sent.replaceAll('x', '')).toBe('abcdefgh');
  });

  test('a large piece leaves at once, behind the small ones before it', () => {
    const large = Buffer.alloc(100_000, 'l');
    first.write(Buffer.from('small '));
    second.write(Buffer.from('other'));
    second.write(large);
    expect([kernel.sent.length, kernel.sent.slice(0, 6)]).toEqual([100_005, 'otherl']);
    reactor.turn();
    expect(kernel.sent.slice(100_000)).toBe('lllllsmall ');
  });

  test('more than the arena holds leaves in pieces', () => {
    const piece = Buffer.alloc(10_000, 'p');
    for (let i = 0; i < 100; i++) first.write(piece);
    reactor.turn();
    expect(kernel.sent.length).toBe(1_000_000);
  });

  test('a dropped connection sends nothing of it, and others send theirs', () => {
    first.write(Buffer.from('one'));
    second.write(Buffer.from('two'));
    first.drop();
    reactor.turn();
    expect([kernel.sent, kernel.batches]).toEqual(['two', [1]]);
    second.write(Buffer.from('three'));
    second.drop();
    reactor.turn();
    expect(kernel.sent).toBe('two');
  });

  test('a connection that ends at once sends it before', () => {
    first.write(Buffer.from('one'));
    first.sendJoined();
    first.drop();
    expect(kernel.sent).toBe('one');
    second.write(Buffer.from(' two'));
    second.trySend();
    second.drop();
    expect(kernel.sent).toBe('one two');
  });

  test('a file waits for its turn behind it', () => {
    first.write(Buffer.from('head'));
    first.sendFile(9, 0, 50, { onFileSent: (count) => calls.push(`file: ${count}`) });
    reactor.turn();
    expect([kernel.sent, calls]).toEqual(['head', ['wake', 'sent']]);
    sendBatch.begin(first);
    first.flush();
    sendBatch.end();
    sendBatch.flush();
    expect(calls).toEqual(['wake', 'sent', 'file: 50', 'sent']);
  });

  test('what is sent is reported when the system has it', () => {
    first.write(Buffer.from('one'));
    first.whenSent((isSent) => calls.push(`whole: ${isSent}`));
    expect(calls).toEqual([]);
    reactor.turn();
    first.reportSent();
    expect(calls).toContain('whole: true');
  });

  test('output of a time-out within a turn waits for the next one', () => {
    reactor.onTurnEnd(() => {
      if (kernel.sent === '' && calls.length === 0) first.write(Buffer.from('late'));
    });
    reactor.turn();
    expect([kernel.sent, calls, first.isPending]).toEqual(['', ['wake'], true]);
  });
});
