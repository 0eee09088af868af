// Tests the socket calls of the real kernel against real clients.

import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { EAGAIN } from '../../src/kernel/errno.ts';
import { BYTES_RECEIVED, BYTES_SENT, READABLE, RECEIVES, SENDS } from '../../src/kernel/kernel.ts';
import { createNativeKernel, type NativeKernel } from '../../src/kernel/native-kernel.ts';
import { type Client, connect } from '../support/client.ts';
import { Polled } from '../support/polled.ts';
import { until } from '../support/until.ts';
import { REAL_WORLD } from '../support/worlds.ts';

const { EADDRINUSE, EBADF, EEXIST, EINVAL, ENOTSOCK } = constants.errno;

function kernelOf(): NativeKernel {
  const kernel = createNativeKernel();
  onTestFinished(() => kernel.destroy());
  return kernel;
}

/** As in the contract, but with the calls that only the real kernel has. */
function polledNative(backend: string): { poll: Polled; kernel: NativeKernel } {
  const kernel = createNativeKernel(backend);
  return { poll: new Polled(backend, { ...REAL_WORLD, createKernel: () => kernel }), kernel };
}

test('listen accepts numeric addresses of both families, and ports in range', () => {
  const kernel = kernelOf();
  for (const address of ['127.0.0.1', '::1', '::', '0.0.0.0']) {
    const fd = kernel.listen(address, 0, 8);
    expect(fd, address).toBeGreaterThanOrEqual(0);
    expect(kernel.local(fd)).toEqual({ address, port: expect.any(Number) });
    expect(kernel.local(fd).port).toBeGreaterThan(0);
  }
  for (const address of ['localhost', '', '1.2.3', '127.0.0.1 ', 'x'.repeat(1_000)])
    expect(kernel.listen(address, 0, 8), address).toBe(-EINVAL);
  for (const port of [-1, 65_536]) expect(kernel.listen('127.0.0.1', port, 8)).toBe(-EINVAL);
});

test('listen on a used port is EADDRINUSE, and leaves no descriptor open', () => {
  const kernel = kernelOf();
  const { port } = kernel.local(kernel.listen('127.0.0.1', 0, 8));
  for (let i = 0; i < 3; i++) expect(kernel.listen('127.0.0.1', port, 8)).toBe(-EADDRINUSE);
});

test('accept returns a client and its address, or EAGAIN when none waits', async () => {
  const poll = new Polled('epoll');
  expect(poll.kernel.accept(poll.listener)).toBe(EAGAIN);
  const { client, fd } = await poll.accept();
  expect(poll.kernel.peer(fd)).toEqual({ address: '127.0.0.1', port: client.localPort });
  expect(poll.kernel.local(fd)).toEqual({ address: '127.0.0.1', port: poll.port });
});

test('a send transmits a piece of the output, then the bytes', async () => {
  const poll = new Polled('epoll');
  const { kernel } = poll;
  const { client, fd } = await poll.accept();
  kernel.output.write('0123456789');
  expect(kernel.send(fd, 2, 3)).toBe(3);
  expect(kernel.send(fd, 0, 0, Buffer.from('abcdef'), 4)).toBe(2);
  expect(kernel.send(fd, 8, 2, Buffer.from('XYZ'))).toBe(5);
  expect(kernel.send(fd, 0, 0, Buffer.from('!'))).toBe(1);
  expect((await client.readBytes(11)).toString()).toBe('234ef89XYZ!');
});

test('recv writes to the given range and nowhere else', async () => {
  const poll = new Polled('epoll');
  const { kernel } = poll;
  const { client, fd } = await poll.accept();
  kernel.input.fill('.', 0, 12);
  await client.send('abcdef').flushed();
  expect(kernel.recv(fd, 5, 4)).toBe(4);
  expect(kernel.input.toString('latin1', 0, 12)).toBe('.....abcd...');
  expect(kernel.recv(fd, 0, 1)).toBe(1);
  expect(kernel.input.toString('latin1', 0, 2)).toBe('e.');
});

