// Clients for contract tests of a kernel: over the loopback of this machine, or simulated.

import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { createNativeKernel } from '../../src/kernel/native-kernel.ts';
import type { SimulatedClient } from '../../src/testing/simulated-client.ts';
import { SimulatedKernel } from '../../src/testing/simulated-kernel.ts';
import { adopted, type Client, connect, type End } from './client.ts';
import { folder } from './folder.ts';
import { pause, until } from './until.ts';

const SIMULATED_FILE = 1_000_000;

/** A client as the contract tests use it. */
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
  /** Waits until the kernel has received the sent bytes. */
  flushed(): Promise<void>;
  readBytes(count: number): Promise<Buffer>;
  closed(): Promise<End>;
}

/** An address that the kernel connects to. `port`: 0 for the path of a Unix domain socket. */
export interface PolledAddress {
  readonly address: string;
  readonly port: number;
}

/** A program that the kernel connects to. */
export interface PolledUpstream extends PolledAddress {
  /** Waits for the next connection. */
  accept(): Promise<PolledClient>;
}

export interface World {
  createKernel(backend: string): Kernel;
  connect(kernel: Kernel, port: number): Promise<PolledClient>;
  /** A file that is open for send operations of the kernel until the test ends. */
  openFile(kernel: Kernel, content: Uint8Array): Promise<number>;
  /** A program that listens for connections of the kernel. `where`: on a port, or at the path of a socket. */
  listen(kernel: Kernel, where: 'port' | 'path'): Promise<PolledUpstream>;
  /** An address where no program listens. */
  unused(kernel: Kernel, where: 'port' | 'path'): Promise<PolledAddress>;
  /** An address whose backlog is full: connections to a port stay in progress, those to a path fail. */
  stalled(kernel: Kernel, where: 'port' | 'path'): Promise<PolledAddress>;
  /** What happens with an accepted descriptor before a test uses it. */
  readonly accepted?: (kernel: Kernel, fd: number) => Promise<void>;
  /** Connects a client while this thread blocks. */
  connectLater(kernel: Kernel, port: number, delayMs: number): Promise<void>;
}

/** This machine's kernel and loopback. */
export const REAL_WORLD: World = {
  createKernel: createNativeKernel,
  connect: async (_kernel, port) => new RealClient(await connect(port)),
  openFile: async (_kernel, content) => {
    const root = await folder({ 'a.bin': content });
    const file = await open(`${root}/a.bin`);
    onTestFinished(() => file.close());
    return file.fd;
  },
  listen: async (_kernel, where) => {
    const server = createServer({ allowHalfOpen: true });
    const place = await placeOf(server, where);
    const accepted: Socket[] = [];
    server.on('connection', (socket) => void accepted.push(socket));
    return {
      ...place,
      accept: async () => {
        await until(() => accepted.length > 0, 'a connection was accepted');
        const socket = accepted.shift();
        if (socket === undefined) throw new Error('no connection was accepted');
        return new RealClient(adopted(socket));
      },
    };
  },
  unused: async (_kernel, where) => {
    const server = createServer();
    const place = await placeOf(server, where);
    await new Promise((resolve) => server.close(resolve));
    return place;
  },
  stalled: async (kernel, where) => {
    if (where === 'path') {
      const server = createServer();
      const place = await placeOf(server, where);
      // This thread does not accept meanwhile.
      while (kernel.connectUnix(place.address) >= 0);
      return place;
    }
    // Linux accepts one connection more than the backlog; further ones stay in progress.
    const listener = kernel.listen('127.0.0.1', 0, 0);
    const { port } = kernel.local(listener);
    for (let i = 0; i < 3; i++) kernel.connect('127.0.0.1', port);
    return { address: '127.0.0.1', port };
  },
  connectLater: async (_kernel, port, delayMs) => {
    const code = `const { connect } = require('node:net');
      setTimeout(() => { const s = connect(${port}, '127.0.0.1'); s.on('close', () => {}); s.on('error', () => {}); }, ${delayMs});`;
    const worker = new Worker(code, { eval: true });
    onTestFinished(() => worker.terminate().then(() => {}));
    await once(worker, 'online');
  },
};

