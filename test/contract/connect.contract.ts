// Tests what a kernel's connect and connectUnix promise (src/kernel/kernel.ts), sentence by sentence.

import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { EAGAIN } from '../../src/kernel/errno.ts';
import { READABLE, WRITABLE } from '../../src/kernel/kernel.ts';
import { Polled } from '../support/polled.ts';
import { pause } from '../support/until.ts';
import type { World } from '../support/worlds.ts';

const { ECONNREFUSED, EINVAL, ENAMETOOLONG, ENOENT } = constants.errno;
const BOTH = READABLE | WRITABLE;

/** Runs these tests against the back end of that name; `world` as in pollerContract. */
export function connectContract(backend: string, world?: World): void {
  const polled = (): Polled => new Polled(backend, world);
  connectionContract(backend, polled);
  failureContract(backend, polled);
}

function connectionContract(backend: string, polled: () => Polled): void {
  for (const where of ['port', 'path'] as const) {
    test(`${backend}: a connection to a ${where} is reported as writable, and carries bytes both ways`, async () => {
      const poll = polled();
      const { kernel } = poll;
      const upstream = await poll.world.listen(kernel, where);
      const fd = connectTo(poll, upstream);
      expect(fd).toBeGreaterThanOrEqual(0);
      expect(kernel.add(fd, BOTH)).toBeGreaterThan(0);
      await poll.event(fd, WRITABLE);
      await sendAll(poll, fd, 'request');
      const peer = await upstream.accept();
      expect((await peer.readBytes(7)).toString()).toBe('request');
      await peer.send('response').flushed();
      await poll.event(fd, READABLE);
      expect(poll.receive(fd)).toBe('response');
      expect(kernel.peer(fd).port).toBe(upstream.port);
      expect(kernel.transferred(fd)).toEqual([8, 7]);
      expect(kernel.close(fd)).toBe(0);
      expect(await peer.closed()).toBe('fin');
    });
  }

  test(`${backend}: while a connection is in progress, recv and send are EAGAIN`, async () => {
    const poll = polled();
    const { address, port } = await poll.world.stalled(poll.kernel, 'port');
    const fd = poll.kernel.connect(address, port);
    expect(fd).toBeGreaterThanOrEqual(0);
    expect(poll.kernel.add(fd, BOTH)).toBeGreaterThan(0);
    for (let i = 0; i < 2; i++) {
      expect(poll.kernel.send(fd, 0, 1)).toBe(EAGAIN);
      expect(poll.receive(fd)).toBe(EAGAIN);
    }
    // The scan back end reports every descriptor that is armed.
    if (poll.kernel.traits.busy !== true) expect(poll.events(0).filter((ready) => ready.fd === fd)).toEqual([]);
  });
}

function failureContract(backend: string, polled: () => Polled): void {
  test(`${backend}: a refused connection is ECONNREFUSED, at once or from the first call after its event`, async () => {
    const poll = polled();
    const { address, port } = await poll.world.unused(poll.kernel, 'port');
    const fd = poll.kernel.connect(address, port);
    if (fd === -ECONNREFUSED) return;
    expect(fd).toBeGreaterThanOrEqual(0);
    expect(poll.kernel.add(fd, BOTH)).toBeGreaterThan(0);
    await poll.event(fd, WRITABLE);
    expect(await firstResult(poll, fd)).toBe(-ECONNREFUSED);
  });

  test(`${backend}: a full backlog of a Unix domain socket is EAGAIN`, async () => {
    const poll = polled();
    const { address } = await poll.world.stalled(poll.kernel, 'path');
    expect(poll.kernel.connectUnix(address)).toBe(EAGAIN);
  });

  test(`${backend}: a path without a socket is ENOENT, and a text that is no address is EINVAL`, async () => {
    const poll = polled();
    const { address } = await poll.world.unused(poll.kernel, 'path');
    expect([-ENOENT, -ECONNREFUSED]).toContain(poll.kernel.connectUnix(address));
    for (const wrong of ['localhost', '', '1.2.3', '1.2.3.4.5', 'a'.repeat(1_000)])
      expect(poll.kernel.connect(wrong, 80), wrong).toBe(-EINVAL);
    for (const port of [-1, 0, 65_536]) expect(poll.kernel.connect('127.0.0.1', port), `${port}`).toBe(-EINVAL);
    expect([-ENAMETOOLONG, -ENOENT]).toContain(poll.kernel.connectUnix('/x'.repeat(500)));
  });
}

function connectTo({ kernel }: Polled, { address, port }: { address: string; port: number }): number {
  return port === 0 ? kernel.connectUnix(address) : kernel.connect(address, port);
}

/** Sends a text; events may be spurious, so the connection may still be in progress. */
async function sendAll({ kernel }: Polled, fd: number, text: string): Promise<void> {
  for (;;) {
    const sent = kernel.send(fd, 0, 0, Buffer.from(text));
    if (sent === text.length) return;
    expect(sent).toBe(EAGAIN);
    await pause(1);
  }
}

/** The first result of a receive that is not EAGAIN. */
async function firstResult(poll: Polled, fd: number): Promise<string | number> {
  for (;;) {
    const result = poll.receive(fd);
    if (result !== EAGAIN) return result;
    await pause(1);
  }
}
