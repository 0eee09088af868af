// Tests that no handler blocks a pool thread for ever, that a slow client does not end the thread of its handler, and that
// a handler which ignores backpressure is stopped.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { OffloadedCall } from '../../src/app/offload/call.ts';
import type { RequestHead } from '../../src/app/offload/messages.ts';
import { exactBytes } from '../../src/app/offload/piece.ts';
import { RemoteRequest } from '../../src/app/offload/remote-request.ts';
import { RemoteResponse } from '../../src/app/offload/remote-response.ts';
import { ask, type Client, connect, get } from '../support/client.ts';
import { type Program, portOf, startCommand } from '../support/program.ts';
import { pause, until } from '../support/until.ts';

const MODULE = fileURLToPath(new URL('applications/silent.mjs', import.meta.url));

/** Longer than a thread waits for a processor on a busy machine. */
const BOUND_MS = 1_500;

interface Pool {
  readonly program: Program;
  readonly port: number;
  connect(): Promise<Client>;
}

/** A pool of one thread, so a request that blocks it blocks all others. */
async function startPool(...flags: readonly string[]): Promise<Pool> {
  const args = ['0', `${MODULE}:handler`, '--adapter', 'raw', '--offload', '1', '--no-access-log'];
  const program = startCommand([...args, '--offload-timeout-ms', String(BOUND_MS), ...flags]);
  const port = await portOf(program);
  return { program, port, connect: () => connect(port) };
}

const SILENT = `offload: a handler was silent for ${BOUND_MS} ms (timeouts.offloadMs): its thread is replaced`;

test.each([['/computes'], ['/waits']])(
  '%s during its response: it is cut off, one line is logged, the thread is replaced',
  async (path) => {
    const { port, program, connect: enter } = await startPool();
    const before = (await ask(port, get('/thread'))).text;
    const client = await enter();
    // The other request must not reach the one thread first.
    await client.send(get(path)).readUntil('begun');
    const next = ask(port, get('/thread'));
    await client.closed();
    expect(client.received.toString('latin1')).not.toContain('0\r\n\r\n');
    expect((await next).text).not.toBe(before);
    await until(() => program.stderr.includes('\n'), 'the line is logged');
    expect(program.stderr.trim().split('\n')).toHaveLength(1);
    expect(program.stderr).toContain(`GET ${path}: EpollServerError: ${SILENT}`);
  },
);

test.each([['/answers-and-computes'], ['/answers-and-waits']])(
  '%s: the client gets its response, and the thread is replaced for the next request',
  async (path) => {
    const { port, program, connect: enter } = await startPool();
    const client = await enter();
    expect((await client.send(get(path)).readResponse()).text).toBe('answered');
    expect((await client.send(get('/thread')).readResponse()).status).toBe(200);
    expect((await ask(port, get('/thread'))).status).toBe(200);
    await until(() => program.stderr.includes(SILENT), 'the line is logged');
  },
);

test('a body whose close() never settles is sent completely, then its thread is replaced', async () => {
  const program = startCommand(['0', MODULE, '--offload', '1', '--no-access-log', '--offload-timeout-ms', '300']);
  const client = await connect(await portOf(program));
  for (let i = 0; i < 3; i++) expect((await client.send(get('/')).readResponse()).text).toBe('whole');
});

test('a handler that continues after its response failed has its thread replaced', async () => {
  const { port } = await startPool('--offload-timeout-ms', '0');
  expect((await ask(port, get('/fails-and-waits'))).status).toBe(500);
  expect((await ask(port, get('/thread'))).status).toBe(200);
});

test('a client that reads its response slowly does not end the thread', async () => {
  const { port, program, connect: enter } = await startPool();
  const before = (await ask(port, get('/thread'))).text;
  const client = await enter();
  client.send(get('/pieces?n=200'));
  client.socket.pause();
  await pause(2 * BOUND_MS);
  client.socket.resume();
  expect((await client.readResponse()).content.length).toBe(10_000_000);
  expect((await ask(port, get('/thread'))).text).toBe(before);
  expect(program.stderr).toBe('');
});

test('a client that sends its content slowly does not end the thread', async () => {
  const { program, connect: enter } = await startPool();
  const client = await enter();
  client.send('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc');
  await client.readUntil('abc');
  await pause(2 * BOUND_MS);
  client.send('def');
  await client.readUntil('0\r\n\r\n');
  expect(program.stderr).toBe('');
});

function residentBytes({ pid }: Program): number {
  return Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1_024;
}

test('a handler that writes without end waits in write, and memory is bounded', async () => {
  const { port, program, connect: enter } = await startPool();
  await ask(port, get('/thread'));
  const client = await enter();
  client.send(get('/floods'));
  await client.readUntil('\r\n\r\n');
  client.socket.pause();
  await until(async () => {
    const before = residentBytes(program);
    for (let i = 0; i < 10; i++) {
      expect((await ask(port, 'BAD\r\n\r\n')).status, 'the loop serves others').toBe(400);
      await pause(50);
    }
    return residentBytes(program) - before < 1_000_000;
  }, 'nothing grows any more');
  expect(residentBytes(program)).toBeLessThan(500_000_000);
  client.reset();
  expect((await ask(port, get('/thread'))).status, 'its thread is replaced').toBe(200);
});

test('many small pieces written without waiting are sent completely', async () => {
  const { port } = await startPool();
  const wanted = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join('');
  expect((await ask(port, get('/lines?n=20000'))).text === wanted).toBe(true);
});

test('a message to the loop holds only the bytes of a piece, not its whole buffer', () => {
  const slab = new Uint8Array(65_536).fill(7);
  const piece = exactBytes(slab.subarray(10, 14));
  expect(piece).toEqual(new Uint8Array([7, 7, 7, 7]));
  expect(piece.buffer.byteLength).toBe(4);
  expect(exactBytes(slab)).toBe(slab);
  expect(exactBytes('text')).toBe('text');
  expect(exactBytes(null)).toBeNull();
});

test.each([
  ['that is part of a larger buffer is sent alone', new Uint8Array(65_536).subarray(10, 5_010), 5_000],
  ['of its own buffer is moved', new Uint8Array(5_000), 0],
])('a piece %s for the thread that reads it', async (_, read, leftBytes) => {
  const endpoint = { address: '127.0.0.1', port: 1 };
  const head: RequestHead = {
    ...{ method: 'POST', target: '/', path: '/', query: '', host: 'a', httpVersion: '1.1', scheme: 'http', tls: null },
    ...{ fields: [], remote: endpoint, local: endpoint, bodyLength: 4, id: '' },
  };
  const [client, thread] = [new MessageChannel(), new MessageChannel()];
  const request = new RemoteRequest(head, client.port1);
  const call = new OffloadedCall(request, new RemoteResponse(client.port1, request), thread.port1, 0);
  const over = call.run(() => new Promise(() => {})).catch(() => {});
  thread.port2.postMessage({ type: 'read' });
  await once(client.port2, 'message');
  request.receive({ type: 'piece', piece: read, trailers: [] });
  const [{ piece }] = await once(thread.port2, 'message');
  expect([piece.byteLength, piece.buffer.byteLength]).toEqual([5_000, 5_000]);
  expect(read.byteLength).toBe(leftBytes);
  thread.port2.postMessage({ type: 'done', thrown: null });
  await over;
  client.port1.close();
});
