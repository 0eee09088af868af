// Tests that a protocol needs only its channel: a line protocol without HTTP, and protocols that replace each other in
// the middle of a segment. Also that a protocol that breaks its contract ends only its own connection.

import { describe, expect, test } from 'vitest';
import type { Channel } from '../../src/connection/channel.ts';
import type { Protocol } from '../../src/connection/protocol.ts';
import { resolveLimits } from '../../src/options/resolve-limits.ts';
import { serveProtocol } from '../support/channels.ts';
import { connect } from '../support/client.ts';
import { until } from '../support/until.ts';

const LF = 0x0a;

/** Sends each line back in capitals; `BINARY` switches to {@link Frames}, `BYE` ends the connection. */
class Lines implements Protocol {
  readonly wantsInput: boolean = true;
  readonly paused: boolean = false;
  readonly isBusy = false;
  protected readonly channel: Channel;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  receive(bytes: Buffer, start: number, end: number): number {
    const lineEnd = bytes.subarray(start, end).indexOf(LF);
    if (lineEnd < 0) return start;
    const next = start + lineEnd + 1;
    const line = bytes.toString('latin1', start, next - 1);
    this.channel.write(Buffer.from(`${line.toUpperCase()}\n`, 'latin1'));
    if (line === 'bye') this.channel.finish();
    if (line === 'binary') this.channel.speak((channel) => new Frames(channel));
    else if (next < end && line !== 'bye') return this.receive(bytes, next, end);
    return next;
  }

  ending(): void {}

  ended(): void {
    this.channel.finish();
  }

  drained(): void {}
  expired(): void {}
  stop(): void {}

  refuse(status: number, why: string): void {
    this.channel.write(Buffer.from(`${status} ${why}\n`, 'latin1'));
    this.channel.finish(true);
  }

  aborted(): void {}
  closed(): void {}
}

/** A byte is the count of bytes that follow; they are sent back in reverse. 0: back to lines. */
class Frames extends Lines {
  override receive(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const frameEnd = at + 1 + (bytes[at] ?? 0);
      if (frameEnd > end) break;
      if (frameEnd === at + 1) {
        this.channel.speak((channel) => new Lines(channel));
        return frameEnd;
      }
      this.channel.write(Buffer.from(bytes.subarray(at + 1, frameEnd)).reverse());
      at = frameEnd;
    }
    return at;
  }
}

describe('a line protocol', () => {
  test('answers lines for any split', async () => {
    const { port, faults } = serveProtocol((channel) => new Lines(channel));
    const client = await connect(port);
    for (const piece of ['one\nt', 'w', 'o\nthree', '\n']) {
      await client.send(piece).flushed();
    }
    expect(await client.readUntil('THREE\n')).toBe('ONE\nTWO\nTHREE\n');
    expect(faults).toEqual([]);
  });

  test('sends its pending output before the end', async () => {
    const { port } = serveProtocol((channel) => new Lines(channel));
    const client = await connect(port);
    client.send('one\nbye\nignored\n');
    expect(await client.readUntil('BYE\n')).toBe('ONE\nBYE\n');
    await client.closed();
  });
});

describe('protocols that replace each other', () => {
  const whole = 'one\nbinary\n\x03abc\x02de\x00two\nbinary\n\x01x';
  const answer = 'ONE\nBINARY\ncbaedTWO\nBINARY\nx';

  test('share one segment that holds bytes of both', async () => {
    const { port } = serveProtocol((channel) => new Lines(channel));
    const client = await connect(port);
    expect(await client.send(whole).readUntil('\nx')).toBe(answer);
  });

  test.each(Array.from({ length: whole.length - 1 }, (_, at) => at + 1))('cut behind byte %i', async (at) => {
    const { port } = serveProtocol((channel) => new Lines(channel));
    const client = await connect(port);
    await client.send(whole.slice(0, at)).flushed();
    expect(await client.send(whole.slice(at)).readUntil('\nx')).toBe(answer);
  });

  test('outside of a receive pass the kept bytes to the next one', async () => {
    const channels: Channel[] = [];
    class Waiting extends Lines {
      override receive(_bytes: Buffer, start: number): number {
        channels.push(this.channel);
        return start;
      }
    }
    const { port } = serveProtocol((channel) => new Waiting(channel));
    const client = await connect(port);
    client.send('kept\n');
    await until(() => channels.length > 0, 'the bytes arrived');
    channels[0]?.speak((channel) => new Lines(channel));
    expect(await client.readUntil('\n')).toBe('KEPT\n');
  });

  test('do not inherit a time-out', async () => {
    const expired: string[] = [];
    class Early extends Lines {
      override receive(_bytes: Buffer, start: number): number {
        this.channel.setTimeout(1);
        this.channel.speak((channel) => new Next(channel));
        return start;
      }
    }
    class Next extends Lines {
      override expired(): void {
        expired.push('the next one');
      }
    }
    class Late extends Lines {
      override receive(_bytes: Buffer, _start: number, end: number): number {
        this.channel.setTimeout(300);
        return end;
      }

      override expired(): void {
        expired.push('a later one');
      }
    }
    const protocols = [Early, Late];
    const { port } = serveProtocol((channel) => new (protocols.shift() ?? Lines)(channel));
    const client = await connect(port);
    expect(await client.send('one\n').readUntil('\n')).toBe('ONE\n');
    (await connect(port)).send('x');
    await until(() => expired.length > 0, 'a time-out passed');
    expect(expired).toEqual(['a later one']);
  });
});

