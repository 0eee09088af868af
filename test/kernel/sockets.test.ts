// Proves the socket calls of the real kernel against real clients.

import { constants } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { EAGAIN } from '../../src/kernel/errno.ts';
import { BYTES_RECEIVED, BYTES_SENT, type Kernel, RECEIVES, SENDS } from '../../src/kernel/kernel.ts';
import { createNativeKernel } from '../../src/kernel/native-kernel.ts';
import { Polled } from '../support/polled.ts';
import { until } from '../support/until.ts';

const { EADDRINUSE, EBADF, EINVAL } = constants.errno;

function kernelOf(): Kernel {
  const kernel = createNativeKernel();
  onTestFinished(() => kernel.destroy());
  return kernel;
}

test('listen takes numeric addresses of both families and ports of the range', () => {
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

test('a port that is taken is EADDRINUSE, and nothing is left of the attempt', () => {
  const kernel = kernelOf();
  const { port } = kernel.local(kernel.listen('127.0.0.1', 0, 8));
  for (let i = 0; i < 3; i++) expect(kernel.listen('127.0.0.1', port, 8)).toBe(-EADDRINUSE);
});

test('accept says who came, and EAGAIN when nobody did', async () => {
  const poll = new Polled('epoll');
  expect(poll.kernel.accept(poll.listener)).toBe(EAGAIN);
  const { client, fd } = await poll.accept();
  expect(poll.kernel.peer(fd)).toEqual({ address: '127.0.0.1', port: client.localPort });
  expect(poll.kernel.local(fd)).toEqual({ address: '127.0.0.1', port: poll.port });
});

test('send, sendFrom and sendv put their bytes on the wire in order', async () => {
  const poll = new Polled('epoll');
  const { kernel } = poll;
  const { client, fd } = await poll.accept();
  kernel.output.write('0123456789');
  expect(kernel.send(fd, 2, 3)).toBe(3);
  expect(kernel.sendFrom(fd, Buffer.from('abcdef'), 4)).toBe(2);
  expect(kernel.sendv(fd, 8, 2, Buffer.from('XYZ'))).toBe(5);
  expect(kernel.sendv(fd, 0, 0, Buffer.from('!'))).toBe(1);
  expect((await client.readBytes(11)).toString()).toBe('234ef89XYZ!');
});

test('recv writes where it was told and nowhere else', async () => {
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

test('unacknowledged tells what the client has not taken, however much the system took', async () => {
  const poll = new Polled('epoll');
  const { kernel } = poll;
  const { client, fd } = await poll.accept();
  client.pauseReading();
  kernel.send(fd, 0, 5);
  await until(() => kernel.unacknowledged(fd) === 0, 'five bytes were acknowledged');
  const sent = poll.fill(fd);
  expect(kernel.unacknowledged(fd)).toBeGreaterThan(0);
  expect(kernel.unacknowledged(fd)).toBeLessThanOrEqual(sent);
  client.resumeReading();
  await until(() => kernel.unacknowledged(fd) === 0, 'everything was acknowledged');
  expect(kernel.unacknowledged(9_999)).toBe(-EBADF);
});

test('transferred and the counters say what passed', async () => {
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

test('shutdown sends FIN and receiving goes on; close ends both', async () => {
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
