// Tests a server whose simulated connections have the states of TLS: handshakes, also deferred ones, plaintext instead of
// them, deadlines, and ends that are announced or not.

import { expect, test } from 'vitest';
import type { Handler } from '../../src/index.ts';
import { drawSettings } from '../../src/testing/fault-source.ts';
import { Random } from '../../src/testing/random.ts';
import type { SimulatedClient } from '../../src/testing/simulated-client.ts';
import { type SimulatedServer, type SimulateOptions, simulate } from '../../src/testing/simulated-server.ts';
import { get } from '../support/client.ts';

const HANDSHAKE_MS = 1_000;

const errors: unknown[] = [];

const byPath: Handler = (request, response) =>
  response.send(200, {}, `${request.scheme} ${request.tls?.protocol} ${request.path}`);

function encrypted(options: Partial<SimulateOptions> = {}): SimulatedServer {
  errors.length = 0;
  return simulate({
    handler: byPath,
    log: { error: (error) => errors.push(error) },
    timeouts: { handshakeMs: HANDSHAKE_MS },
    ...options,
    machine: { transport: 'encrypted', latencyMs: 1, ...options.machine },
  });
}

function text(client: SimulatedClient): string {
  return client.received.toString('latin1');
}

test('requests follow a handshake, and applications see it', async () => {
  const site = encrypted();
  const client = site.connect().beginHandshake();
  client.send(get('/a') + get('/b', 'Connection: close'));
  await site.runFor(100);
  expect(text(client).match(/https TLSv1\.3 \/[ab]/g)).toEqual(['https TLSv1.3 /a', 'https TLSv1.3 /b']);
  expect([client.end, client.isEndAnnounced]).toEqual(['fin', true]);
  expect(errors).toEqual([]);
});

test('handshakes beyond the budget of a wait are deferred, and all end', async () => {
  const site = encrypted();
  const clients = Array.from({ length: 40 }, () => site.connect().beginHandshake());
  for (const [index, client] of clients.entries()) client.send(get(`/${index}`));
  await site.runFor(100);
  for (const [index, client] of clients.entries()) expect(text(client)).toContain(`TLSv1.3 /${index}`);
});

test('a request in plaintext gets 400, and its end needs no announcement', async () => {
  const site = encrypted();
  const client = site.connect().sendWire(Buffer.from(get('/')));
  await site.runFor(100);
  // The client expects frames, and finds none in it.
  expect([text(client), client.end, client.isEndAnnounced]).toEqual(['', 'fin', false]);
  expect(site.server.stats().requests.handled).toBe(0);
});

test('a handshake that does not begin, or does not go on, is closed at its deadline', async () => {
  const site = encrypted();
  const silent = site.connect();
  const cut = site.connect().sendWire(Buffer.from([22, 0]));
  await site.runFor(HANDSHAKE_MS / 2);
  expect([silent.end, cut.end]).toEqual([null, null]);
  await site.runFor(HANDSHAKE_MS);
  expect([silent.end, cut.end]).toEqual(['reset', 'reset']);
  expect(site.server.stats().connections.open).toBe(0);
});

test('after a handshake the deadlines are those of HTTP', async () => {
  const site = encrypted({ timeouts: { handshakeMs: HANDSHAKE_MS, firstByteMs: 5_000 } });
  const client = site.connect().beginHandshake();
  await site.runFor(HANDSHAKE_MS + 4_900);
  expect(client.end).toBe(null);
  await site.runFor(2_000);
  expect([client.end, client.isEndAnnounced]).toEqual(['fin', true]);
});

test('the end of a response is announced to a client that reads slowly, and given up in time', async () => {
  const site = encrypted({
    handler: (request, response) => response.send(200, {}, Buffer.alloc(Number(request.path.slice(1)))),
    timeouts: { sendMs: 5_000 },
    machine: { sendCapacity: 3_200 },
  });
  // For some of these lengths the socket has room for the response and not for its end.
  const lengths = Array.from({ length: 100 }, (_, index) => 2_950 + 2 * index);
  const askAll = async (): Promise<readonly SimulatedClient[]> => {
    const clients = lengths.map(() => site.connect().beginHandshake());
    await site.runFor(200);
    for (const [index, client] of clients.entries()) {
      client.pauseReading();
      client.send(`GET /${lengths[index]} HTTP/1.0\r\nHost: a\r\n\r\n`);
    }
    await site.runFor(200);
    return clients;
  };
  const slow = await askAll();
  for (const client of slow) client.resumeReading();
  await site.runFor(200);
  for (const client of slow) expect([client.end, client.isEndAnnounced]).toEqual(['fin', true]);
  await askAll();
  await site.runFor(30_000);
  expect(site.server.stats().connections.open).toBe(0);
});

test('an end that is not announced is a reset, and cuts a request off', async () => {
  const outcomes: string[] = [];
  const site = encrypted({
    handler: async (request, response) => {
      const body = await request.body.bytes().then(
        () => 'whole',
        () => 'cut off',
      );
      outcomes.push(body);
      response.send(200);
    },
  });
  const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n';
  const client = site.connect().beginHandshake();
  client.send(`${post}ab`);
  await site.runFor(50);
  client.cutOff();
  const other = site.connect().beginHandshake();
  other.send(`${post}abcd`).finish();
  await site.runFor(50);
  expect(outcomes).toEqual(['cut off', 'whole']);
  expect(text(other)).toMatch(/^HTTP\/1\.1 200 /);
  expect(site.server.stats().connections.open).toBe(0);
});

test.each(Array.from({ length: 60 }, (_, seed) => seed))('clients of all kinds with faults, seed %d', async (seed) => {
  const random = new Random(seed);
  const machine = { sendCapacity: random.pick([1_000, 65_536]), receiveCapacity: random.pick([500, 65_536]) };
  // A reset and a jump of the clock may end any connection.
  const { reset, sendFails, clockJump, exhaustedAccept, shutdownFails, ...faults } = drawSettings(random);
  const site = encrypted({ seed, faults, machine, limits: { maxHandshakes: 50 } });
  const good: SimulatedClient[] = [];
  for (let index = 0; index < 30; index++) {
    const client = site.connect();
    const kind = random.below(6);
    if (kind === 0) client.sendWire(Buffer.from(get('/plain')));
    else if (kind === 1) client.sendWire(Buffer.from([22, 0, random.below(3)]));
    else if (kind === 2) client.sendWire(Buffer.from([2, 0, 0, 7]));
    else {
      client
        .beginHandshake()
        .send(get(`/${index}`))
        .send(get(`/${index}/next`, 'Connection: close'));
      if (kind === 3) client.cutOff();
      else good.push(client);
    }
    await site.runFor(random.below(20));
  }
  await site.runFor(2 * HANDSHAKE_MS);
  for (const client of good) {
    // A firewall refused some of them.
    if (client.end === 'reset' && client.received.length === 0) continue;
    expect([text(client).match(/TLSv1\.3 \/\d+/g)?.length, client.isEndAnnounced]).toEqual([2, true]);
  }
  expect(good.filter(({ received }) => received.length > 0).length).toBeGreaterThan(0);
  expect(errors).toEqual([]);
});