test('acknowledged counts the bytes that the client received, wireSent also those in the send buffer', async () => {
  const poll = new Polled('epoll');
  const { kernel } = poll;
  const { client, fd } = await poll.accept();
  client.pauseReading();
  kernel.send(fd, 0, 5);
  await until(() => kernel.acknowledged(fd) === 5, 'five bytes were acknowledged');
  const sent = 5 + poll.fill(fd);
  expect(kernel.acknowledged(fd)).toBeGreaterThanOrEqual(5);
  expect(kernel.acknowledged(fd)).toBeLessThan(sent);
  expect(kernel.wireSent(fd)).toBe(sent);
  client.resumeReading();
  await until(() => kernel.acknowledged(fd) === sent, 'everything was acknowledged');
  expect([kernel.acknowledged(9_999), kernel.wireSent(9_999)]).toEqual([-EBADF, -EBADF]);
});

test('transferred and the counters count the bytes of both directions', async () => {
  const poll = new Polled('epoll');
  const { kernel } = poll;
  const { client, fd } = await poll.accept();
  await client.send('abc').flushed();
  expect(poll.receive(fd)).toBe('abc');
  expect(poll.receive(fd)).toBe(EAGAIN);
  kernel.send(fd, 0, 7);
  expect(kernel.transferred(fd)).toEqual([3, 7]);
  const words = [RECEIVES, SENDS, BYTES_RECEIVED, BYTES_SENT].map((word) => kernel.control[word]);
  expect(words).toEqual([2, 1, 3, 7]);
});

test('shutdown sends FIN and receiving still works; close ends both', async () => {
  const poll = new Polled('epoll');
  const { client, fd } = await poll.accept();
  expect(poll.kernel.shutdown(fd)).toBe(0);
  expect(await client.closed()).toBe('fin');
  await client.send('still here').flushed();
  await until(() => poll.receive(fd) === 'still here', 'the bytes came');
  expect(poll.kernel.close(fd)).toBe(0);
});

test('reset makes close answer with RST', async () => {
  const poll = new Polled('epoll');
  const { client, fd } = await poll.accept();
  expect(poll.kernel.reset(fd)).toBe(0);
  expect(poll.kernel.close(fd)).toBe(0);
  expect(await client.closed()).toBe('reset');
});

test('the monotonic clock of the kernel and of now() are the same', () => {
  const kernel = kernelOf();
  const before = kernel.now();
  kernel.wait(0);
  const between = kernel.control[0] ?? 0;
  const after = kernel.now();
  expect(between).toBeGreaterThanOrEqual(before);
  expect(between).toBeLessThanOrEqual(after);
});

test('a copy of a socket has its own descriptor, and outlives the original', async () => {
  const { poll, kernel } = polledNative('epoll');
  const { client, fd } = await poll.pair();
  expect(kernel.adopt(fd), 'it is there already').toBe(-EEXIST);
  const { poll: other, kernel: second } = polledNative('poll');
  const copy = second.adoptCopy(fd);
  expect(copy).toBeGreaterThanOrEqual(0);
  expect(copy).not.toBe(fd);
  expect(kernel.close(fd)).toBe(0);
  await client.send('x').flushed();
  expect(second.recv(fd, 0, 1), 'the number is not in this table').toBe(-EBADF);
  expect(other.kernel.peer(copy)).toEqual({ address: '127.0.0.1', port: client.localPort });
  expect(other.kernel.add(copy, READABLE)).toBeGreaterThan(0);
  await other.event(copy, READABLE);
  expect(other.receive(copy)).toBe('x');
  expect(other.kernel.close(copy)).toBe(0);
  expect(await client.closed()).toBe('fin');
});

test('a thread that ends with a copy of a socket does not close the original', async () => {
  const { poll, kernel } = polledNative('epoll');
  const { client, fd } = await poll.pair();
  const second = kernelOf();
  expect(second.adoptCopy(fd)).toBeGreaterThanOrEqual(0);
  second.destroy();
  await client.send('x').flushed();
  await poll.event(fd, READABLE);
  expect(kernel.send(fd, 0, 1)).toBe(1);
  expect((await client.readBytes(1)).length).toBe(1);
});

