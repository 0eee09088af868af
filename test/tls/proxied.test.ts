// Tests a listener with both `proxy` and TLS: the header of the PROXY protocol comes first, then the handshake.

import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import type { ServeOptions, Server } from '../../src/index.ts';
import { ownPair } from '../support/certificates.ts';
import { Client, connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { startCommand } from '../support/program.ts';
import { proxyHeaderOf } from '../support/proxy-headers.ts';
import { start } from '../support/serving.ts';
import { until } from '../support/until.ts';

const { line, binary } = proxyHeaderOf;
const V1 = line('TCP4 192.0.2.1 192.0.2.2 56324 443');
const V2 = binary(0x21, 0x11, [192, 0, 2, 1, 192, 0, 2, 2, 0xdc, 0x04, 1, 187]);
const CLIENT = '192.0.2.1 56324 https TLSv1.3';

async function startProxied(options: Partial<ServeOptions> = {}): Promise<{ server: Server; port: number }> {
  return start({
    listen: '127.0.0.1:0?proxy',
    trustedProxies: 'loopback',
    tls: ownPair(),
    handler: ({ remote, scheme, tls }, response) =>
      response.send(200, {}, `${remote.address} ${remote.port} ${scheme} ${tls?.protocol}`),
    ...options,
  });
}

interface Proxied {
  readonly client: Client;
  /** Resolves when the first bytes were sent. */
  readonly sent: Promise<void>;
  /** Sends the bytes that were held back. */
  release(): void;
}

/**
 * A client of TLS behind `header`, which leaves in one segment with its ClientHello. Of both, only `cut` bytes are sent
 * before {@link Proxied.release}.
 */
function behindProxy(port: number, header: Buffer, cut = Number.POSITIVE_INFINITY): Proxied {
  const raw = connectPlain(port, '127.0.0.1');
  onTestFinished(() => void raw.destroy());
  let isFirst = true;
  let release = (): void => {};
  let firstSent = (): void => {};
  const sent = new Promise<void>((resolve) => {
    firstSent = resolve;
  });
  const wire = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      if (!isFirst) {
        raw.write(chunk, done);
        return;
      }
      isFirst = false;
      const all = Buffer.concat([header, chunk]);
      raw.write(all.subarray(0, cut), firstSent);
      release = () => raw.write(all.subarray(cut), done);
      if (cut >= all.length) release();
    },
    final: (done) => void raw.end(done),
  });
  raw.on('data', (bytes) => wire.push(bytes));
  raw.on('end', () => wire.push(null));
  const client = new Client(connectTls({ socket: wire, rejectUnauthorized: false }));
  return { client, sent, release: () => release() };
}

test.each([
  ['version 1', V1],
  ['version 2', V2],
])('PROXY %s, the ClientHello in one segment with it', async (_name, header) => {
  const { port, server } = await startProxied();
  const { client } = behindProxy(port, header);
  for (let i = 0; i < 2; i++) expect((await client.send(get('/')).readResponse()).text).toBe(CLIENT);
  expect(server.stats()).toMatchObject({ connections: { unproxied: 0 }, tls: { handshakes: 1 } });
});

test.each(['epoll', 'poll', 'select', 'scan'])('both may arrive in pieces, cut anywhere: %s', async (backend) => {
  const { port, server } = await startProxied({ backend });
  const ends = [1, V1.length - 1, V1.length, V1.length + 1, V1.length + 5, V1.length + 100];
  const clients = ends.map((cut) => behindProxy(port, V1, cut));
  await Promise.all(clients.map(({ sent }) => sent));
  const bytes = ends.reduce((sum, cut) => sum + Math.min(cut, V1.length), 0);
  await until(() => server.stats().bytes.received >= bytes, 'the first pieces are received');
  for (const [index, { client, release }] of clients.entries()) {
    release();
    expect((await client.send(get('/')).readResponse()).text, `cut at ${ends[index]}`).toBe(CLIENT);
  }
});

test('a client that speaks plaintext behind the header gets 400', async () => {
  const { port, server } = await startProxied();
  const client = (await connect(port)).send(Buffer.concat([V1, Buffer.from(get('/'))]));
  const answer = await client.readResponse();
  expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('this port speaks HTTPS')]);
  expect(server.stats().tls?.failures.plaintext).toBe(1);
});

test('without a header nothing is answered, and no handshake begins', async () => {
  const { port, server } = await startProxied();
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'error');
  expect(server.stats()).toMatchObject({ connections: { unproxied: 1 }, tls: { handshakes: 0 } });
});

test('the limit of one address refuses its client behind the handshake', async () => {
  const { port, server } = await startProxied({ limits: { maxConnectionsPerAddress: 1 } });
  const first = behindProxy(port, V1).client;
  expect((await first.send(get('/')).readResponse()).status).toBe(200);
  expect((await behindProxy(port, V2).client.send(get('/')).readResponse()).status).toBe(503);
  const other = behindProxy(port, line('TCP4 192.0.2.9 192.0.2.2 1 443')).client;
  expect((await other.send(get('/')).readResponse()).status).toBe(200);
  expect(server.stats().connections.refused).toBe(1);
});

test.each(['iterative', 'coroutine'])('the model %s', async (model) => {
  const root = await folder({ 'public/index.html': 'page', 'cert.pem': ownPair().cert, 'key.pem': ownPair().key });
  const program = startCommand([
    ...[join(root, 'public'), '--model', model, '--trusted-proxies', 'loopback'],
    ...['--listen', '127.0.0.1:0?proxy', '--tls-cert', join(root, 'cert.pem'), '--tls-key', join(root, 'key.pem')],
  ]);
  const port = Number(await program.announced(/https:\/\/[^/]*:(\d+)\//m));
  const { client } = behindProxy(port, V2);
  expect((await client.send(get('/')).readResponse()).text).toBe('page');
});
