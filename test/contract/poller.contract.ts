// Tests, sentence by sentence, that a back end keeps the contract in native/poller.h.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { EAGAIN } from '../../src/kernel/errno.ts';
import { FAILED, HANGUP, READABLE, WRITABLE } from '../../src/kernel/kernel.ts';
import { Polled } from '../support/polled.ts';
import { until } from '../support/until.ts';
import type { World } from '../support/worlds.ts';

const { EBADF, ECONNRESET, EEXIST, ENOENT } = constants.errno;
const BOTH = READABLE | WRITABLE;

/**
 * Runs the whole contract against the back end of that name. `world`: the source of its clients, by default this
 * machine.
 */
export function pollerContract(backend: string, world?: World): void {
  const polled = (): Polled => new Polled(backend, world);
  readableContract(backend, polled);
  writableContract(backend, polled);
  hangupContract(backend, polled);
  generationContract(backend, polled);
  registrationContract(backend, polled);
  timeContract(backend, polled);
}

function readableContract(backend: string, polled: () => Polled): void {
  test(`${backend}: after reading the bytes of an event, recv is EAGAIN and later bytes cause an event`, async () => {
    const poll = polled();
    const { client, fd } = await poll.pair();
    for (const bytes of ['one', 'two', 'three']) {
      await client.send(bytes).flushed();
      await poll.event(fd, READABLE);
      expect(poll.receive(fd)).toBe(bytes);
      expect(poll.receive(fd)).toBe(EAGAIN);
      poll.again(fd, READABLE);
    }
  });

  test(`${backend}: a short read without HANGUP has read everything, and later bytes cause an event`, async () => {
    const poll = polled();
    const { client, fd } = await poll.pair();
    await client.send('first').flushed();
    const event = await poll.event(fd, READABLE);
    expect(event.readiness & (HANGUP | FAILED)).toBe(0);
    expect(poll.receive(fd)).toBe('first');
    poll.again(fd, READABLE);
    await client.send('second').flushed();
    await poll.event(fd, READABLE);
    expect(poll.receive(fd)).toBe('second');
  });

  test(`${backend}: bytes that arrived before the descriptor was added are reported`, async () => {
    const poll = polled();
    const { client, fd } = await poll.accept();
    await client.send('early').flushed();
    expect(poll.kernel.add(fd, BOTH)).toBeGreaterThan(0);
    await poll.event(fd, READABLE);
    expect(poll.receive(fd)).toBe('early');
  });

  test(`${backend}: no second event comes for bytes that were left unread`, async () => {
    const poll = polled();
    const { client, fd } = await poll.pair();
    await client.send('abcdef').flushed();
    await poll.event(fd, READABLE);
    expect(poll.receive(fd, 2)).toBe('ab');
    if (poll.kernel.traits.busy !== true) expect(poll.events(20)).toEqual([]);
    expect(poll.receive(fd)).toBe('cdef');
  });

  test(`${backend}: rearm reports once more what is ready`, async () => {
    const poll = polled();
    const { client, fd } = await poll.pair();
    await client.send('abc').flushed();
    await poll.event(fd, READABLE);
    expect(poll.kernel.rearm(fd, BOTH)).toBe(0);
    await poll.event(fd, READABLE);
    expect(poll.receive(fd)).toBe('abc');
  });

  test(`${backend}: a listener is readable when a client waits, and accept returns clients until EAGAIN`, async () => {
    const poll = polled();
    expect(poll.kernel.add(poll.listener, READABLE)).toBeGreaterThan(0);
    await Promise.all([poll.accept(), poll.accept()]);
    expect(poll.kernel.accept(poll.listener)).toBe(EAGAIN);
  });
}

