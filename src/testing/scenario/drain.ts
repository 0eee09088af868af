// A run in which the server ends, or is replaced, while clients come and go: by drains of any length, at any time, on a
// listener that may be behind a proxy. No request may be lost, and headers of the PROXY protocol may arrive in any pieces.

import type { HttpRequest, HttpResponse } from '../../http/handler.ts';
import type { ReactorServer } from '../../server/server.ts';
import { type FaultName, FaultSource } from '../fault-source.ts';
import { Random } from '../random.ts';
import type { SimulatedClient } from '../simulated-client.ts';
import { SimulatedKernel } from '../simulated-kernel.ts';
import { SimulatedServer } from '../simulated-server.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { CheckFailure } from './failure.ts';

/** Faults after which every request still has to be served. */
const FAULTS: readonly FaultName[] = [
  ...(['partialReceive', 'receiveAgain', 'shortSend', 'sendAgain', 'spuriousEvent', 'separateBits'] as const),
  ...(['mergedArrivals', 'smallBatch', 'shuffledBatch', 'staleEvent', 'interrupted'] as const),
];

const STRANGER = '203.0.113.9';
const MAX_CLIENTS = 12;
const MAX_REQUESTS = 5;
/** A client is silent between two requests for at most this long: less than any grace. */
const MAX_THINK_MS = 100;
const MIN_GRACE_MS = 500;
const HEADER_TIMEOUT_MS = 3_000;
/** Far more than any run takes. */
const LIMIT_MS = 120_000;

const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';

/** A header of the PROXY protocol, and the address that it names; empty: that of the connection. */
interface Header {
  readonly bytes: Buffer;
  readonly address: string;
}

