// Tests the requests that wait for an upstream: a full backlog is no failure, and a program that ends fails all of them.

import { connect as connectSocket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Outgoing } from '../../src/connection/outgoing.ts';
import { EAGAIN } from '../../src/kernel/errno.ts';
import { createNativeKernel } from '../../src/kernel/native-kernel.ts';
import { resolveLimits } from '../../src/options/resolve-limits.ts';
import { SpoolSpace } from '../../src/upstream/spool-space.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { start } from '../support/serving.ts';
import { pause } from '../support/until.ts';

test('requests wait while the backlog of the program is full, and are sent when it has room', async () => {
  const path = `${await folder()}/app.sock`;
  const program = createNativeKernel();
  onTestFinished(() => program.destroy());
  const listener = program.listenUnix(path, -1, 1);
  const accept = async (): Promise<number> => {
    for (;;) {
      const fd = program.accept(listener);
      if (fd !== EAGAIN) return fd;
      await pause(1);
    }
  };
  // Linux accepts one connection more than the backlog.
  const fillers = [0, 1].map(() => connectSocket(path));
  onTestFinished(() => {
    for (const filler of fillers) filler.destroy();
  });
  await Promise.all(fillers.map((filler) => new Promise((resolve) => filler.once('connect', resolve))));
  expect(program.connectUnix(path), 'the backlog is full').toBe(EAGAIN);
  const { port } = await start({ proxy: `uwsgi:unix:${path}` });
  const clients = [await connect(port), await connect(port)];
  for (const client of clients) await client.send(get('/')).flushed();
  for (let i = 0; i < fillers.length; i++) program.close(await accept());
  for (let i = 0; i < clients.length; i++) {
    const fd = await accept();
    while (program.recv(fd, 0, 10_000) <= 0) await pause(1);
    program.send(fd, 0, 0, Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    program.close(fd);
  }
  for (const client of clients) expect((await client.readResponse()).text).toBe('ok');
});

test('requests that wait fail one after the other when the program is gone, however many they are', () => {
  const count = 20_000;
  const limits = { ...resolveLimits({}), maxUpstreamConnections: 1, maxUpstreamQueue: count };
  const context = { outgoing: new Outgoing(), space: new SpoolSpace(0), limits, onError: () => {} };
  const upstream = new Upstream({ name: 'gone', address: { path: '/nowhere' } }, context);
  upstream.apply({ placeFree: () => {} });
  let failed = 0;
  const placeFree = (): void => {
    failed++;
    upstream.release();
  };
  for (let i = 0; i < count; i++) upstream.apply({ placeFree });
  upstream.release();
  expect(failed).toBe(count);
});
