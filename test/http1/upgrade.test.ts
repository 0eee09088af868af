// Tests that a connection changes its protocol when both sides request it, and only then, without losing a byte (RFC
// 9110 section 7.8).

import { describe, expect, test } from 'vitest';
import type { Channel, ProtocolFactory } from '../../src/connection/channel.ts';
import type { Protocol } from '../../src/connection/protocol.ts';
import type { Handler, HttpResponse } from '../../src/index.ts';
import { simulate } from '../../src/testing/simulated-server.ts';
import { ask, get } from '../support/client.ts';
import { startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

const LF = 0x0a;

/**
 * Sends each line back in capitals, and records its calls. The line `bye` ends the connection; others do what they
 * name.
 */
class Capitals implements Protocol {
  wantsInput = true;
  readonly paused = false;
  readonly isBusy = false;
  readonly events: string[];
  readonly channel: Channel;

  constructor(channel: Channel, events: string[]) {
    this.channel = channel;
    this.events = events;
  }

  receive(bytes: Buffer, start: number, end: number): number {
    let at = start;
    for (let next = bytes.indexOf(LF, at) + 1; next > 0 && next <= end; next = bytes.indexOf(LF, at) + 1) {
      const line = bytes.toString('latin1', at, next - 1);
      at = next;
      if (line === 'throw') throw new Error('a line that the protocol does not bear');
      if (line === 'wait') this.channel.setTimeout(1);
      this.channel.write(Buffer.from(`${line.toUpperCase()}\n`, 'latin1'));
      if (line === 'bye') {
        this.channel.finish();
        return at;
      }
    }
    return at;
  }

  ending(): void {}

  ended(): void {
    this.channel.finish();
  }

  drained(): void {}

  expired(): void {
    this.channel.write(Buffer.from('expired\n'));
  }

  stop(): void {
    this.events.push('stop');
    this.channel.write(Buffer.from('stopping\n'));
    this.channel.finish();
  }

  refuse(): void {}

  aborted(): void {
    this.events.push('aborted');
  }

  closed(): void {
    this.events.push('closed');
  }
}

const REQUEST = get('/up', 'Connection: keep-alive, Upgrade', 'Upgrade: other, Capitals/1');
const FIELDS = { Upgrade: 'capitals/1', 'X-Own': 'a' };

/** Upgrades, at once or later; other requests get their path. */
function upgrading(events: string[], pauseFirst = false): Handler {
  const make: ProtocolFactory = (channel) => new Capitals(channel, events);
  return async (request, response) => {
    if (request.path !== '/up') return response.send(200, {}, request.path);
    if (pauseFirst) await new Promise((resolve) => setImmediate(resolve));
    response.upgrade(FIELDS, make);
  };
}

test('101 names the protocol, which handles the bytes that follow', async () => {
  const events: string[] = [];
  const log: string[] = [];
  const { connect, server } = await startHandler(upgrading(events), {
    log: { access: (lines) => log.push(lines), format: 'json' },
  });
  const client = await connect();
  const answer = await client.send(REQUEST).readResponse();
  expect(answer).toMatchObject({ status: 101, reason: 'Switching Protocols', framing: 'none' });
  expect([answer.field('connection'), answer.field('upgrade'), answer.field('x-own')]).toEqual([
    'Upgrade',
    'capitals/1',
    'a',
  ]);
  expect(await client.send('one\ntw').readUntil('\n')).toBe('ONE\n');
  expect(await client.send('o\n').readUntil('\n')).toBe('TWO\n');
  expect(log.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ status: 101, target: '/up', bytes: 0 }),
  ]);
  client.send('bye\n');
  expect((await client.readAll()).toString()).toBe('BYE\n');
  await until(() => events.length > 0, 'the protocol is closed');
  expect([events, server.stats().connections.open, log.length]).toEqual([['closed'], 0, 1]);
});

describe.each([
  ['at once', false],
  ['later', true],
] as const)('a handler that upgrades %s', (_when, pauseFirst) => {
  const before = get('/1') + get('/2');
  const whole = `${before}${REQUEST}one\ntwo\n`;
  const cuts = [whole.length, before.length, before.length + REQUEST.length, before.length + REQUEST.length + 2, 5];

  test.each(cuts)('earlier responses come first, and no later byte is lost: split behind byte %i', async (at) => {
    const { connect } = await startHandler(upgrading([], pauseFirst));
    const client = await connect();
    await client.send(whole.slice(0, at)).flushed();
    client.send(whole.slice(at));
    expect((await client.readResponse()).text).toBe('/1');
    expect((await client.readResponse()).text).toBe('/2');
    expect((await client.readResponse()).status).toBe(101);
    expect(await client.readUntil('TWO\n')).toBe('ONE\nTWO\n');
  });
});

