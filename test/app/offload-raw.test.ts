// Tests that a raw handler in a pool thread can send all that one in the loop's thread can, and that a protocol in a thread
// is bounded in both directions.

import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { offload } from '../../src/app/offload/pool.ts';
import { ask, type Client, get } from '../support/client.ts';
import { type Site, startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

const MODULE = fileURLToPath(new URL('applications/raw.mjs', import.meta.url));

interface Pool extends Site {
  /** The calls of callbacks and protocols in the thread since the last time. */
  events(): Promise<readonly string[]>;
  /** Waits for `count` calls. */
  awaitEvents(count: number): Promise<readonly string[]>;
}

/** One thread: an upgraded connection must not occupy it. */
async function startPool(): Promise<Pool> {
  const pool = await offload({
    application: `${MODULE}:default`,
    threads: 1,
    maxWaiting: 100,
    overrideGlobals: false,
    adapter: 'raw',
    loadTimeoutMs: 60_000,
    offloadTimeoutMs: 0,
    onError: () => {},
  });
  onTestFinished(() => pool.close());
  const site = await startHandler(pool.handler);
  const events = async (): Promise<readonly string[]> => {
    const { status, text } = await ask(site.port, get('/events'));
    return status === 200 ? JSON.parse(text) : [];
  };
  const awaitEvents = async (count: number): Promise<readonly string[]> => {
    const all: string[] = [];
    await until(async () => all.push(...(await events())) >= count, `${count} events came`);
    return all;
  };
  return { ...site, events, awaitEvents };
}

function upgradeTo(path: string): string {
  return get(path, 'Connection: Upgrade', 'Upgrade: capitals/1');
}

async function upgraded(pool: Pool, path = '/up', behind = ''): Promise<Client> {
  const client = await pool.connect();
  const answer = await client.send(upgradeTo(path) + behind).readResponse();
  expect([answer.status, answer.field('upgrade'), answer.field('x-own')]).toEqual([101, 'capitals/1', 'a']);
  return client;
}

test('reason phrases, interim responses, trailers and raw fields work in a thread', async () => {
  const { connect: enter } = await startPool();
  const client = await enter();
  expect(await client.send(get('/reason')).readResponse()).toMatchObject({ status: 299, reason: 'Odd Text' });
  expect(await client.send(get('/standard')).readResponse()).toMatchObject({ status: 200, reason: 'OK' });
  client.send(get('/inform'));
  expect(await client.readUntil('\r\n\r\n')).toBe('HTTP/1.1 102 Processing\r\n\r\n');
  expect(await client.readUntil('\r\n\r\n')).toBe('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n');
  expect((await client.readResponse()).text).toBe('informed');
  const chunks = '1\r\na\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n';
  client.send(`POST /trailers HTTP/1.1\r\nHOST: a\r\nX-b: 1\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
  const { text, trailers } = await client.readResponse();
  const raw = [
    ['HOST', 'a'],
    ['X-b', '1'],
    ['Transfer-Encoding', 'chunked'],
  ];
  expect(JSON.parse(text)).toEqual(['http', raw, raw.map(([name, value]) => [name?.toLowerCase(), value])]);
  expect(trailers).toEqual([
    ['X-Sum', '1'],
    ['x-sum', '2'],
  ]);
});

test('misuse throws the same errors in the thread', async () => {
  const { connect: enter } = await startPool();
  const client = await enter();
  for (let i = 0; i < 2; i++) {
    expect(JSON.parse((await client.send(get('/wrong')).readResponse()).text)).toEqual([
      'ERR_INVALID_REASON',
      'ERR_INVALID_STATUS',
      'ERR_INVALID_FIELD',
      'ERR_UPGRADE',
      'ERR_INVALID_STATUS',
      'ERR_INVALID_BODY',
      'ERR_ALREADY_ANSWERED',
      'ERR_ALREADY_ANSWERED',
      'ERR_ALREADY_ANSWERED',
      'ERR_INVALID_FIELD',
      null,
    ]);
  }
});

test('whenSent calls back when the response was sent or the client has disconnected', async () => {
  const pool = await startPool();
  const client = await pool.connect();
  await client.send(get('/sent')).readResponse();
  const sent = 'sent: undefined';
  expect(await pool.awaitEvents(2)).toEqual([sent, sent]);
  const leaving = await pool.connect();
  leaving.send(get('/sent'));
  await leaving.readUntil('\r\n\r\n');
  leaving.socket.pause();
  leaving.reset();
  const gone = 'sent: ERR_CLIENT_GONE';
  expect(await pool.awaitEvents(2)).toEqual([gone, gone]);
});

test('a whenSent callback that throws is reported, and affects neither thread nor other callbacks', async () => {
  const pool = await startPool();
  expect((await ask(pool.port, get('/sent-and-thrown'))).text).toBe('sent');
  expect(await pool.awaitEvents(1)).toEqual(['sent: undefined']);
  await until(() => pool.errors.length === 1, 'the error was reported');
  expect(pool.errors.splice(0)).toEqual([expect.objectContaining({ message: 'a callback that throws' })]);
});

describe('a protocol in a thread', () => {
  test('gets the bytes after the request, does not block other requests, and gets closed()', async () => {
    const pool = await startPool();
    const client = await upgraded(pool, '/up', 'one\ntw');
    expect(await client.readUntil('\n')).toBe('ONE\n');
    expect(await pool.events()).toEqual([]);
    expect(await client.send('o\nwait\n').readUntil('expired\n')).toBe('TWO\nWAIT\nexpired\n');
    expect(await client.send('sent\n').readUntil('true\n')).toBe('SENT\nsent: true\n');
    expect(await client.send('file\n').readUntil('true\n')).toBe('FILE\nfile: true\n');
    expect(await client.send('addresses\n').readUntil('\n')).toBe('["127.0.0.1","127.0.0.1",FALSE,TRUE]\n');
    expect(await client.send('next\nabc').readUntil('cba')).toBe('NEXT\ncba');
    client.finish();
    expect((await client.readAll()).toString()).toBe('');
    expect(await pool.awaitEvents(1)).toEqual(['closed']);
  });

  test('streams in both directions at the pace of the slower side', async () => {
    const pool = await startPool();
    const client = await upgraded(pool);
    client.socket.pause();
    // Far more than all windows and buffers hold: 800 pieces of 16 KiB in each direction.
    client.send('give 800\n');
    const line = `${'x'.repeat(8_191)}\n`;
    client.send(line.repeat(1_600));
    expect((await pool.events()).length, 'the thread is free').toBe(0);
    client.socket.resume();
    const all = await client.readBytes('GIVE 800\n'.length + 800 * 16_384 + 1_600 * line.length);
    expect(all.toString('latin1').split('X\n')).toHaveLength(1_601);
    client.send('bye\n');
    expect((await client.readAll()).toString()).toBe('BYE\n');
  });

  test('loses its connection if it keeps writing while the client does not read', async () => {
    const pool = await startPool();
    const client = await upgraded(pool);
    client.socket.pause();
    client.send('flood\n');
    expect(await pool.awaitEvents(2)).toEqual([expect.stringMatching(/^aborted: its protocol kept writing/), 'closed']);
    // Node.js may report the reset as an end if the bytes before it do not fill its buffer.
    client.socket.resume();
    await client.closed();
    expect(client.received.length).toBeLessThan(1_000 * 16_384);
    expect(await pool.events()).toEqual([]);
  });

  test('that fails, uses no bytes or cannot be created ends its own connection, with one report', async () => {
    const pool = await startPool();
    const other = await upgraded(pool);
    const client = await upgraded(pool);
    expect(await client.send('throw\n').closed()).toBe('reset');
    const greedy = await upgraded(pool, '/greedy');
    expect(await greedy.send('x'.repeat(100_000)).closed()).toBe('reset');
    await (await pool.connect()).send(upgradeTo('/unmade')).closed();
    await until(() => pool.errors.length === 3, 'all errors were reported');
    expect(pool.errors.splice(0)).toEqual([
      expect.objectContaining({ code: 'ERR_PROTOCOL', message: expect.stringContaining('does not bear') }),
      expect.objectContaining({ code: 'ERR_PROTOCOL', message: expect.stringContaining('with 65536 bytes unused') }),
      expect.objectContaining({ code: 'ERR_PROTOCOL', message: expect.stringContaining('no protocol') }),
    ]);
    expect(await other.send('still\n').readUntil('\n')).toBe('STILL\n');
  });

  test('gets closed() when its client disconnects, and is disconnected when its thread ends', async () => {
    const pool = await startPool();
    const client = await upgraded(pool);
    await client.send('one\n').readUntil('\n');
    client.reset();
    expect(await pool.awaitEvents(2)).toEqual([expect.stringMatching(/^aborted: the client/), 'closed']);
    const last = await upgraded(pool);
    expect(await last.send('exit\n').closed()).toBe('reset');
    await until(async () => (await ask(pool.port, get('/standard'))).status === 200, 'another thread responds');
    pool.errors.splice(0);
  });

  test('can begin with a reason phrase', async () => {
    const pool = await startPool();
    const answer = await (await pool.connect()).send(upgradeTo('/odd-upgrade')).readResponse();
    expect(answer).toMatchObject({ status: 101, reason: 'Odd Protocol' });
  });

  test('gets the end of the input after it has used all bytes, even after a pause', async () => {
    const pool = await startPool();
    const client = await upgraded(pool, '/patient', 'abc');
    client.finish();
    expect((await client.readAll()).toString()).toBe('cba');
  });

  test('is stopped too if it replaces a stopping one', async () => {
    const pool = await startPool();
    const client = await upgraded(pool);
    await client.send('stay\n').readUntil('\n');
    await pool.server.close();
    expect((await client.readAll()).toString()).toBe('stopping\n');
  });

  test('is stopped when the server closes', async () => {
    const pool = await startPool();
    const client = await upgraded(pool);
    await pool.server.close();
    expect((await client.readAll()).toString()).toBe('stopping\n');
  });
});