function writableContract(backend: string, polled: () => Polled): void {
  test(`${backend}: a new connection is writable`, async () => {
    const poll = polled();
    const { fd } = await poll.accept();
    poll.kernel.add(fd, BOTH);
    await poll.event(fd, WRITABLE);
  });

  test(`${backend}: WRITABLE comes again after EAGAIN once the peer has made room`, async () => {
    const poll = polled();
    const { client, fd } = await poll.pair();
    client.pauseReading();
    const sent = poll.fill(fd);
    poll.drain();
    poll.again(fd, WRITABLE);
    const spurious = poll.events(20).filter((event) => event.fd === fd && (event.readiness & WRITABLE) !== 0);
    if (poll.kernel.traits.busy !== true) expect(spurious).toEqual([]);
    client.resumeReading();
    const isSent = async (): Promise<boolean> => {
      await poll.event(fd, WRITABLE);
      return poll.kernel.send(fd, 0, 1) === 1;
    };
    // A busy back end reports WRITABLE again and again (sentence 1).
    if (poll.kernel.traits.busy === true) await until(isSent, 'the peer has made room');
    else expect(await isSent()).toBe(true);
    expect((await client.readBytes(sent + 1)).length).toBe(sent + 1);
  });
}

function hangupContract(backend: string, polled: () => Polled): void {
  test(`${backend}: data with FIN causes an event with HANGUP, and the end follows the data`, async () => {
    const poll = polled();
    const { client, fd } = await poll.pair();
    await client.send('last words').finish().flushed();
    await poll.hangup(fd, HANGUP);
    expect(poll.receive(fd)).toBe('last words');
    if (!poll.kernel.traits.seesHangup) await poll.event(fd, READABLE);
    expect(poll.receive(fd)).toBe('');
  });

  test(`${backend}: FIN alone sets HANGUP, READABLE and WRITABLE, and recv returns 0`, async () => {
    const poll = polled();
    const { client, fd } = await poll.pair();
    client.finish();
    const event = await poll.hangup(fd, HANGUP);
    expect(event.readiness & FAILED).toBe(0);
    expect(poll.receive(fd)).toBe('');
    expect(poll.kernel.send(fd, 0, 1)).toBe(1);
  });

  test(`${backend}: RST sets FAILED, READABLE and WRITABLE, and recv returns the error`, async () => {
    const poll = polled();
    const { client, fd } = await poll.pair();
    client.reset();
    await poll.hangup(fd, FAILED);
    expect(poll.receive(fd)).toBe(-ECONNRESET);
  });
}

function generationContract(backend: string, polled: () => Polled): void {
  test(`${backend}: an event carries the generation that add returned`, async () => {
    const poll = polled();
    const { client, fd, generation } = await poll.pair();
    expect(generation).toBeGreaterThan(0);
    await client.send('x').flushed();
    expect((await poll.event(fd, READABLE)).generation).toBe(generation);
  });

  test(`${backend}: a reused number gets a higher generation, and earlier events keep the old one`, async () => {
    const poll = polled();
    const first = await poll.pair();
    const second = await poll.connect();
    await first.client.send('x').flushed();
    const stale = await poll.event(first.fd, READABLE);
    expect(poll.kernel.close(first.fd)).toBe(0);
    const fd = await poll.acceptOne();
    expect(fd, 'the lowest free descriptor is reused').toBe(first.fd);
    const generation = poll.kernel.add(fd, BOTH);
    expect(generation).toBeGreaterThan(stale.generation);
    await second.send('y').flushed();
    expect((await poll.event(fd, READABLE)).generation).toBe(generation);
  });

  test(`${backend}: a batch has one event for a descriptor, even after several changes`, async () => {
    const poll = polled();
    const { client, fd } = await poll.accept();
    await client.send('x').flushed();
    expect(poll.kernel.add(fd, BOTH)).toBeGreaterThan(0);
    await client.send('y').finish().flushed();
    for (let i = 0; i < 5; i++) {
      const named = poll.events(20).map((event) => event.fd);
      expect(new Set(named).size).toBe(named.length);
    }
  });

  test(`${backend}: a closed descriptor makes no more events`, async () => {
    const poll = polled();
    const { client, fd } = await poll.pair();
    await client.send('x').flushed();
    expect(poll.kernel.close(fd)).toBe(0);
    expect(poll.events(20)).toEqual([]);
  });
}

