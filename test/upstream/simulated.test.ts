// Tests upstreams on the simulated machine: faults in every call, programs that lie, and clients that leave. A response is
// whole, or it says that it is not, and nothing stays open.

import { expect, test } from 'vitest';
import { Outgoing } from '../../src/connection/outgoing.ts';
import { resolveLimits } from '../../src/options/resolve-limits.ts';
import {
  CONNECT_FAULT_NAMES,
  FAULT_NAMES,
  type FaultLevel,
  type FaultName,
  FaultSource,
} from '../../src/testing/fault-source.ts';
import { Random } from '../../src/testing/random.ts';
import type { SimulatedClient } from '../../src/testing/simulated-client.ts';
import { SimulatedKernel } from '../../src/testing/simulated-kernel.ts';
import { SimulatedServer } from '../../src/testing/simulated-server.ts';
import { SpoolSpace } from '../../src/upstream/spool-space.ts';
import { upstreamHandler } from '../../src/upstream/upstream-handler.ts';
import { get, post } from '../support/client.ts';
import { parseResponse } from '../support/response.ts';

const PLACES = [
  { address: { path: '/run/app.sock' }, place: '/run/app.sock' },
  { address: { host: '127.0.0.1', port: 3_031 }, place: '127.0.0.1:3031' },
] as const;

/** These change the clock, or stop everything: time-outs are then right answers to anything. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'clockJump',
  'wallClockStep',
  'exhaustedAccept',
  'abortedAccept',
  'lateWait',
]);

/** What a program does with a request. */
const DEEDS = ['length', 'chunks', 'close', 'early', 'short', 'long', 'reset', 'garbage', 'silent'] as const;

type Deed = (typeof DEEDS)[number];

const TIMEOUTS = { handlerMs: 2_000, upstreamMs: 1_000, sendMs: 5_000 };

/** The content of the response to a path. */
function contentOf(path: string, bytes: number): string {
  return path.repeat(Math.ceil(bytes / path.length)).slice(0, bytes);
}

/** The bytes that a program sends for a path, and whether a client may take them for a whole response. */
function responseTo(path: string, deed: Deed, bytes: number): string {
  const content = contentOf(path, bytes);
  const length = `Content-Length: ${content.length}\r\n\r\n`;
  const ok = 'HTTP/1.1 200 OK\r\n';
  switch (deed) {
    case 'chunks':
      return `${ok}Transfer-Encoding: chunked\r\n\r\n${content === '' ? '' : `${content.length.toString(16)}\r\n${content}\r\n`}0\r\n\r\n`;
    case 'close':
      return `HTTP/1.0 200 OK\r\n\r\n${content}`;
    case 'short':
      return `${ok}Content-Length: ${content.length + 1}\r\n\r\n${content}`;
    case 'long':
      return `${ok}${length}${content}excess`;
    case 'garbage':
      return `garbage ${content}\r\n\r\n`;
    default:
      return `${ok}${length}${content}`;
  }
}

/** Answers a connection like a program that may lie. */
function program(random: Random, peer: SimulatedClient, deeds: readonly Deed[] = DEEDS): void {
  let received = Buffer.alloc(0);
  let hasAnswered = false;
  const deed = random.pick(deeds);
  peer.onBytes = (bytes) => {
    received = Buffer.concat([received, bytes]);
    const end = received.length < 4 ? 4 : 4 + received.readUInt16LE(1);
    if (hasAnswered || received.length < end || received.length < 4) return;
    const texts = received.toString('latin1', 4, end);
    const path = /PATH_INFO..(\/[a-z0-9/]+)/s.exec(texts)?.[1] ?? '/';
    const length = Number(/CONTENT_LENGTH..([0-9]*)/s.exec(texts)?.[1] ?? 0);
    if (deed !== 'early' && received.length < end + length) return;
    hasAnswered = true;
    if (deed === 'silent') return;
    const bytesToSend = random.magnitude(1, 40_000);
    const response = responseTo(path, deed, bytesToSend);
    const cut = deed === 'reset' ? random.below(response.length) : response.length;
    for (let at = 0; at < cut; ) {
      const piece = Math.min(cut - at, random.magnitude(1, 20_000));
      peer.send(response.slice(at, at + piece));
      at += piece;
    }
    if (deed === 'reset') peer.reset();
    else peer.finish();
  };
}

/** A client that sends some requests, one after the other, and checks each response. */
class Visitor {
  readonly problems: string[] = [];
  readonly statuses: number[] = [];
  readonly #client: SimulatedClient;
  readonly #requests: (readonly [path: string, text: string])[];
  #bytes = Buffer.alloc(0);

  constructor(client: SimulatedClient, requests: (readonly [string, string])[]) {
    this.#client = client;
    this.#requests = requests;
    client.onBytes = (bytes) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#read(false);
    };
    client.onEnd = () => this.#read(true);
    this.#next();
  }

  get isDone(): boolean {
    return this.#requests.length === 0 || this.#client.isOver;
  }

  #next(): void {
    const [request] = this.#requests;
    if (request === undefined) this.#client.finish();
    else this.#client.send(request[1]);
  }

  #read(isOver: boolean): void {
    const [request] = this.#requests;
    if (request === undefined) return;
    const parsed = parseResponse(this.#bytes, false, isOver);
    if (parsed === undefined) return;
    const { status, text, framing } = parsed.answer;
    this.statuses.push(status);
    // Content that ends with the connection is only sent to HTTP/1.0.
    if (framing === 'close') this.problems.push(`${request[0]}: a response without framing`);
    if (status === 200 && text !== contentOf(request[0], text.length))
      this.problems.push(`${request[0]}: wrong content`);
    if (![200, 502, 503, 504].includes(status)) this.problems.push(`${request[0]}: status ${status}`);
    this.#bytes = this.#bytes.subarray(parsed.length);
    this.#requests.shift();
    this.#next();
  }
}

