// Tests the fixes of bugs that the simulation found, each with its smallest reproduction.

import { expect, test } from 'vitest';
import type { Handler } from '../../src/index.ts';
import { ECONNRESET, EINTR } from '../../src/kernel/errno.ts';
import { SimulatedKernel } from '../../src/testing/simulated-kernel.ts';
import { type SimulatedServer, type SimulateOptions, simulate } from '../../src/testing/simulated-server.ts';
import { get } from '../support/client.ts';

const errors: unknown[] = [];

function world(handler: Handler, options: Partial<SimulateOptions> = {}): SimulatedServer {
  errors.length = 0;
  return simulate({ handler, log: { ...options.log, error: (error) => errors.push(error) }, ...options });
}

const readsBody: Handler = async (request, response) => response.send(200, {}, await request.body.bytes());
const neverAnswers: Handler = (request) => new Promise((resolve) => request.whenGone(() => resolve()));

function post(length: number, body: string): string {
  return `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`;
}

function responses(received: Buffer): number {
  return received.toString('latin1').split('HTTP/1.1 ').length - 1;
}

test('a client that ends its body too early gets 400, without an error report', async () => {
  const site = world(readsBody);
  const client = site.connect().send(post(10, 'half')).finish();
  await site.runFor(100);
  expect(client.received.toString('latin1')).toMatch(/^HTTP\/1\.1 400 /);
  expect(client.end).toBe('fin');
  expect(errors).toEqual([]);
  expect(site.server.stats().requests.failed).toBe(0);
});

test('a response that starts after its client disconnected can still be written, without effect', async () => {
  let outcome = 'pending';
  const site = world(async (_, response) => {
    await site.clock.sleep(50);
    response.start(200);
    response.write('not sent');
    response.end();
    outcome = 'ended';
  });
  const client = site.connect().send(get('/'));
  await site.runFor(10);
  client.reset();
  await site.runFor(100);
  expect(outcome).toBe('ended');
  expect(errors).toEqual([]);
});

test('a body that never arrives times out, even if its reader started at once', async () => {
  const site = world(readsBody, { timeouts: { bodyMs: 3_000 } });
  const client = site.connect().send(post(10, ''));
  await site.runFor(2_900);
  expect(client.received).toHaveLength(0);
  await site.runFor(400);
  expect(client.received.toString('latin1')).toMatch(/^HTTP\/1\.1 408 /);
});

test.each([
  [
    'a handler that fails',
    () => {
      throw new Error('boom');
    },
  ],
  ['a handler that aborts', (response: { abort(): void }) => response.abort()],
])('%s in the middle of its response does not affect the responses before it', async (_, end) => {
  const site = world(
    async (request, response) => {
      if (request.path !== '/last') return response.send(200, {}, 'x'.repeat(1_000));
      response.start(200);
      response.write('half');
      end(response);
    },
    { machine: { latencyMs: 5 } },
  );
  const client = site.connect().send(get('/') + get('/') + get('/last'));
  await site.runFor(100);
  expect(responses(client.received)).toBe(3);
  expect(client.received.toString('latin1')).toMatch(/\r\n4\r\nhalf\r\n$/);
  expect(client.end, 'FIN without the last chunk marks it as incomplete').toBe('fin');
});

test('a response that FIN would seem to complete is aborted by RST', async () => {
  const site = world((_, response) => {
    response.start(200);
    response.write('half');
    response.abort();
  });
  const client = site.connect().send('GET / HTTP/1.0\r\n\r\n');
  await site.runFor(100);
  expect(client.end).toBe('reset');
});

test('the half-closed time-out runs even if pipelined requests wait behind the current one', async () => {
  const site = world(neverAnswers, { timeouts: { halfClosedMs: 5_000 } });
  const client = site
    .connect()
    .send(get('/first') + get('/second'))
    .finish();
  await site.runFor(4_900);
  expect(client.end).toBeNull();
  await site.runFor(400);
  expect(client.end).toBe('reset');
  expect(site.server.stats()).toMatchObject({ connections: { open: 0 }, requests: { aborted: 1 } });
});

test('a connection with a response in progress is not idle: pipelined requests behind it get responses', async () => {
  const content = Buffer.alloc(200_000, 'x');
  const site = world((_, response) => response.send(200, {}, content), { timeouts: { keepAliveMs: 4_000 } });
  const client = site.connect();
  client.readRate = { bytes: 2_000, everyMs: 100 };
  client.send(get('/') + get('/') + get('/'));
  await site.runFor(60_000);
  expect(responses(client.received)).toBe(3);
  expect(client.received.length).toBeGreaterThan(600_000);
});

