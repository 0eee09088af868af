// Tests where the address of a client comes from, that a protocol may replace it, and when it can be read after the
// close.

import { expect, onTestFinished, test } from 'vitest';
import type { Channel } from '../../src/connection/channel.ts';
import { Connection } from '../../src/connection/connection.ts';
import type { Protocol } from '../../src/connection/protocol.ts';
import type { ServeOptions } from '../../src/index.ts';
import { type Server, serveReactor } from '../../src/server/server.ts';
import { BACK_END } from '../support/back-end.ts';
import { serveProtocol } from '../support/channels.ts';
import { connect, get } from '../support/client.ts';
import { setupOf } from '../support/serving.ts';
import { until } from '../support/until.ts';

const LF = 0x0a;

/** Reads one line at a time. */
abstract class Lines implements Protocol {
  readonly wantsInput = true;
  readonly paused = false;
  readonly isBusy = false;
  protected readonly channel: Channel;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  /** Whether the next line is for this protocol, too. */
  protected abstract take(line: string): boolean;

  receive(bytes: Buffer, start: number, end: number): number {
    const lineEnd = bytes.subarray(start, end).indexOf(LF);
    if (lineEnd < 0) return start;
    const next = start + lineEnd + 1;
    const goesOn = this.take(bytes.toString('latin1', start, next - 1));
    return goesOn && next < end ? this.receive(bytes, next, end) : next;
  }

  ended(): void {
    this.channel.finish();
  }

  ending(): void {}
  drained(): void {}
  expired(): void {}
  stop(): void {}
  refuse(): void {}
  aborted(): void {}
  closed(): void {}
}

const PROXIED = { address: '192.0.2.9', port: 4_711 };

interface Watched {
  readonly server: Server;
  /** Every connection that was accepted. */
  readonly connections: Connection[];
}

/** A server that responds with the address of its client; `onConnect` is called before the first byte is read. */
async function serveAddresses(
  onConnect: (connection: Connection) => void,
  options: Omit<ServeOptions, 'handler'> = {},
): Promise<Watched> {
  const connections: Connection[] = [];
  const server = await serveReactor(
    setupOf({
      handler: (request, response) => response.send(200, {}, `${request.remote.address} ${request.remote.port}`),
      backend: BACK_END.name,
      port: 0,
      ...options,
    }),
    {
      connect: (context, fd, generation) => {
        const connection = new Connection(context, fd, generation);
        connections.push(connection);
        onConnect(connection);
        return connection;
      },
    },
  );
  onTestFinished(() => server.close({ now: true }));
  return { server, connections };
}

test('the address can be read after the close if it was read before', async () => {
  const { server, connections } = await serveAddresses(() => {});
  const [asking, silent] = [await connect(server.port ?? 0), await connect(server.port ?? 0)];
  const { localPort } = asking;
  expect((await asking.send(get('/')).readResponse()).text).toBe(`127.0.0.1 ${localPort}`);
  await until(() => connections.length === 2, 'both clients were accepted');
  for (const client of [asking, silent]) client.finish();
  for (const client of [asking, silent]) await client.closed();
  await until(() => server.stats().connections.open === 0, 'both connections were closed');
  const [read, unread] = connections;
  expect(read?.peer).toEqual({ address: '127.0.0.1', port: localPort });
  expect(() => unread?.peer, 'its descriptor may belong to another client').toThrow('while the connection is open');
});

test('an address replaced before the first request applies to all requests and the log', async () => {
  let log = '';
  const { server, connections } = await serveAddresses((connection) => connection.replacePeer(PROXIED), {
    log: {
      access: (text) => {
        log += text;
      },
    },
  });
  const client = await connect(server.port ?? 0);
  for (let i = 0; i < 2; i++) {
    expect((await client.send(get('/')).readResponse()).text).toBe(`${PROXIED.address} ${PROXIED.port}`);
  }
  client.finish();
  await client.closed();
  await until(() => server.stats().connections.open === 0, 'the connection was closed');
  expect(connections[0]?.peer).toEqual(PROXIED);
  expect(() => Object.assign(connections[0]?.peer ?? {}, { address: 'forged' })).toThrow(TypeError);
  expect(log.match(/^192\.0\.2\.9 - - /gm)).toHaveLength(2);
});

test('a closed connection counts for the address that connected, not for the one that replaced it', async () => {
  const { server } = await serveAddresses((connection) => connection.replacePeer(PROXIED), {
    limits: { maxConnectionsPerAddress: 1 },
  });
  for (let i = 0; i < 3; i++) {
    const client = await connect(server.port ?? 0);
    expect((await client.send(get('/')).readResponse()).text).toBe(`${PROXIED.address} ${PROXIED.port}`);
    client.finish();
    await client.closed();
    await until(() => server.stats().connections.open === 0, 'the connection was closed');
  }
  expect(server.stats().connections.refused).toBe(0);
});

/** Reads `FROM ADDRESS PORT`, as from a proxy, before the client's bytes to {@link Echo}. */
class From extends Lines {
  protected override take(line: string): boolean {
    const [, address = '', port = ''] = line.split(' ');
    this.channel.replacePeer({ address, port: Number(port) });
    this.channel.speak((channel) => new Echo(channel));
    return false;
  }
}

/** Sends the address of the client for each line. */
class Echo extends Lines {
  protected override take(): boolean {
    const { address, port } = this.channel.peer;
    this.channel.write(Buffer.from(`${address} ${port}\n`));
    return true;
  }
}

test('an address that a first protocol reads applies to the next one, for any split', async () => {
  for (const pieces of [['FROM 192.0.2.9 4711\nwho\nwho\n'], [...'FROM 192.0.2.9 4711\nwho\nwho\n']]) {
    const { port } = serveProtocol((channel) => new From(channel));
    const client = await connect(port);
    for (const piece of pieces) await client.send(piece).flushed();
    expect(await client.readUntil('\n')).toBe('192.0.2.9 4711\n');
    expect(await client.readUntil('\n')).toBe('192.0.2.9 4711\n');
  }
});
