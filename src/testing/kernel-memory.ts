// What a simulated kernel shares with the server that runs on it: the same arenas and words as the addon's.

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

  constructor(machine: Required<Omit<SimulatedKernelOptions, 'clock' | 'dials'>>) {
    this.events = new Int32Array(machine.eventCapacity * EVENT_WORDS);
    this.input = Buffer.alloc(machine.inputBytes);
    this.received = new Int32Array(machine.eventCapacity);
    this.ahead = Buffer.alloc(machine.eventCapacity * SLOT_BYTES);
    this.output = Buffer.alloc(machine.outputBytes);
    this.orders = new Int32Array(machine.orderCapacity * ORDER_WORDS);
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