/** Listens, and closes the server when the test ends. */
async function placeOf(server: Server, where: 'port' | 'path'): Promise<PolledAddress> {
  onTestFinished(() => void server.close());
  const path = where === 'path' ? `${await folder()}/app.sock` : '';
  await new Promise<void>((resolve) => {
    if (where === 'path') server.listen({ path, backlog: 1 }, resolve);
    else server.listen(0, '127.0.0.1', resolve);
  });
  const bound = server.address();
  return typeof bound === 'object' && bound !== null
    ? { address: '127.0.0.1', port: bound.port }
    : { address: path, port: 0 };
}

/** The same for a test file that has replaced kernels and clients by those of TLS: handshakes are over. */
export const SECURED_WORLD: World = {
  ...REAL_WORLD,
  accepted: async (kernel, fd) => {
    while (kernel.isNegotiated(fd) === 0) {
      // The client sends nothing else yet.
      kernel.recv(fd, 0, 1);
      // Each wait allows the next handshakes to begin.
      kernel.wait(0);
      await pause(1);
    }
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

/** A simulated kernel with simulated clients. */
export const SIMULATED_WORLD: World = simulatedWorld(false);

/** The same with a transport on every connection. */
export const TRANSPORT_WORLD: World = simulatedWorld(true);

function simulatedWorld(transport: boolean): World {
  return {
    createKernel: () => new SimulatedKernel({ latencyMs: 1, transport }),
    connect: async (kernel, port) => new VirtualClient(simulated(kernel), simulated(kernel).connectClient(port)),
    listen: async (kernel, where) => {
      const { place, ...address } = simulatedPlace(where);
      const accepted: SimulatedClient[] = [];
      simulated(kernel).upstreams.set(place, (peer) => void accepted.push(peer));
      return {
        ...address,
        accept: async () => {
          const { clock } = simulated(kernel);
          while (accepted.length === 0) clock.advanceTo(Math.min(clock.nextMs, clock.nowMs + 10));
          return new VirtualClient(simulated(kernel), accepted.shift());
        },
      };
    },
    unused: async (_kernel, where) => simulatedPlace(where),
    stalled: async (kernel, where) => {
      const { place, ...address } = simulatedPlace(where);
      simulated(kernel).upstreams.set(place, null);
      return address;
    },
    openFile: async (kernel, content) => {
      simulated(kernel).fileContents.set(SIMULATED_FILE, content);
      return SIMULATED_FILE;
    },
    connectLater: async (kernel, port, delayMs) => {
      simulated(kernel).clock.after(delayMs, () => void simulated(kernel).connectClient(port));
    },
  };
}

function simulatedPlace(where: 'port' | 'path'): PolledAddress & { readonly place: string } {
  if (where === 'path') return { address: '/run/app.sock', port: 0, place: '/run/app.sock' };
  return { address: '127.0.0.1', port: 9_000, place: '127.0.0.1:9000' };
}

function simulated(kernel: Kernel): SimulatedKernel {
  if (!(kernel instanceof SimulatedKernel)) throw new Error('not a simulated kernel');
  return kernel;
}

class VirtualClient implements PolledClient {
  readonly #kernel: SimulatedKernel;
  readonly #client: SimulatedClient;
  /** Bytes returned by {@link readBytes}. */
  #read = 0;

  constructor(kernel: SimulatedKernel, client: SimulatedClient | undefined) {
    if (client === undefined) throw new Error('there is no listener');
    this.#kernel = kernel;
    this.#client = client;
  }

  get received(): Buffer {
    return this.#client.received.subarray(this.#read);
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
    this.#read += count;
    return this.#client.received.subarray(this.#read - count, this.#read);
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