const HEADERS: readonly Header[] = [
  { bytes: Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 56324 80\r\n'), address: '192.0.2.1' },
  { bytes: Buffer.from('PROXY TCP6 2001:db8::1 2001:db8::2 56324 80\r\n'), address: '2001:db8::1' },
  { bytes: Buffer.from('PROXY UNKNOWN\r\n'), address: '' },
  {
    bytes: Buffer.from(`${SIGNATURE}\x21\x11\0\x0c\xc0\0\x02\x07\xc0\0\x02\x02\xdc\x04\0\x50`, 'latin1'),
    address: '192.0.2.7',
  },
  { bytes: Buffer.from(`${SIGNATURE}\x20\0\0\0`, 'latin1'), address: '' },
];

/** What is no header. */
const GARBAGE: readonly string[] = [
  'GET / HTTP/1.1\r\n\r\n',
  'PROXY TCP4 localhost 1.2.3.4 1 2\r\n',
  `${SIGNATURE}\x31\x11\0\0`,
];

/** What a run has covered. */
export interface DrainReport {
  /** The violated rule; null: none. */
  readonly failure: CheckFailure | null;
  readonly served: number;
  /** Clients that were closed for want of a header from a trusted proxy. */
  readonly rejected: number;
  /** Clients that came after the listener was closed. */
  readonly late: number;
  readonly fingerprint: number;
}

/** Plays the run of `seed`. */
export async function playDrain(seed: number): Promise<DrainReport> {
  const run = new DrainRun(seed);
  let failure: CheckFailure | null = null;
  try {
    await run.play();
  } catch (error) {
    failure = error instanceof CheckFailure ? error : new CheckFailure('crash', String(error));
  }
  const { served, rejected, late, world } = run;
  return { failure, served, rejected, late, fingerprint: world.kernel.ledger.fingerprint };
}

class DrainRun {
  served = 0;
  rejected = 0;
  late = 0;
  readonly world: SimulatedServer;
  readonly #random: Random;
  readonly #isProxied: boolean;
  /** Whether the server has begun to close. */
  #isClosing = false;
  #playing = 0;
  #failure: CheckFailure | null = null;

  constructor(seed: number) {
    const random = new Random(seed);
    this.#random = random;
    const clock = new VirtualClock();
    const levels = FAULTS.filter(() => random.chance(0.3)).map((name) => [name, random.pick(['rare', 'frequent'])]);
    const faults = new FaultSource(Object.fromEntries(levels), random.fork(0));
    const machine = {
      receiveBytes: random.pick([64, 4_096, 65_536]),
      eventCapacity: random.pick([1, 3, 256]),
      latencyMs: random.pick([0, 0.5, 5]),
    };
    this.#isProxied = random.chance(0.7);
    this.world = new SimulatedServer(new SimulatedKernel({ ...machine, clock, faults }), {
      listen: this.#isProxied ? '127.0.0.1:0?proxy' : '127.0.0.1:0',
      ...(this.#isProxied ? { trustedProxies: 'loopback' } : {}),
      handler: (request, response) => this.#handle(request, response),
      timeouts: {
        drainDelayMs: random.pick([0, random.between(1, 3_000)]),
        shutdownGraceMs: random.between(MIN_GRACE_MS, 4_000),
        shutdownMs: LIMIT_MS / 2,
        headerMs: HEADER_TIMEOUT_MS,
      },
      limits: { maxAcceptsPerTurn: random.pick([1, 64]) },
    });
  }

  async play(): Promise<void> {
    const { clock, server, kernel } = this.world;
    const spanMs = this.#random.magnitude(1, 4_000);
    const clients = this.#random.between(1, MAX_CLIENTS);
    for (let i = 0; i < clients; i++) {
      this.#playing++;
      const random = this.#random.fork(i + 1);
      clock.after(this.#random.below(spanMs + 1), () => void this.#enter(random));
    }
    let isClosed = false;
    const isReplaced = this.#random.chance(0.5);
    clock.after(this.#random.below(spanMs + 1), () => {
      this.#isClosing = true;
      // Every server over a reactor takes this option.
      void (server as ReactorServer).close({ isReplaced }).then(() => {
        isClosed = true;
      });
    });
    const isOver = (): boolean => this.#failure !== null || (isClosed && this.#playing === 0);
    if (!(await this.world.runUntil(isOver, clock.nowMs + LIMIT_MS))) {
      throw new CheckFailure(
        'liveness',
        `the server is ${isClosed ? '' : 'not '}closed, ${this.#playing} clients wait`,
      );
    }
    if (this.#failure !== null) throw this.#failure;
    this.#checkEnd(server.stats().connections.unproxied, kernel);
  }

  #checkEnd(unproxied: number, { descriptors }: SimulatedKernel): void {
    if (descriptors.opened !== descriptors.closed)
      throw new CheckFailure('leaks', `${descriptors.opened - descriptors.closed} descriptors are open at the end`);
    if (unproxied !== this.rejected)
      throw new CheckFailure('answers', `${unproxied} clients without a header were counted, not ${this.rejected}`);
  }

  async #handle(request: HttpRequest, response: HttpResponse): Promise<void> {
    const { remote, path } = request;
    if (path.endsWith('slow')) await this.world.clock.sleep(20);
    response.send(200, {}, `${remote.address} ${path}`);
  }

  async #enter(random: Random): Promise<void> {
    try {
      if (this.world.kernel.descriptors.listener() === undefined) this.late++;
      else if (!this.#isProxied) await this.#ask(this.world.connect(), random, '127.0.0.1');
      else if (random.chance(0.2)) await this.#intrude(random);
      else await this.#introduce(random);
    } catch (error) {
      this.#failure ??= error instanceof CheckFailure ? error : new CheckFailure('crash', String(error));
    }
    this.#playing--;
  }

  /** A stranger with a header, or a proxy without one. Its requests are not served. */
  async #intrude(random: Random): Promise<void> {
    const isStranger = random.chance(0.5);
    const client = this.world.connect(isStranger ? STRANGER : undefined);
    const text = isStranger
      ? `${random.pick(HEADERS).bytes.toString('latin1')}GET / HTTP/1.1\r\n\r\n`
      : random.pick(GARBAGE);
    client.send(text);
    await ended(this.world.clock, client);
    this.rejected++;
    if (client.received.length > 0) throw new CheckFailure('answers', 'a client without a header got a response');
  }

  /** A proxy that sends its header in pieces. */
  async #introduce(random: Random): Promise<void> {
    const { bytes, address } = random.pick(HEADERS);
    const client = this.world.connect();
    const size = random.pick([1, random.between(1, bytes.length)]);
    const last = bytes.length - (bytes.length % size || size);
    for (let at = 0; at < last; at += size) {
      client.send(bytes.subarray(at, at + size));
      await this.world.clock.sleep(random.pick([0, 0.1, 3]));
    }
    // The last piece goes with the beginning of the first request.
    await this.#ask(client, random, address || '127.0.0.1', bytes.subarray(last));
  }

  /** Sends requests one after the other until one response is the last of the connection. Each gets its response. */
  async #ask(
    client: SimulatedClient,
    random: Random,
    address: string,
    header: Uint8Array = Buffer.alloc(0),
  ): Promise<void> {
    const requests = random.between(1, MAX_REQUESTS);
    let seen = 0;
    for (let i = 0; i < requests; i++) {
      const path = `/${i}${random.pick(['', 'slow'])}`;
      const wasClosing = this.#isClosing;
      const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      client.send(i === 0 ? Buffer.concat([header, request]) : request);
      const text = await responseFrom(this.world.clock, client, seen);
      seen = client.received.length;
      if (!text.startsWith('HTTP/1.1 200 ') || !text.endsWith(`\r\n\r\n${address} ${path}`))
        throw new CheckFailure('completeness', `the response to ${path} of ${address} is ${JSON.stringify(text)}`);
      this.served++;
      const isLast = text.includes('\r\nConnection: close\r\n');
      if (wasClosing && !isLast) throw new CheckFailure('answers', 'a server that closes keeps a connection');
      if (isLast) {
        await ended(this.world.clock, client);
        if (client.end !== 'fin') throw new CheckFailure('completeness', 'the connection was reset after its response');
        return;
      }
      await this.world.clock.sleep(random.below(MAX_THINK_MS));
    }
    client.finish();
    await ended(this.world.clock, client);
  }
}

/** The bytes behind the first `seen`, when they are a whole response or no more can come. */
async function responseFrom(clock: VirtualClock, client: SimulatedClient, seen: number): Promise<string> {
  const isWhole = (): boolean => {
    const text = client.received.toString('latin1', seen);
    const [, length] = /\r\nContent-Length: (\d+)\r\n/.exec(text) ?? [];
    const headEnd = text.indexOf('\r\n\r\n');
    return headEnd >= 0 && length !== undefined && text.length >= headEnd + 4 + Number(length);
  };
  await waitFor(clock, () => isWhole() || client.isOver);
  return client.received.toString('latin1', seen);
}

function ended(clock: VirtualClock, client: SimulatedClient): Promise<void> {
  return waitFor(clock, () => client.isOver);
}

/** Looks each half millisecond. */
async function waitFor(clock: VirtualClock, condition: () => boolean): Promise<void> {
  while (!condition()) await clock.sleep(0.5);
}
