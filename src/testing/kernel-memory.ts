// What a simulated kernel shares with the server that runs on it: the same arenas and words as the addon's.

import { EAGAIN, EBADF, EINVAL, ENODATA } from '../kernel/errno.ts';
import {
  EVENT_WORDS,
  ORDER_FD,
  ORDER_FILE,
  ORDER_FILE_COUNT,
  ORDER_LENGTH,
  ORDER_OFFSET,
  ORDER_POSITION_HIGH,
  ORDER_POSITION_LOW,
  ORDER_RESULT,
  ORDER_STATUS,
  ORDER_TAKEN,
  ORDER_WORDS,
  type PollerTraits,
  SLOT_BYTES,
} from '../kernel/kernel.ts';
import type { SimulatedKernelOptions } from './machine-options.ts';

export abstract class KernelMemory {
  readonly traits: PollerTraits = {
    name: 'simulated',
    edgeTriggered: true,
    hasDescriptor: false,
    seesHangup: true,
    maxDescriptors: 0,
  };
  readonly events: Int32Array;
  readonly input: Buffer;
  readonly received: Int32Array;
  readonly ahead: Buffer;
  readonly output: Buffer;
  readonly orders: Int32Array;
  readonly control: Float64Array = new Float64Array(16);
  /** What orders of files send: the content of each open file, by descriptor. */
  readonly fileContents: Map<number, Uint8Array> = new Map();

  constructor(machine: Required<Omit<SimulatedKernelOptions, 'clock' | 'dials'>>) {
    this.events = new Int32Array(machine.eventCapacity * EVENT_WORDS);
    this.input = Buffer.alloc(machine.inputBytes);
    this.received = new Int32Array(machine.eventCapacity);
    this.ahead = Buffer.alloc(machine.eventCapacity * SLOT_BYTES);
    this.output = Buffer.alloc(machine.outputBytes);
    this.orders = new Int32Array(machine.orderCapacity * ORDER_WORDS);
  }

  abstract send(fd: number, offset: number, length: number): number;
  abstract sendFrom(fd: number, bytes: Uint8Array, offset: number): number;

  /** Carries out one order. */
  protected carryOut(order: Int32Array): void {
    const [fd = -1, count = 0, length = 0] = [order[ORDER_FD], order[ORDER_FILE_COUNT], order[ORDER_LENGTH]];
    const result = length > 0 || count === 0 ? this.send(fd, order[ORDER_OFFSET] ?? 0, length) : 0;
    order[ORDER_RESULT] = result;
    if (count === 0) return;
    order[ORDER_TAKEN] = 0;
    order[ORDER_STATUS] = result < 0 ? result : EAGAIN;
    if (result === length) this.#sendFileOf(order, fd, count);
  }

  /** A file that has shrunk gives less, or nothing. */
  #sendFileOf(order: Int32Array, fd: number, count: number): void {
    const content = this.fileContents.get(order[ORDER_FILE] ?? -1);
    const position = (order[ORDER_POSITION_HIGH] ?? 0) * 2 ** 32 + ((order[ORDER_POSITION_LOW] ?? 0) >>> 0);
    let taken = 0;
    let status = position < 0 ? EINVAL : content === undefined ? EBADF : 0;
    while (content !== undefined && status === 0 && taken < count) {
      const bytes = content.subarray(position + taken, position + count);
      const sent = bytes.length === 0 ? ENODATA : this.sendFrom(fd, bytes, 0);
      if (sent < 0) status = sent;
      else taken += sent;
    }
    order[ORDER_TAKEN] = taken;
    order[ORDER_STATUS] = status;
  }

  /** Adds to a counter of `control`. */
  protected count(word: number, by: number): void {
    this.control[word] = (this.control[word] ?? 0) + by;
  }
}

/** As the addon reads them: unsigned 32-bit numbers. */
export function isInside(offset: number, length: number, size: number): boolean {
  const [from, count] = [offset >>> 0, length >>> 0];
  return from <= size && count <= size - from;
}
