// Tests that memory and time depend on the bytes of a body, not on the number of its pieces.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Outbox } from '../../src/connection/outbox.ts';
import { Body } from '../../src/exchange/body.ts';
import { connect } from '../support/client.ts';
import { expectLinear } from '../support/growth.ts';
import { portOf, startProgram } from '../support/program.ts';

const LIMITS = {
  maxBodyBytes: 2 ** 27,
  maxHeaderBytes: 16_384,
  maxFields: 100,
  minReceiveBytesPerSecond: 0,
};

const PROGRAM = fileURLToPath(new URL('./programs/bodies.mjs', import.meta.url));
const TINY_CHUNK = '1\r\nx\r\n';
const MIB = 2 ** 20;

function chunkedBody(): Body {
  return new Body({ bodyWanted: () => {} }, -1, LIMITS);
}

function memoryOf(pid: number, what: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1_024;
}

test('one receive of 10,000 chunks is one piece or a few for a reader that waits', async () => {
  const body = chunkedBody();
  const first = body.read();
  const bytes = Buffer.from(`${TINY_CHUNK.repeat(10_000)}0\r\n\r\n`);
  body.receive(bytes, 0, bytes.length);
  const pieces = [await first];
  while (pieces.at(-1) !== null) pieces.push(await body.read());
  expect(pieces.reduce((sum, piece) => sum + (piece?.length ?? 0), 0)).toBe(10_000);
  expect(pieces.length).toBeLessThan(16);
});

test('60,000 receives of one byte each are a few pieces for a reader that pauses', async () => {
  const body = chunkedBody();
  const bytes = Buffer.from(TINY_CHUNK);
  for (let i = 0; i < 60_000; i++) body.receive(bytes, 0, bytes.length);
  let [pieces, length] = [0, 0];
  for (let piece = await body.read(); length < 60_000; piece = length < 60_000 ? await body.read() : null) {
    pieces++;
    length += piece?.length ?? 0;
  }
  expect(length).toBe(60_000);
  expect(pieces).toBeLessThan(16);
});

test('reading a window of pieces takes time in proportion to their number', async () => {
  const take = async (count: number): Promise<void> => {
    const body = chunkedBody();
    const bytes = Buffer.from(TINY_CHUNK);
    for (let i = 0; i < count; i++) body.receive(bytes, 0, bytes.length);
    for (let length = 0; length < count; ) length += (await body.read())?.length ?? count;
  };
  await expectLinear((size) => () => take(size), 7_500);
});

test('output that was written byte by byte is sent in linear time', async () => {
  const send = async (count: number): Promise<void> => {
    const outbox = new Outbox();
    for (let i = 0; i < count; i++) outbox.push(Buffer.from('x'));
    for (let i = 0; i < count; i++) outbox.drop(1);
    expect(outbox.bytes).toBe(0);
  };
  await expectLinear((size) => () => send(size), 5_000);
});

test.each([
  ['raw', 'bytes'],
  ['raw', 'text'],
  ['raw', 'pieces'],
  ['raw', 'pauses'],
  ['wsgi', 'bytes'],
  ['wsgi', 'text'],
  ['wsgi', 'pieces'],
  ['fetch', 'bytes'],
  ['fetch', 'text'],
  ['fetch', 'pieces'],
  ['offload', 'bytes'],
])('%s, %s: a body of two million one-byte chunks takes memory for its bytes', async (adapter, reads) => {
  const program = startProgram(process.execPath, [PROGRAM, adapter]);
  const port = await portOf(program);
  const count = 2_000_000;
  const client = await connect(port);
  const send = async (chunks: number): Promise<string> => {
    client.send(`POST /${reads} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
    for (let sent = 0; sent < chunks; sent += 20_000) await client.send(TINY_CHUNK.repeat(20_000)).flushed();
    return (await client.send('0\r\n\r\n').readResponse()).text;
  };
  // Compilation, and the heap of a first request, happen before the measurement.
  expect(await send(200_000)).toBe('200000');
  const before = memoryOf(program.pid, 'VmRSS');
  expect(await send(count)).toBe(String(count));
  expect(memoryOf(program.pid, 'VmHWM') - before).toBeLessThan(3 * count + 20 * MIB);
});