test('the timeouts of HTTP no longer apply, and those of the protocol do', async () => {
  const site = simulate({ handler: upgrading([]), timeouts: { keepAliveMs: 2_000, handlerMs: 2_000 } });
  const client = site.connect().send(REQUEST);
  await site.runFor(100_000);
  client.send('wait\n');
  await site.runFor(1_000);
  expect(client.received.toString('latin1')).toMatch(/^HTTP\/1\.1 101 .*\r\n\r\nWAIT\nexpired\n$/s);
  expect([client.end, site.server.stats().timeouts.total]).toEqual([null, 0]);
});

test('FIN of the client ends the protocol after all output, and a closing server stops it', async () => {
  const events: string[] = [];
  const { connect, server } = await startHandler(upgrading(events));
  const first = await connect();
  first.send(`${REQUEST}last\n`).finish();
  expect((await first.readResponse()).status).toBe(101);
  expect((await first.readAll()).toString()).toBe('LAST\n');
  const second = await connect();
  await second.send(REQUEST).readResponse();
  await server.close();
  expect((await second.readAll()).toString()).toBe('stopping\n');
  expect(events).toEqual(['closed', 'stop', 'closed']);
});

test('a protocol that begins while the server closes is stopped at once', async () => {
  const events: string[] = [];
  const { connect, server } = await startHandler(async (_, response) => {
    const closing = server.close();
    await new Promise((resolve) => setImmediate(resolve));
    response.upgrade(FIELDS, (channel) => new Capitals(channel, events));
    await closing;
  });
  const client = await connect();
  expect((await client.send(REQUEST).readResponse()).status).toBe(101);
  expect((await client.readAll()).toString()).toBe('stopping\n');
});

test('a protocol that fails, and one that cannot be made, end their own connections', async () => {
  const log: string[] = [];
  const handler: Handler = (request, response) => {
    response.upgrade(FIELDS, (channel) => {
      if (request.query === 'broken') throw new Error('no protocol');
      return new Capitals(channel, []);
    });
  };
  const { connect, errors, server } = await startHandler(handler, {
    log: { access: (lines) => log.push(lines), format: 'json' },
  });
  const other = await connect();
  await other.send(REQUEST).readResponse();
  const client = await connect();
  await client.send(REQUEST).readResponse();
  expect(await client.send('throw\n').closed()).toBe('reset');
  const broken = REQUEST.replace('/up', '/up?broken');
  await (await connect()).send(broken).closed();
  expect(errors.splice(0)).toEqual(Array(2).fill(expect.objectContaining({ code: 'ERR_PROTOCOL' })));
  expect(await other.send('still\n').readUntil('\n')).toBe('STILL\n');
  expect(server.stats().requests.aborted).toBe(0);
  const problems = log.map((line) => [JSON.parse(line).status, JSON.parse(line).problem]);
  expect(problems).toEqual([
    [101, undefined],
    [101, undefined],
    [101, 'the protocol that the connection changed to has failed'],
  ]);
});

test('a protocol that ends its connection at once has not failed', async () => {
  const log: string[] = [];
  const handler: Handler = (_request, response) =>
    response.upgrade(FIELDS, (channel) => {
      channel.write(Buffer.from('closed\n'));
      channel.finish();
      return new Capitals(channel, []);
    });
  const { connect } = await startHandler(handler, { log: { access: (lines) => log.push(lines), format: 'json' } });
  expect(await (await connect()).send(REQUEST).readUntil('closed\n')).toContain('HTTP/1.1 101 ');
  await until(() => log.length > 0, 'the access log has the line');
  expect(JSON.parse(log.join(''))).toMatchObject({ status: 101 });
  expect(log.join('')).not.toContain('problem');
});

test('a protocol whose connection is closed while it is made gets closed()', async () => {
  const events: string[] = [];
  let traced = '';
  const handler: Handler = (_request, response) =>
    response.upgrade(FIELDS, (channel) => {
      channel.abort('on purpose');
      return new Capitals(channel, events);
    });
  const log = {
    trace: (text: string) => {
      traced += text;
    },
  };
  const { connect } = await startHandler(handler, { log });
  await (await connect()).send(REQUEST).closed();
  expect(events).toEqual(['aborted', 'closed']);
  await until(() => traced.includes('disconnected:'), 'the end is in the trace');
  expect(traced.match(/disconnected:/g)).toHaveLength(1);
});

