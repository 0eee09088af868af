// Tests what `wait` prefetches for its events, and into which slots: `Kernel.prefetch` and sentence 9 of
// native/poller.h.

import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { EAGAIN } from '../../src/kernel/errno.ts';
import { FAILED, PREFETCH, PREFETCH_BYTES, READABLE, WRITABLE } from '../../src/kernel/kernel.ts';
import { type Pair, Polled } from '../support/polled.ts';
import type { World } from '../support/worlds.ts';

const { EBADF, ECONNRESET } = constants.errno;
const BOTH = READABLE | WRITABLE;
/** Fills the input before a wait, so that writes of the wait are visible. */
const UNTOUCHED = '.'.charCodeAt(0);

/** Runs these tests against the back end of that name; `world` as in pollerContract. */
export function prefetchContract(backend: string, world?: World): void {
  const polled = (): Polled => new Polled(backend, world);
  wordContract(backend, polled);
  slotContract(backend, polled);
}

async function watched(poll: Polled): Promise<Pair> {
  const { client, fd } = await poll.accept();
  const generation = poll.kernel.add(fd, BOTH | PREFETCH);
  poll.drain();
  return { client, fd, generation };
}

function wordContract(backend: string, polled: () => Polled): void {
  test(`${backend}: an event has the count of its prefetched bytes, and 0 at the peer's end`, async () => {
    const poll = polled();
    const { client, fd } = await watched(poll);
    for (const bytes of ['question', 'another']) {
      await client.send(bytes).flushed();
      const { index, count } = await poll.prefetched(fd);
      expect(poll.slotText(index, count)).toBe(bytes);
      expect(poll.receive(fd)).toBe(EAGAIN);
    }
    await client.finish().flushed();
    expect((await poll.prefetched(fd)).count).toBe(0);
  });

  test(`${backend}: nothing is prefetched for an event without READABLE`, async () => {
    const poll = polled();
    const { fd } = await poll.accept();
    poll.kernel.add(fd, BOTH | PREFETCH);
    const event = await poll.event(fd, WRITABLE);
    expect(event.prefetched).toBe((event.readiness & READABLE) === 0 ? undefined : EAGAIN);
  });

  test(`${backend}: nothing is prefetched for an event with FAILED, and recv returns the error`, async () => {
    const poll = polled();
    const { client, fd } = await watched(poll);
    client.reset();
    if (poll.kernel.traits.seesHangup) {
      expect((await poll.hangup(fd, FAILED)).prefetched).toBeUndefined();
      expect(poll.receive(fd)).toBe(-ECONNRESET);
    } else {
      expect((await poll.prefetched(fd)).count).toBe(-ECONNRESET);
    }
  });

  test(`${backend}: nothing is prefetched for a descriptor without PREFETCH`, async () => {
    const poll = polled();
    const { kernel } = poll;
    const [plain, off] = [await poll.pair(), await watched(poll)];
    expect(kernel.prefetch(off.fd, 0)).toBe(0);
    for (const { client, fd } of [plain, off]) {
      poll.again(fd, READABLE);
      await client.send('x').flushed();
      expect((await poll.event(fd, READABLE)).prefetched).toBeUndefined();
      expect(await poll.bytes(fd)).toBe('x');
      poll.again(fd, READABLE);
    }
    expect(kernel.prefetch(off.fd, 1)).toBe(0);
    await off.client.send('y').flushed();
    const { index } = await poll.prefetched(off.fd);
    expect(poll.slotText(index, 1)).toBe('y');
    kernel.close(off.fd);
    expect(kernel.prefetch(off.fd, 1)).toBe(-EBADF);
  });
}

function slotContract(backend: string, polled: () => Polled): void {
  test(`${backend}: every event has its own slot, and a wait writes nowhere else`, async () => {
    const poll = polled();
    const { kernel } = poll;
    const pairs = [await poll.accept(), await poll.accept(), await poll.accept()];
    const sent = ['a'.repeat(PREFETCH_BYTES + 3), 'b'.repeat(5), 'c'.repeat(PREFETCH_BYTES)];
    for (const [i, { client }] of pairs.entries()) await client.send(sent[i] ?? '').flushed();
    for (const { fd } of pairs) expect(kernel.add(fd, BOTH | PREFETCH)).toBeGreaterThan(0);
    const counts = new Map<number, number>();
    while (counts.size < pairs.length) {
      kernel.input.fill(UNTOUCHED);
      const expected = Buffer.from(kernel.input);
      for (const { fd, index, count } of poll.prefetches(50)) {
        if (count <= 0) continue;
        const own = sent[pairs.findIndex((pair) => pair.fd === fd)] ?? '';
        expected.write(own.slice(0, count), poll.slotStart(index), 'latin1');
        if (!counts.has(fd)) counts.set(fd, count);
      }
      expect(kernel.input.equals(expected), 'slots have what was received, and nothing else is written').toBe(true);
    }
    expect(pairs.map(({ fd }) => counts.get(fd))).toEqual([PREFETCH_BYTES, 5, PREFETCH_BYTES]);
  });

  test(`${backend}: bytes that do not fit into a slot are left for recv`, async () => {
    const poll = polled();
    const { client, fd } = await watched(poll);
    await client.send('x'.repeat(PREFETCH_BYTES)).send('rest').flushed();
    const { count } = await poll.prefetched(fd);
    expect(count).toBe(PREFETCH_BYTES);
    expect(await poll.bytes(fd, 4)).toBe('rest');
  });
}