function registrationContract(backend: string, polled: () => Polled): void {
  test(`${backend}: adding a descriptor twice is EEXIST and changes nothing`, async () => {
    const poll = polled();
    const { client, fd, generation } = await poll.pair();
    expect(poll.kernel.add(fd, WRITABLE)).toBe(-EEXIST);
    await client.send('x').flushed();
    expect(await poll.event(fd, READABLE)).toMatchObject({ fd, generation });
  });

  test(`${backend}: rearm and remove of a descriptor that is not watched are ENOENT`, async () => {
    const poll = polled();
    const { fd } = await poll.accept();
    expect(poll.kernel.rearm(fd, BOTH)).toBe(-ENOENT);
    expect(poll.kernel.remove(fd)).toBe(-ENOENT);
    expect(poll.kernel.rearm(1_000_000, BOTH)).toBe(-ENOENT);
    expect(poll.kernel.remove(-1)).toBe(-ENOENT);
  });

  test(`${backend}: a failed add has no effect`, async () => {
    const poll = polled();
    const { client, fd } = await poll.accept();
    expect(poll.kernel.close(fd)).toBe(0);
    expect(poll.kernel.add(fd, BOTH)).toBe(-EBADF);
    client.send('x');
    expect(poll.events(20)).toEqual([]);
    expect(poll.kernel.remove(fd)).toBe(-ENOENT);
  });

  test(`${backend}: a removed descriptor makes no events, and can be added again`, async () => {
    const poll = polled();
    const { client, fd, generation } = await poll.pair();
    expect(poll.kernel.remove(fd)).toBe(0);
    expect(poll.kernel.remove(fd)).toBe(-ENOENT);
    await client.send('x').flushed();
    expect(poll.events(20)).toEqual([]);
    expect(poll.kernel.add(fd, BOTH)).toBe(generation);
    await poll.event(fd, READABLE);
  });
}

function timeContract(backend: string, polled: () => Polled): void {
  test(`${backend}: wait without events takes the whole time-out, and 0 does not block`, () => {
    const poll = polled();
    for (const timeoutMs of [0, 1, 7, 30]) {
      const beginMs = poll.kernel.now();
      expect(poll.kernel.wait(timeoutMs)).toBe(0);
      expect(poll.kernel.now() - beginMs).toBeGreaterThanOrEqual(timeoutMs);
    }
  });

  test(`${backend}: signals do not shorten a wait`, () => {
    const poll = polled();
    const ignore = (): void => {};
    process.on('SIGUSR2', ignore);
    onTestFinished(() => void process.off('SIGUSR2', ignore));
    const script = `for i in 1 2 3 4 5 6 7 8 9 10; do kill -USR2 ${process.pid}; sleep 0.02; done`;
    const child = spawn('sh', ['-c', script], { stdio: 'ignore' });
    onTestFinished(
      () => new Promise((resolve) => (child.exitCode === null ? child.once('exit', () => resolve()) : resolve())),
    );
    const beginMs = poll.kernel.now();
    expect(poll.kernel.wait(300)).toBe(0);
    expect(poll.kernel.now() - beginMs).toBeGreaterThanOrEqual(300);
  });

  test(`${backend}: wait(-1) blocks until something happens`, async () => {
    const poll = polled();
    poll.kernel.add(poll.listener, READABLE);
    await poll.world.connectLater(poll.kernel, poll.port, 100);
    expect(poll.events(-1)).toMatchObject([{ fd: poll.listener, readiness: READABLE }]);
    if (poll.kernel.traits.busy === true) return;
    expect(poll.kernel.accept(poll.listener)).toBeGreaterThan(0);
  });
}
