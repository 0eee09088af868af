// Where the clients of a kernel under contract come from: this machine's loopback, or the simulation.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { createNativeKernel } from '../../src/kernel/native-kernel.ts';
import type { SimulatedClient } from '../../src/testing/simulated-client.ts';
import { SimulatedKernel } from '../../src/testing/simulated-kernel.ts';
import { type Client, connect, type End } from './client.ts';

/** What the contract asks of a client. */
export interface PolledClient {
  readonly received: Buffer;
  readonly localPort: number;
  send(bytes: string | Uint8Array): this;
  /** Sends FIN. */
  finish(): this;
  /** Sends RST. */
  reset(): void;
  pauseReading(): void;
  resumeReading(): void;
  /** Waits until the kernel's end has what was sent. */
  flushed(): Promise<void>;
  readBytes(count: number): Promise<Buffer>;
  closed(): Promise<End>;
}

export interface World {
  createKernel(backend: string): Kernel;
  connect(kernel: Kernel, port: number): Promise<PolledClient>;
  /** Somebody connects while this thread blocks. */
  connectLater(kernel: Kernel, port: number, delayMs: number): Promise<void>;
}

/** This machine's kernel and loopback. */
export const REAL_WORLD: World = {
  createKernel: createNativeKernel,
  connect: async (_kernel, port) => new RealClient(await connect(port)),
  connectLater: async (_kernel, port, delayMs) => {
    const code = `const { connect } = require('node:net');
      setTimeout(() => { const s = connect(${port}, '127.0.0.1'); s.on('close', () => {}); s.on('error', () => {}); }, ${delayMs});`;
    const worker = new Worker(code, { eval: true });
    onTestFinished(() => worker.terminate().then(() => {}));
    await once(worker, 'online');
  },
};

class RealClient implements PolledClient {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  get received(): Buffer {
    return this.#client.received;
  }

  get localPort(): number {
    return this.#client.localPort;
  }

  send(bytes: string | Uint8Array): this {
    this.#client.send(bytes);
    return this;
  }

  finish(): this {
    this.#client.finish();
    return this;
  }

  reset(): void {
    this.#client.reset();
  }

  pauseReading(): void {
    this.#client.socket.pause();
  }

  resumeReading(): void {
    this.#client.socket.resume();
  }

  async flushed(): Promise<void> {
    if (this.#client.socket.writableEnded) await once(this.#client.socket, 'finish');
    else await this.#client.flushed();
  }

  readBytes(count: number): Promise<Buffer> {
    return this.#client.readBytes(count);
  }

  closed(): Promise<End> {
    return this.#client.closed();
  }
}

/** A kernel of the simulation, and its own clients. */
export const SIMULATED_WORLD: World = {
  createKernel: () => new SimulatedKernel({ latencyMs: 1 }),
  connect: async (kernel, port) => new VirtualClient(simulated(kernel), simulated(kernel).connect(port)),
  connectLater: async (kernel, port, delayMs) => {
    simulated(kernel).clock.after(delayMs, () => void simulated(kernel).connect(port));
  },
};

function simulated(kernel: Kernel): SimulatedKernel {
  if (!(kernel instanceof SimulatedKernel)) throw new Error('not a simulated kernel');
  return kernel;
}

class VirtualClient implements PolledClient {
  readonly #kernel: SimulatedKernel;
  readonly #client: SimulatedClient;

  constructor(kernel: SimulatedKernel, client: SimulatedClient | undefined) {
    if (client === undefined) throw new Error('nobody listens');
    this.#kernel = kernel;
    this.#client = client;
  }

  get received(): Buffer {
    return this.#client.received;
  }

  get localPort(): number {
    return this.#client.socket.port;
  }

  send(bytes: string | Uint8Array): this {
    this.#client.send(bytes);
    return this;
  }

  finish(): this {
    this.#client.finish();
    return this;
  }

  reset(): void {
    this.#client.reset();
  }

  pauseReading(): void {
    this.#client.pauseReading();
  }

  resumeReading(): void {
    this.#client.resumeReading();
  }

  async flushed(): Promise<void> {
    this.#pass();
  }

  async readBytes(count: number): Promise<Buffer> {
    while (this.received.length < count && this.#client.end === null) this.#pass();
    return this.received.subarray(0, count);
  }

  async closed(): Promise<End> {
    for (;;) {
      if (this.#client.end !== null) return this.#client.end;
      this.#pass();
    }
  }

  #pass(): void {
    const { clock } = this.#kernel;
    clock.advanceTo(Math.min(clock.nextMs, clock.nowMs + 10));
  }
}
