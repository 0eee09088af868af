// Whether a client takes what it is owed, by what its system has acknowledged: what ours takes from us proves
// nothing, since send buffers grow. Exists only while something is owed. It must not know what is sent.

import type { Kernel } from '../kernel/kernel.ts';
import { Patience } from './patience.ts';

/** Looked at this often, so that a client that stops is cut off at most this much late. */
export const LOOK_MS = 250;

export class Taking {
  readonly #kernel: Kernel;
  readonly #fd: number;
  readonly #patience: Patience;
  #takenBytes: number;

  /** `bytesPerSecond`: less than this uses `timeoutMs` up, whatever the pauses; 0 for none. */
  constructor(kernel: Kernel, fd: number, timeoutMs: number, bytesPerSecond: number, nowMs: number) {
    this.#kernel = kernel;
    this.#fd = fd;
    this.#patience = new Patience(timeoutMs, bytesPerSecond, nowMs);
    this.#takenBytes = this.#countTaken();
  }

  /** The milliseconds that the client has left; 0: it takes nothing, or too little. */
  look(nowMs: number): number {
    const before = this.#takenBytes;
    this.#takenBytes = this.#countTaken();
    return this.#patience.spend(nowMs, this.#takenBytes - before);
  }

  #countTaken(): number {
    const sent = this.#kernel.transferred(this.#fd)[1];
    // Where the system cannot tell, what it took counts.
    return sent - Math.max(this.#kernel.unacknowledged(this.#fd), 0);
  }
}