describe('a protocol that breaks its contract ends its own connection, with one report', () => {
  const good = (channel: Channel): Protocol => new Lines(channel);

  async function expectFault(bad: (channel: Channel) => Protocol, bytes: string, text: RegExp): Promise<void> {
    let isFirst = true;
    const { port, connections, faults } = serveProtocol((channel) => {
      const make = isFirst ? bad : good;
      isFirst = false;
      return make(channel);
    });
    const victim = await connect(port);
    await until(() => connections.size === 1, 'the first client is connected');
    const other = await connect(port);
    victim.send(bytes);
    await victim.closed();
    expect(await other.send('one\n').readUntil('\n')).toBe('ONE\n');
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ code: 'ERR_PROTOCOL' });
    expect(faults[0]?.message).toMatch(text);
    expect(connections.size).toBe(1);
  }

  /** Lines with some members replaced. */
  function broken(members: Partial<Protocol>): (channel: Channel) => Protocol {
    return (channel) => Object.assign(new Lines(channel), members);
  }

  const fail = (): never => {
    throw new Error('on purpose');
  };

  test.each([
    ['behind the end', (_bytes: Buffer, _start: number, end: number): number => end + 1],
    ['before the start', (_bytes: Buffer, start: number): number => start - 1],
    ['at no number', (): number => Number.NaN],
  ])('it stops %s', (_where, receive) =>
    expectFault(broken({ receive }), 'x', /failed: receive returned .*, which is not between/),
  );

  test('it uses no bytes and wants more', () =>
    expectFault(
      broken({ receive: (_bytes, start) => start }),
      'x'.repeat(resolveLimits({}).maxHeaderBytes + 1),
      /it wants more bytes and left \d+ unused/,
    ));

  test('it throws when it receives', () => expectFault(broken({ receive: fail }), 'x', /failed: on purpose/));

  test.each(['wantsInput', 'paused'])('it throws when %s is read', (name) =>
    expectFault((channel) => Object.defineProperty(new Lines(channel), name, { get: fail }), 'x', /failed: on purpose/),
  );

  test('it throws when isBusy is read', async () => {
    const { port, connections, faults } = serveProtocol((channel) =>
      Object.defineProperty(new Lines(channel), 'isBusy', { get: fail }),
    );
    const client = await connect(port);
    await until(() => connections.size === 1, 'the client is connected');
    connections.abort('the test ends');
    await client.closed();
    expect([faults.length, connections.size]).toEqual([1, 0]);
  });

  test('it throws when the client has finished', async () => {
    const { port, faults } = serveProtocol(broken({ ended: fail }));
    const client = await connect(port);
    client.finish();
    await client.closed();
    expect(faults).toHaveLength(1);
  });

  test('it throws when its time-out has passed', async () => {
    const { port, faults } = serveProtocol((channel) => {
      channel.setTimeout(1);
      return broken({ expired: fail })(channel);
    });
    const client = await connect(port);
    await client.closed();
    expect(faults).toHaveLength(1);
  });

  test('it throws in every call', async () => {
    const { port, faults, connections } = serveProtocol(
      broken({ receive: fail, aborted: fail, closed: fail, ended: fail, ending: fail, stop: fail }),
    );
    const client = await connect(port);
    client.send('x');
    await client.closed();
    expect(faults).toHaveLength(1);
    expect(connections.size).toBe(0);
  });

  test('it throws when it is made', async () => {
    const { port, faults, connections } = serveProtocol(fail);
    // The client may see the reset already when it sends.
    await connect(port).then(
      (client) => client.closed(),
      () => {},
    );
    await until(() => faults.length > 0, 'the fault was reported');
    expect(faults).toHaveLength(1);
    expect(connections.size).toBe(0);
  });

  test('two replace each other and use nothing', () => {
    const swap = (channel: Channel): Protocol =>
      Object.assign(new Lines(channel), {
        receive: (_bytes: Buffer, start: number): number => {
          channel.speak(swap);
          return start;
        },
      });
    return expectFault(swap, 'x', /replaced each other/);
  });
});

describe('a channel that is used after the close', () => {
  test.each([
    ['a time-out', (channel: Channel): void => channel.setTimeout(0)],
    ['another protocol', (channel: Channel): void => channel.speak((next) => new Lines(next))],
  ])('ends its lingering connection in time: %s', async (_what, use) => {
    const channels: Channel[] = [];
    class Ending extends Lines {
      override receive(_bytes: Buffer, _start: number, end: number): number {
        channels.push(this.channel);
        this.channel.finish(true);
        return end;
      }
    }
    const { port, connections } = serveProtocol((channel) => new Ending(channel), { timeouts: { lingerMs: 300 } });
    const client = await connect(port);
    client.send('x');
    await until(() => connections.lingering === 1, 'the connection lingers');
    for (const channel of channels) use(channel);
    await until(() => connections.size === 0, 'the connection is closed');
  });

  test('makes no protocol whose closed() would never be called', async () => {
    const channels: Channel[] = [];
    const { port, connections, faults } = serveProtocol((channel) => {
      channels.push(channel);
      return new Lines(channel);
    });
    const client = await connect(port);
    await client.send('bye\n').closed();
    await until(() => connections.size === 0, 'the connection is closed');
    let made = 0;
    channels[0]?.speak((channel) => {
      made++;
      return new Lines(channel);
    });
    expect([channels.length, made, faults.length]).toEqual([1, 0, 0]);
  });
});

test('a client for which there is no room gets the refusal of its protocol', async () => {
  const { port, connections } = serveProtocol((channel) => new Lines(channel), { limits: { maxConnections: 1 } });
  const first = await connect(port);
  await until(() => connections.size === 1, 'the first client is connected');
  const second = await connect(port);
  expect(await second.readUntil('\n')).toMatch(/^503 too many connections: maxConnections/);
  await second.closed();
  expect(await first.send('one\n').readUntil('\n')).toBe('ONE\n');
});