function drawFaults(random: Random): Partial<Record<FaultName, FaultLevel>> {
  const faults: Partial<Record<FaultName, FaultLevel>> = {};
  for (const name of [...FAULT_NAMES, ...CONNECT_FAULT_NAMES]) {
    const drawn = random.below(4);
    if (drawn >= 2 && !LEFT_OUT.has(name)) faults[name] = drawn === 2 ? 'rare' : 'frequent';
  }
  return faults;
}

function requestsOf(random: Random, visitor: number): (readonly [string, string])[] {
  return Array.from({ length: random.between(1, 4) }, (_, i) => {
    const path = `/v${visitor}/r${i}/`;
    return [path, random.chance(0.5) ? get(path) : post(path, 'x'.repeat(random.magnitude(1, 30_000)))] as const;
  });
}

/** Plays one run. Returns the statuses that the clients got. */
async function play(seed: number): Promise<readonly number[]> {
  const random = new Random(seed);
  const faults = new FaultSource(drawFaults(random), random.fork(1));
  const small = { sendCapacity: random.magnitude(512, 65_536), receiveCapacity: random.magnitude(512, 65_536) };
  const kernel = new SimulatedKernel({ faults, latencyMs: random.below(3), ...small });
  const { address, place } = random.pick(PLACES);
  kernel.upstreams.set(place, (peer) => program(random, peer));
  const given = {
    limits: { maxUnsentBytes: random.magnitude(1_024, 65_536), maxUpstreamConnections: random.between(1, 4) },
    timeouts: TIMEOUTS,
  };
  const outgoing = new Outgoing();
  const limits = { ...resolveLimits(given), maxUpstreamQueue: 4 };
  const handler = upstreamHandler(
    { name: 'app', address },
    { outgoing, limits, space: new SpoolSpace(0), onError: () => {} },
  );
  const log = { error: (error: unknown) => void problems.push(String(error)) };
  const problems: string[] = [];
  const site = new SimulatedServer(kernel, { port: 80, handler, log, ...given }, outgoing);
  const visitors = Array.from({ length: random.between(1, 6) }, (_, i) => {
    const client = site.connect();
    if (random.chance(0.3)) client.readRate = { bytes: random.magnitude(100, 5_000), everyMs: random.between(1, 5) };
    if (random.chance(0.1)) kernel.clock.after(random.below(200), () => client.reset());
    return new Visitor(client, requestsOf(random, i));
  });
  const isDone = (): boolean => visitors.every((visitor) => visitor.isDone);
  expect(await site.runUntil(isDone, kernel.clock.nowMs + 600_000), `seed ${seed}: everything ends`).toBe(true);
  await site.runFor(20_000);
  expect(problems.concat(...visitors.map((visitor) => visitor.problems)), `seed ${seed}`).toEqual([]);
  expect([...kernel.descriptors.sockets()].length, `seed ${seed}: all connections are closed`).toBe(0);
  const { turns } = site.server.stats().loop;
  expect(turns, `seed ${seed}: no turn without work`).toBeLessThan(1_000 + 20 * kernel.progress);
  // Without faults and with an honest program, as many requests as there are places are answered.
  faults.heal();
  kernel.upstreams.set(place, (peer) => program(random, peer, ['length']));
  const last = Array.from({ length: 5 }, (_, i) => new Visitor(site.connect(), requestsOf(random, i)));
  await site.runFor(1_000);
  expect(new Set(last.flatMap(({ statuses }) => statuses)), `seed ${seed}: all places are free`).toEqual(
    new Set([200]),
  );
  const closing = site.server.close({ now: true });
  await site.runFor(1_000);
  await closing;
  return visitors.flatMap((visitor) => visitor.statuses);
}

test('runs with faults keep every rule', async () => {
  const statuses = new Set<number>();
  for (let seed = 1; seed <= 40; seed++) for (const status of await play(seed)) statuses.add(status);
  expect([...statuses].sort()).toEqual([200, 502, 503, 504]);
});

test('a program that waits for a slow client is not silent', async () => {
  const kernel = new SimulatedKernel({ faults: new FaultSource({}, new Random(1)) });
  const [{ address, place }] = PLACES;
  const content = contentOf('/slow', 1_000_000);
  kernel.upstreams.set(place, (peer) => {
    peer.onBytes = () => {
      peer.onBytes = () => {};
      peer.send(`HTTP/1.0 200 OK\r\n\r\n${content}`).finish();
    };
  });
  const timeouts = { upstreamMs: 1_000, sendMs: 600_000 };
  const outgoing = new Outgoing();
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const context = { outgoing, limits: resolveLimits({ timeouts }), space: new SpoolSpace(0), onError };
  const handler = upstreamHandler({ name: 'app', address }, context);
  const site = new SimulatedServer(kernel, { port: 80, handler, timeouts }, outgoing);
  const client = site.connect().send(get('/'));
  client.pauseReading();
  await site.runFor(10_000);
  client.resumeReading();
  await site.runFor(1_000);
  expect(parseResponse(client.received, false, false)?.answer.text === content).toBe(true);
  expect(errors).toEqual([]);
  const closing = site.server.close({ now: true });
  await site.runFor(1_000);
  await closing;
});