test('a request whose body was read can be upgraded, and whenSent reports the 101', async () => {
  const sent: unknown[] = [];
  const { connect } = await startHandler(async (request, response) => {
    const body = await request.body.text();
    response.whenSent((error) => sent.push(error));
    response.upgrade({ ...FIELDS, 'X-Body': body }, (channel) => new Capitals(channel, []));
    expect(response).toMatchObject({ started: true, ended: true });
    expect(() => response.send(200)).toThrow(expect.objectContaining({ code: 'ERR_ALREADY_ANSWERED' }));
  });
  const client = await connect();
  client.send(`${REQUEST.replace('GET', 'POST').slice(0, -2)}Content-Length: 5\r\n\r\nhelloone\n`);
  expect((await client.readResponse()).field('x-body')).toBe('hello');
  expect(await client.readUntil('\n')).toBe('ONE\n');
  expect(sent).toEqual([undefined]);
});

test('the trace shows the 101, and the end of the connection', async () => {
  let traced = '';
  const { connect } = await startHandler(upgrading([]), {
    log: {
      trace: (text) => {
        traced += text;
      },
    },
  });
  const client = await connect();
  await client.send(`${REQUEST}bye\n`).closed();
  await until(() => traced.includes('disconnected:'), 'the end is in the trace');
  expect(traced).toContain('< HTTP/1.1 101 Switching Protocols\n');
  expect(traced).toMatch(new RegExp(`disconnected: ${REQUEST.length + 4} bytes received`));
});

const make: ProtocolFactory = (channel) => new Capitals(channel, []);
const upgrade = (response: HttpResponse): void => response.upgrade(FIELDS, make);

const REFUSED: readonly (readonly [string, string, (response: HttpResponse) => void, string])[] = [
  ['that has no Upgrade field', get('/', 'Connection: Upgrade'), upgrade, 'ERR_UPGRADE'],
  ['whose Connection field does not name it', get('/', 'Upgrade: capitals/1'), upgrade, 'ERR_UPGRADE'],
  ['for another protocol', get('/', 'Connection: upgrade', 'Upgrade: websocket'), upgrade, 'ERR_UPGRADE'],
  ['whose response names no protocol', REQUEST, (response) => response.upgrade({}, make), 'ERR_UPGRADE'],
  [
    'whose response has a length',
    REQUEST,
    (response) => response.upgrade({ ...FIELDS, 'Content-Length': 0 }, make),
    'ERR_UPGRADE',
  ],
  [
    'whose response has an invalid field',
    REQUEST,
    (response) => response.upgrade({ ...FIELDS, A: 'b\r\nC: d' }, make),
    'ERR_INVALID_FIELD',
  ],
  [
    'whose response makes no protocol',
    REQUEST,
    (response) => Reflect.apply(response.upgrade, response, [FIELDS, null]),
    'ERR_UPGRADE',
  ],
];

test.each(REFUSED)('a request %s: 500, and the connection continues', async (_what, request, answer, code) => {
  const { connect, errors } = await startHandler(({ target }, response) => {
    if (target === '/good') response.send(200, {}, 'fine');
    else answer(response);
  });
  const client = await connect();
  expect((await client.send(request).readResponse()).status).toBe(500);
  expect((await client.send(get('/good')).readResponse()).text).toBe('fine');
  expect(errors.splice(0)).toEqual([expect.objectContaining({ code })]);
});

test.each([
  ['of HTTP/1.0', REQUEST.replace('HTTP/1.1', 'HTTP/1.0'), 'HTTP/1.0'],
  ['whose body is under way', `${REQUEST.slice(0, -2)}Content-Length: 5\r\n\r\n`, 'body'],
])('a request %s cannot be upgraded', async (_what, request, why) => {
  const { port, errors } = await startHandler((_, response) => upgrade(response));
  expect((await ask(port, request)).status).toBe(500);
  const [error] = errors.splice(0);
  expect(error).toMatchObject({ code: 'ERR_UPGRADE', message: expect.stringContaining(why) });
});

test('an upgrade after a response, or after the client disconnected, has no effect', async () => {
  const called: string[] = [];
  const { connect, errors, server } = await startHandler(async (request, response) => {
    if (request.path === '/answered') response.send(200, {}, 'first');
    else await new Promise<void>((resolve) => request.whenGone(() => resolve()));
    upgrade(response);
    called.push('upgrade');
  });
  const client = await connect();
  const answered = REQUEST.replace('/up', '/answered');
  for (let i = 0; i < 2; i++) expect((await client.send(answered).readResponse()).text).toBe('first');
  expect(errors.splice(0)).toEqual(Array(2).fill(expect.objectContaining({ code: 'ERR_ALREADY_ANSWERED' })));
  client.send(REQUEST);
  await until(() => server.stats().requests.handled === 3, 'the request was handled');
  client.reset();
  await until(() => called.length === 1, 'the handler has ended');
});
