// A kernel for tests that call wait themselves, with a listener and clients.

import { onTestFinished } from 'vitest';
import { EAGAIN } from '../../src/kernel/errno.ts';
import {
  EVENT_FD,
  EVENT_GENERATION,
  EVENT_PREFETCHED,
  EVENT_READINESS,
  EVENT_WORDS,
  type Kernel,
  NOT_PREFETCHED,
  PREFETCH_BYTES,
  READABLE,
  WRITABLE,
} from '../../src/kernel/kernel.ts';
import { pause } from './until.ts';
import { type PolledClient, REAL_WORLD, type World } from './worlds.ts';

/** One event as an object. */
export interface Ready {
  readonly fd: number;
  readonly generation: number;
  readonly readiness: number;
  /** The bytes that `wait` prefetched for it; absent: none. */
  readonly prefetched?: number;
}

/** The bytes that a wait prefetched for an event. */
export interface Prefetched {
  readonly fd: number;
  /** The index of the event in its batch. */
  readonly index: number;
  readonly count: number;
}

/** A client and the kernel's end of its connection. */
export interface Pair {
  readonly client: PolledClient;
  readonly fd: number;
  /** The generation of the registration; 0 if the descriptor is not watched. */
  readonly generation: number;
}

/** The longest single wait of a test that expects an event. */
const WAIT_MS = 50;
const MAX_WAITS = 400;

export class Polled {
  readonly kernel: Kernel;
  readonly listener: number;
  readonly port: number;
  readonly world: World;

  constructor(backend: string, world: World = REAL_WORLD) {
    this.world = world;
    this.kernel = world.createKernel(backend);
    onTestFinished(() => this.kernel.destroy());
    this.listener = this.kernel.listen('127.0.0.1', 0, 128);
    this.port = this.kernel.local(this.listener).port;
  }

  /** The events of one wait. */
  events(timeoutMs: number): Ready[] {
    const count = this.kernel.wait(timeoutMs);
    if (count < 0) throw new Error(`wait returned ${count}`);
    const word = (at: number): number => this.kernel.events[at] ?? -1;
    return Array.from({ length: count }, (_, i) => {
      const at = i * EVENT_WORDS;
      const prefetched = word(at + EVENT_PREFETCHED);
      return {
        fd: word(at + EVENT_FD),
        generation: word(at + EVENT_GENERATION),
        readiness: word(at + EVENT_READINESS),
        ...(prefetched === NOT_PREFETCHED ? {} : { prefetched }),
      };
    });
  }

  /** The prefetched bytes of one wait, in the order of its events. */
  prefetches(timeoutMs: number): Prefetched[] {
    return this.events(timeoutMs).flatMap(({ fd, prefetched }, index) =>
      prefetched === undefined ? [] : [{ fd, index, count: prefetched }],
    );
  }

  /** Waits until bytes, the end or an error of `fd` were prefetched. */
  async prefetched(fd: number): Promise<Prefetched> {
    for (let i = 0; i < MAX_WAITS; i++) {
      const found = this.prefetches(i === 0 ? 0 : WAIT_MS).find((each) => each.fd === fd && each.count !== EAGAIN);
      if (found !== undefined) return found;
      await pause(0);
    }
    throw new Error(`nothing was received for descriptor ${fd}`);
  }

  /** The offset in the input of the prefetch slot of the event with this index. */
  slotStart(index: number): number {
    return this.kernel.receiveBytes + index * PREFETCH_BYTES;
  }

  /** The first `count` bytes of a prefetch slot. */
  slotText(index: number, count: number): string {
    const start = this.slotStart(index);
    return this.kernel.input.toString('latin1', start, start + count);
  }

  /** Waits for an event of `fd` with all of `bits`. Clients keep running meanwhile. */
  async event(fd: number, bits: number): Promise<Ready> {
    for (let i = 0; i < MAX_WAITS; i++) {
      const found = this.events(i === 0 ? 0 : WAIT_MS).find(
        (ready) => ready.fd === fd && (ready.readiness & bits) === bits,
      );
      if (found !== undefined) return found;
      await pause(0);
    }
    throw new Error(`no event of descriptor ${fd} with readiness ${bits}`);
  }

  /**
   * Waits for the end of a connection as its back end reports it: `bits` with READABLE and WRITABLE, or only READABLE if
   * the back end does not report hang-ups.
   */
  async hangup(fd: number, bits: number): Promise<Ready> {
    if (this.kernel.traits.seesHangup) return this.event(fd, bits | READABLE | WRITABLE);
    // The scan back end reports READABLE even before the end has arrived.
    if (this.kernel.traits.busy === true) await pause(20);
    return this.event(fd, READABLE);
  }

  /** Drops all pending events; the scan back end always has some. */
  drain(): void {
    while (this.events(0).length > 0 && this.kernel.traits.busy !== true);
  }

  /** Re-arms the descriptor if the back end requires it. */
  again(fd: number, interest: number): void {
    if (!this.kernel.traits.edgeTriggered) this.kernel.rearm(fd, interest);
  }

  /** A client that connects and is not accepted yet. */
  connect(): Promise<PolledClient> {
    return this.world.connect(this.kernel, this.port);
  }

  /** A connected client whose descriptor is not watched yet. */
  async accept(): Promise<Pair> {
    const client = await this.connect();
    const fd = await this.acceptOne();
    return { client, fd, generation: 0 };
  }

  /** A connected client that is watched for both directions, without pending events. */
  async pair(): Promise<Pair> {
    const { client, fd } = await this.accept();
    const generation = this.kernel.add(fd, READABLE | WRITABLE);
    this.drain();
    return { client, fd, generation };
  }

  /** Receives up to `length` bytes as text, or -errno. */
  receive(fd: number, length: number = this.kernel.receiveBytes): string | number {
    const count = this.kernel.recv(fd, 0, length);
    return count < 0 ? count : this.kernel.input.toString('latin1', 0, count);
  }

  /** Receives at least one byte and at most `length`, as text. */
  async bytes(fd: number, length: number = this.kernel.receiveBytes): Promise<string> {
    for (let i = 0; i < MAX_WAITS; i++) {
      const received = this.receive(fd, length);
      if (typeof received === 'string') return received;
      await pause(1);
    }
    throw new Error(`nothing comes from descriptor ${fd}`);
  }

  /** Sends until EAGAIN; returns the number of bytes sent. */
  fill(fd: number): number {
    let sent = 0;
    for (;;) {
      const count = this.kernel.send(fd, 0, this.kernel.output.length);
      if (count === EAGAIN) return sent;
      if (count < 0) throw new Error(`send returned ${count}`);
      sent += count;
    }
  }

  async acceptOne(): Promise<number> {
    for (;;) {
      const fd = this.kernel.accept(this.listener);
      if (fd >= 0) await this.world.accepted?.(this.kernel, fd);
      if (fd !== EAGAIN) return fd;
      await pause(1);
    }
  }
}