test.each(['127.0.0.1', '::1'])(
  'a socket is adopted with its peer at %s, though the peer has reset it',
  async (host) => {
    const kernel = kernelOf();
    const listener = kernel.listen(host, 0, 1);
    const client = await connect(kernel.local(listener).port, host);
    const { localPort } = client;
    const fd = kernel.accept(listener);
    expect(fd).toBeGreaterThan(0);
    client.reset();
    await until(() => kernel.recv(fd, 0, 1) !== EAGAIN, 'the reset has arrived');
    const second = kernelOf();
    const copy = second.adoptCopy(fd);
    expect(copy).toBeGreaterThanOrEqual(0);
    expect(copy).not.toBe(fd);
    expect(second.peer(copy)).toEqual({ address: host, port: localPort });
  },
);

test('a descriptor that is not a socket is not adopted', () => {
  const kernel = kernelOf();
  expect(kernel.adopt(-1)).toBe(-EBADF);
  expect(kernel.adopt(1_000_000)).toBe(-EBADF);
  const file = openSync('/dev/null', 'r');
  onTestFinished(() => closeSync(file));
  expect(kernel.adopt(file)).toBe(-ENOTSOCK);
  expect(kernel.adoptCopy(file)).toBe(-ENOTSOCK);
  expect(kernel.adoptCopy(1_000_000)).toBe(-EBADF);
  expect(kernel.close(file)).toBe(-EBADF);
});

test('shared listeners use the same port, and a port can be reserved without listening', async () => {
  const kernel = kernelOf();
  const kept = kernel.listen('127.0.0.1', 0, -1, true);
  const { port } = kernel.local(kept);
  await expect(connect(port), 'no program listens').rejects.toThrow(/ECONNREFUSED/);
  const listeners = [kernel.listen('127.0.0.1', port, 8, true), kernel.listen('127.0.0.1', port, 8, true)];
  for (const listener of listeners) expect(listener).toBeGreaterThanOrEqual(0);
  expect(kernel.listen('127.0.0.1', port, 8)).toBe(-EADDRINUSE);
  const client = await connect(port);
  let fd = EAGAIN;
  await until(() => {
    fd = listeners.map((listener) => kernel.accept(listener)).find((accepted) => accepted >= 0) ?? EAGAIN;
    return fd >= 0;
  }, 'one listener has the client');
  expect(kernel.peer(fd).port).toBe(client.localPort);
});

test('recv blocks on a client that acceptBlocking accepted', async () => {
  const { poll, kernel } = polledNative('poll');
  const client = await connect(poll.port);
  expect(kernel.add(poll.listener, READABLE)).toBeGreaterThan(0);
  await poll.event(poll.listener, READABLE);
  const fd = kernel.acceptBlocking(poll.listener);
  expect(fd).toBeGreaterThanOrEqual(0);
  expect(kernel.acceptBlocking(poll.listener), 'the listener itself does not block').toBe(EAGAIN);
  const code = `const { writeSync } = require('node:fs');
    setTimeout(() => writeSync(${descriptorOf(client)}, 'late'), 100);`;
  const worker = new Worker(code, { eval: true });
  onTestFinished(() => worker.terminate().then(() => {}));
  await once(worker, 'online');
  expect(poll.receive(fd), 'nothing was there yet').toBe('late');
  expect(kernel.unblock(fd)).toBe(0);
  expect(poll.receive(fd), 'recv does not block any more').toBe(EAGAIN);
  expect(kernel.unblock(fd + 1_000)).toBe(-EBADF);
  // Sending never blocks, even on a blocking descriptor.
  client.socket.pause();
  expect(poll.fill(fd)).toBeGreaterThan(0);
});

/** The descriptor of a socket of Node.js. */
function descriptorOf({ socket }: Client): number {
  if (!('_handle' in socket)) throw new Error('a socket has a handle');
  const handle = socket._handle;
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) throw new Error('a handle has a descriptor');
  return Number(handle.fd);
}