test('a head that is not read because responses are pending does not time out', async () => {
  const content = Buffer.alloc(300_000, 'x');
  const site = world((_, response) => response.send(200, {}, content), { timeouts: { headerMs: 3_000 } });
  const client = site.connect();
  client.readRate = { bytes: 4_000, everyMs: 100 };
  client.send(get('/').repeat(2) + get('/').slice(0, 9));
  await site.runFor(6_000);
  client.send(get('/').slice(9));
  await site.runFor(30_000);
  expect(client.received.toString('latin1')).not.toContain('408');
  expect(responses(client.received)).toBe(3);
});

test('the queue of pipelined requests is bounded', async () => {
  const site = world((_, response) => response.send(200, {}, ''), { limits: { maxRequestsPerTurn: 1 } });
  const request = get('/');
  const client = site.connect().send(request.repeat(100_000));
  await site.runFor(1);
  const { receivedBytes } = client.socket;
  const handled = site.server.stats().requests.handled * request.length;
  expect(handled).toBeGreaterThan(0);
  expect(receivedBytes - handled).toBeLessThanOrEqual(2 * site.kernel.receiveBytes);
});

test('a pipeline continues when only a deadline notices free space in the send buffer', async () => {
  const content = Buffer.alloc(40_000, 'x');
  const site = world((_, response) => response.send(200, {}, content), {
    timeouts: { sendMs: 5_000, keepAliveMs: 30_000 },
    limits: { maxUnsentBytes: 10_000 },
    machine: { sendCapacity: 100_000 },
  });
  const client = site.connect();
  client.pauseReading();
  client.send(get('/').repeat(6));
  await site.runFor(1_000);
  const before = site.server.stats().requests.handled;
  expect(before).toBeLessThan(6);
  // Less than a third of the buffer becomes free, so WRITABLE is not reported.
  client.readRate = { bytes: 30_000, everyMs: 1 };
  client.resumeReading();
  await site.runFor(1.5);
  client.pauseReading();
  await site.runFor(5_000);
  expect(site.server.stats().requests.handled).toBeGreaterThan(before);
});

test('a request that arrived while the process was stopped is read before its time-out is checked', async () => {
  const site = world((_, response) => response.send(200), {
    timeouts: { keepAliveMs: 5_000 },
    machine: { eventCapacity: 2 },
  });
  const clients = Array.from({ length: 9 }, () => site.connect().send(get('/')));
  await site.runFor(1_000);
  for (const client of clients) client.send(get('/'));
  site.clock.advanceTo(site.clock.nowMs);
  site.clock.skip(60_000);
  await site.runFor(1_000);
  expect(clients.map((client) => responses(client.received))).toEqual(clients.map(() => 2));
});

test('bytes for a lingering connection are discarded, even if calls are interrupted', async () => {
  const site = world((_, response) => response.send(200), { timeouts: { lingerMs: 2_000 } });
  let interruptions = 0;
  const { kernel } = site;
  const { recv } = SimulatedKernel.prototype;
  kernel.recv = (...call) => {
    if (kernel.descriptors.socket(call[0])?.outboundEnded !== true || interruptions >= 3)
      return recv.apply(kernel, call);
    interruptions++;
    return EINTR;
  };
  const client = site.connect();
  client.pauseReading();
  client.send('GET\r\n\r\n');
  await site.runFor(10);
  client.send('and more');
  await site.runFor(10);
  expect(interruptions).toBe(3);
  expect(client.socket.isClosed).toBe(false);
  client.resumeReading();
  client.finish();
  await site.runFor(10);
  expect(client.received.toString('latin1')).toMatch(/^HTTP\/1\.1 400 /);
  expect(client.end).toBe('fin');
  expect(client.socket.isClosed, 'it closes before its deadline').toBe(true);
});

test('an upgrade whose connection fails while its head is written has one line in the access log', async () => {
  const lines: string[] = [];
  let isMade = false;
  const site = simulate({
    handler: (request, response) => {
      if (request.path === '/first') return response.send(200, {}, 'x'.repeat(300));
      response.upgrade({ Upgrade: 'other' }, () => {
        isMade = true;
        throw new Error('its connection has failed');
      });
    },
    // The first response leaves the room of a batch that the head does not fit into.
    machine: { outputBytes: 512 },
    log: { access: (text) => lines.push(...text.trimEnd().split('\n')) },
  });
  site.kernel.send = () => ECONNRESET;
  site.connect().send(`${get('/first')}${get('/up', 'Connection: Upgrade', 'Upgrade: other')}`);
  await site.runFor(1_000);
  expect(lines.map((line) => /"GET (\S+)/.exec(line)?.[1])).toEqual(['/first', '/up']);
  expect(isMade).toBe(false);
});
