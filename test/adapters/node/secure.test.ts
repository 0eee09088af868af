// Runs the same servers of node:https and of this adapter, and compares what applications see of TLS.

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import https, { type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import {
  createSecureServer,
  EpollHttpsServer,
  EpollSecureServerClass,
  reportNativeServers,
} from '../../../src/node/secure-server.ts';
import { createServer } from '../../../src/node.ts';
import { issueCertificate } from '../../../src/tls/issued-certificate.ts';
import { makeKey, makePair, ownPair } from '../../support/certificates.ts';
import { get } from '../../support/client.ts';

const AUTHORITY = { name: 'an authority', key: makeKey() };
const CA = issueCertificate({ ...AUTHORITY, notAfter: new Date(Date.now() + 1e9), isAuthority: true });
const KNOWN = makePair(['a client'], { issuer: AUTHORITY });
const UNKNOWN = makePair(['another client']);
/** Its issuer has the name of the authority, and another key. */
const FORGED = makePair(['a client'], { issuer: { ...AUTHORITY, key: makeKey() } });

/** What an application asks a socket for. */
function seen({ socket }: IncomingMessage): object {
  // Servers of node:https and ours have sockets with these members.
  const secure = socket as TLSSocket & { readonly servername?: unknown };
  const { encrypted, authorized, authorizationError, alpnProtocol, servername } = secure;
  const { subject, fingerprint256, valid_to: validTo, raw } = secure.getPeerCertificate();
  const certificate = { subject: { ...subject }, fingerprint256, validTo, size: raw?.length };
  // Which of the ciphers is chosen is up to the server.
  const negotiated = [secure.getProtocol(), Object.keys(secure.getCipher()), secure.isSessionReused()];
  const peer = secure.getPeerX509Certificate()?.subject;
  return { encrypted, authorized, authorizationError, alpnProtocol, servername, certificate, negotiated, peer };
}

/** Starts a server, and returns what a client gets from it. */
async function ask(create: typeof https.createServer, options: ServerOptions, client: ConnectionOptions) {
  const events: string[] = [];
  const server = create({ ...ownPair(), ...options }, (request, response) => {
    response.end(JSON.stringify(seen(request)));
  });
  server.on('secureConnection', (socket) => events.push(`secureConnection ${socket.encrypted}`));
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  // Its port is that of a TCP server.
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', ca: ownPair().cert, servername: 'localhost', ...client });
  onTestFinished(() => void socket.destroy());
  socket.write(get('/', 'Connection: close'));
  let received = '';
  for await (const data of socket) received += data;
  return [...events, received.replace(/Date: [^\r]*/, 'Date: *')];
}

const CLIENTS: Readonly<Record<string, readonly [ServerOptions, ConnectionOptions]>> = {
  'no certificate is asked for': [{}, { ALPNProtocols: ['http/1.1'] }],
  'neither a name nor a protocol is asked for': [{}, { servername: '', checkServerIdentity: () => undefined }],
  'TLS 1.2': [{ minVersion: 'TLSv1.2' }, { maxVersion: 'TLSv1.2' }],
  'a certificate is accepted': [{ requestCert: true, ca: CA }, KNOWN],
  'there is no certificate': [{ requestCert: true, rejectUnauthorized: false, ca: [CA] }, {}],
  'a certificate is not accepted': [{ requestCert: true, rejectUnauthorized: false, ca: Buffer.from(CA) }, UNKNOWN],
  'a certificate has a forged signature': [{ requestCert: true, rejectUnauthorized: false, ca: CA }, FORGED],
  'keys are objects': [{ key: [{ pem: ownPair().key }], cert: [ownPair().cert] }, {}],
};

test.each(Object.entries(CLIENTS))('%s: the same as on node:https', async (_name, [options, client]) => {
  const theirs = await ask(https.createServer, options, client);
  expect(await ask(createSecureServer, options, client)).toEqual(theirs);
  expect(theirs.join()).toContain('"encrypted":true');
});

test('createServer of epoll-server/node speaks TLS with a certificate, and refuses options that it does not have', async () => {
  expect((await ask(createServer, {}, {})).at(-1)).toContain('"encrypted":true');
  const serverNameCallback = { ...ownPair(), SNICallback: () => {} };
  expect(() => createServer(serverNameCallback)).toThrow('the option SNICallback is not supported');
});

test("a server that TLS of this one cannot serve stays Node's, and the reason is reported", () => {
  const problems: string[] = [];
  reportNativeServers((problem) => problems.push(problem));
  onTestFinished(() => reportNativeServers(() => {}));
  const servers = [{ ALPNProtocols: ['h2'] }, { maxVersion: 'TLSv1.2' as const }, { minVersion: 'TLSv1.1' as const }]
    .map((options) => createSecureServer({ ...ownPair(), ...options }))
    .concat(createSecureServer(), new EpollSecureServerClass({ requestCert: true, ...ownPair() }));
  for (const server of servers) {
    expect(server).not.toBeInstanceOf(EpollHttpsServer);
    expect(server).toBeInstanceOf(EpollSecureServerClass);
  }
  expect(problems).toEqual([
    'the ALPN protocol h2 is not supported',
    'the option maxVersion is not supported',
    'minVersion TLSv1.1 is not supported',
    'there is no cert and key',
    'requestCert without ca is not supported',
  ]);
  expect(() => createSecureServer({ cert: 'no certificate', key: 'no key' })).toThrow();
});

const FAILING: Readonly<Record<string, readonly [ServerOptions, (socket: Socket) => void, code: string | null]>> = {
  'ends before its first byte': [{}, (socket) => socket.end(), null],
  'ends within its first message': [{}, (socket) => socket.end(Buffer.from([22, 3, 1, 0])), null],
  'sends nothing': [{ handshakeTimeout: 20 }, () => {}, null],
  // OpenSSL has a code for each reason.
  'breaks the rules': [{}, (socket) => socket.write(Buffer.from([22, 3, 1, 0, 4, 9, 9, 9, 9])), 'EPROTO'],
};

/** What an application sees of a client that does not finish its handshake. */
async function seenOfFailure(
  create: typeof https.createServer,
  options: ServerOptions,
  fail: (socket: Socket) => void,
) {
  const server = create({ ...ownPair(), ...options });
  onTestFinished(() => void server.close());
  const events: unknown[] = [];
  server.on('clientError', (error) => events.push('clientError', Reflect.get(error, 'code')));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  // Its port is that of a TCP server.
  const { port } = server.address() as AddressInfo;
  const client = connectPlain(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void client.destroy());
  client.on('connect', () => fail(client));
  const [error, socket] = await once(server, 'tlsClientError');
  return { events: [...events, 'tlsClientError', error.code], socket };
}

test.each(Object.entries(FAILING))("'tlsClientError' of a client that %s", async (_name, [options, fail, code]) => {
  const [theirs, ours] = await Promise.all([
    seenOfFailure(https.createServer, options, fail),
    seenOfFailure(createSecureServer, options, fail),
  ]);
  expect(ours.events).toEqual(code === null ? theirs.events : ['clientError', code, 'tlsClientError', code]);
  expect([ours.socket.destroyed, ours.socket.remoteAddress]).toEqual([true, '127.0.0.1']);
});

test('setSecureContext replaces the certificate of new connections', async () => {
  const server = createSecureServer(ownPair(), (_request, response) => response.end());
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  // Its port is that of a TCP server.
  const { port } = server.address() as AddressInfo;
  const nameOf = async (): Promise<unknown> => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    onTestFinished(() => void socket.destroy());
    await once(socket, 'secureConnect');
    return socket.getPeerCertificate().subject.CN;
  };
  expect(await nameOf()).toBe('localhost');
  server.setSecureContext(makePair(['renewed']));
  expect(await nameOf()).toBe('renewed');
  expect(() => server.setSecureContext({ ...makePair(['a']), key: ownPair().key })).toThrow('is not the key of');
  expect(await nameOf()).toBe('renewed');
});
