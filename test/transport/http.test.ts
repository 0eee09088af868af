// Tests HTTP over a transport: the suites, and the faults of transports.

import type * as net from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import type * as nativeKernel from '../../src/kernel/native-kernel.ts';
import { get } from '../support/client.ts';
import { loadFramedAddon } from '../support/framed-addon.ts';
import { DATA, frame, HELLO } from '../support/framed-socket.ts';
import { startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';
import './suites.ts';

vi.mock('node:net', async (original) => (await import('../support/framed.ts')).framedNet(await original<typeof net>()));
// The send buffer is small enough for short counts in most responses.
vi.mock('../../src/kernel/native-kernel.ts', async (original) =>
  (await import('../support/framed.ts')).framedKernels(await original<typeof nativeKernel>(), 16_384),
);

/** Broken wire bytes, with a name of the fault. */
const BROKEN: readonly (readonly [string, Buffer])[] = [
  ['the end within a frame', frame(DATA, Buffer.from(get('/'))).subarray(0, 9)],
  ['a frame of an unknown type', frame(77)],
  ['a frame that is too long', Buffer.from([DATA, 0xff, 0xff])],
  ['a second greeting', frame(HELLO)],
];

test.each(BROKEN)('%s ends its own connection, as a reset does', async (_what, bytes) => {
  const {
    server,
    port,
    connect: enter,
  } = await startHandler((request, response) => response.send(200, {}, request.path));
  const other = await enter();
  const { connect: connectPlain } = await vi.importActual<typeof net>('node:net');
  const broken = connectPlain({ port, host: '127.0.0.1' });
  onTestFinished(() => void broken.destroy());
  broken.on('error', () => {});
  broken.end(Buffer.concat([frame(HELLO), bytes]));
  await until(() => server.stats().connections.accepted === 2, 'both clients were accepted');
  await until(() => server.stats().connections.open === 1, 'the broken connection is closed');
  expect((await other.send(get('/other')).readResponse()).text).toBe('/other');
  expect(server.stats().requests.handled).toBe(1);
});

test('every transport was destroyed', async () => {
  await until(() => loadFramedAddon().living() === 0, 'the last connection is closed');
  expect(loadFramedAddon().living()).toBe(0);
});
