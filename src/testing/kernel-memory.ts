// What a simulated kernel shares with the server that runs on it: the same arenas and words as the addon's.

import { EBADF } from '../kernel/errno.ts';
import { EVENT_WORDS, ORDER_WORDS, type PollerTraits, SLOT_BYTES } from '../kernel/kernel.ts';
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
  /** What `sendFile` sends: the content of each open file, by descriptor. */
  readonly fileContents: Map<number, Uint8Array> = new Map();

  constructor(machine: Required<Omit<SimulatedKernelOptions, 'clock' | 'dials'>>) {
    this.events = new Int32Array(machine.eventCapacity * EVENT_WORDS);
    this.input = Buffer.alloc(machine.inputBytes);
    this.received = new Int32Array(machine.eventCapacity);
    this.ahead = Buffer.alloc(machine.eventCapacity * SLOT_BYTES);
    this.output = Buffer.alloc(machine.outputBytes);
    this.orders = new Int32Array(machine.orderCapacity * ORDER_WORDS);
  }

  abstract sendv(fd: number, offset: number, length: number, bytes: Uint8Array): number;

  /** A file that has shrunk gives less, or nothing. */
  sendFile(fd: number, offset: number, length: number, file: number, position: number, count: number): number {
    const content = this.fileContents.get(file);
    if (content === undefined) return EBADF;
    const bytes = content.subarray(position, position + count);
    return bytes.length === 0 && length === 0 ? 0 : this.sendv(fd, offset, length, bytes);
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
