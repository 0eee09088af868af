// Tests a server that speaks TLS with the clients of node:tls: what is negotiated, how it ends, and what applications see.

import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { connect as connectPlain, type Socket } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Handler, TlsConnection } from '../../src/http/handler.ts';
import { issueCertificate } from '../../src/tls/issued-certificate.ts';
import { keyText, makeKey, makePair, ownPair } from '../support/certificates.ts';
import { Client, connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { echo, start } from '../support/serving.ts';
import { until } from '../support/until.ts';

const NOT_AFTER = new Date(Date.now() + 864_000_000);

/** Connects and waits for the end of the handshake. Certificates are not verified unless the options say so. */
async function secured(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** The client of a socket, to send requests. */
async function client(port: number, options: ConnectionOptions = {}): Promise<Client> {
  return new Client(await secured(port, options));
}

async function failure(port: number, options: ConnectionOptions): Promise<string> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  onTestFinished(() => void socket.destroy());
  // In TLS 1.3 the server rejects a client's certificate after the client has finished.
  socket.on('secureConnect', () => socket.write(get('/')));
  return new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on('end', () => resolve('end'));
  });
}

const tls = ownPair();

test('a request over TLS is answered, and the handler sees how it is encrypted', async () => {
  let seen: TlsConnection | null = null;
  const { port, server } = await start({
    tls,
    handler: (request, response) => {
      seen = request.tls;
      response.send(200, {}, `${request.scheme} ${request.path}`);
    },
  });
  expect(server.url.href).toBe(`https://127.0.0.1:${port}/`);
  const one = await client(port, { servername: 'LocalHost', ALPNProtocols: ['h2', 'http/1.1'] });
  expect((await one.send(get('/a')).readResponse()).text).toBe('https /a');
  expect(seen).toMatchObject({
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
    alpnProtocol: 'http/1.1',
    serverName: 'localhost',
    isResumed: false,
    certificate: null,
    authorizationError: '',
  });
  // All requests of the connection have the same object.
  expect(Object.isFrozen(seen)).toBe(true);
  expect(server.stats().tls).toMatchObject({ handshakes: 1, resumptions: 0, timeouts: 0 });
});

test('environ and the info of fetch have it too', async () => {
  const wsgi = await start({
    tls,
    wsgi: (environ, begin) => {
      begin('200 OK', []);
      return [`${environ['wsgi.url_scheme']} ${environ.HTTPS} ${environ['epoll_server.tls']?.protocol}`];
    },
  });
  expect((await (await client(wsgi.port)).send(get('/')).readResponse()).text).toBe('https on TLSv1.3');
  const fetched = await start({
    tls,
    fetch: (request, info) => new Response(`${request.url} ${info.tls?.protocol}`),
  });
  expect((await (await client(fetched.port)).send(get('/x')).readResponse()).text).toBe('https://a/x TLSv1.3');
  const plain = await start({
    wsgi: (environ, begin) => {
      begin('200 OK', []);
      return [`${environ.HTTPS} ${environ['epoll_server.tls']} ${'HTTPS' in environ}`];
    },
  });
  expect((await (await connect(plain.port)).send(get('/')).readResponse()).text).toBe('undefined null false');
});

test('TLS 1.2 and 1.3 are spoken, older versions and weak ciphers are not', async () => {
  const { port, server } = await start({ tls, handler: echo });
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    expect((await secured(port, { minVersion: version, maxVersion: version })).getProtocol()).toBe(version);
  }
  const ciphers = 'DEFAULT@SECLEVEL=0';
  expect(await failure(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers })).toMatch(/PROTOCOL_VERSION/);
  expect(await failure(port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' })).toMatch(
    /HANDSHAKE_FAILURE/,
  );
  expect(await failure(port, { ALPNProtocols: ['h2'] })).toMatch(/NO_APPLICATION_PROTOCOL/);
  await until(() => server.stats().tls?.failures.alpn === 1, 'all failures are counted');
  expect(server.stats().tls?.failures).toMatchObject({ version: 1, cipher: 1, alpn: 1 });
  const only13 = await start({ tls: { ...tls, minVersion: 'TLSv1.3' }, handler: echo });
  expect(await failure(only13.port, { maxVersion: 'TLSv1.2' })).toMatch(/PROTOCOL_VERSION/);
});

test('a client that wants to negotiate again is told that it cannot', async () => {
  const { port, server } = await start({ tls, handler: echo });
  const socket = await secured(port, { maxVersion: 'TLSv1.2' });
  const failed = once(socket, 'error');
  socket.renegotiate({ rejectUnauthorized: false }, () => {});
  expect((await failed)[0]).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' });
  expect(server.stats().tls).toMatchObject({ handshakes: 1, failures: { renegotiation: 1, other: 0 } });
});

test('the certificate is chosen by server name, wildcards included, and by the type of key', async () => {
  const wildcard = makePair(['*.example.org']);
  const exact = makePair(['www.example.org']);
  const rsa = makePair(['localhost'], { key: makeKey('rsa') });
  const { port } = await start({ tls: [tls, rsa, wildcard, exact], handler: echo });
  const subjectFor = async (servername: string, options: ConnectionOptions = {}): Promise<unknown> => {
    const socket = await secured(port, { servername, ...options });
    return new X509Certificate(socket.getPeerCertificate().raw).fingerprint256;
  };
  const fingerprint = (pair: { cert: string }): string => new X509Certificate(pair.cert).fingerprint256;
  expect(await subjectFor('a.example.org')).toBe(fingerprint(wildcard));
  expect(await subjectFor('WWW.example.org')).toBe(fingerprint(exact));
  for (const name of ['a.b.example.org', 'example.org', 'localhost', 'other']) {
    expect(await subjectFor(name)).toBe(fingerprint(tls));
  }
  const sigalgs = 'RSA-PSS+SHA256:RSA+SHA256';
  expect(await subjectFor('localhost', { sigalgs })).toBe(fingerprint(rsa));
  expect(await subjectFor('localhost', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' })).toBe(
    fingerprint(rsa),
  );
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)('a session of %s is resumed, and the handler knows', async (version) => {
  const { port, server } = await start({
    tls,
    handler: (request, response) => response.send(200, {}, String(request.tls?.isResumed)),
  });
  const options = { minVersion: version, maxVersion: version };
  let session: Buffer | undefined;
  const first = await secured(port, options);
  first.on('session', (each) => {
    session = each;
  });
  expect((await new Client(first).send(get('/')).readResponse()).text).toBe('false');
  if (version === 'TLSv1.2') session = first.getSession();
  await until(() => session !== undefined, 'a ticket has arrived');
  const again = await client(port, { ...options, session });
  expect((await again.send(get('/')).readResponse()).text).toBe('true');
  expect(server.stats().tls).toMatchObject({ handshakes: 2, resumptions: 1 });
});

test('a plaintext request gets a sentence, and TLS where plaintext is spoken is closed and counted', async () => {
  const { port, server, connect: enter } = await start({ tls, handler: echo });
  const answer = await (await enter()).send(get('/')).readResponse();
  expect([answer.status, answer.text]).toEqual([
    400,
    '400 Bad Request: this port speaks HTTPS, and the request came without TLS: use https:// in the address\n',
  ]);
  expect(server.stats().tls?.failures.plaintext).toBe(1);
  expect(server.stats().requests.handled).toBe(0);
  expect((await (await client(port)).send(get('/')).readResponse()).status).toBe(200);
  const plain = await start({ handler: echo });
  expect(await failure(plain.port, {})).not.toBe('');
  expect(plain.server.stats().connections.misdirected).toBe(1);
});

test('the beginning of a handshake behind a request, or within TLS, is a malformed request', async () => {
  const hello = '\x16\x03\x01\x00\x01\x01\r\n\r\n';
  const plain = await start({ handler: echo });
  for (const requests of [get('/'), get('/') + get('/')]) {
    const answers = await (await plain.connect()).send(requests + hello).readAll();
    expect(
      answers
        .toString('latin1')
        .match(/HTTP\/1\.1 \d+/g)
        ?.at(-1),
    ).toBe('HTTP/1.1 400');
  }
  const later = await plain.connect();
  await later.send(get('/')).readResponse();
  expect((await later.send(hello).readResponse()).status).toBe(400);
  expect(plain.server.stats().connections.misdirected).toBe(0);
  const { port, server } = await start({ tls, handler: echo });
  expect((await (await client(port)).send(hello).readResponse()).status).toBe(400);
  expect(server.stats().connections.misdirected).toBe(0);
});

/** A ClientHello of TLS 1.2 whose only cipher suite is RC4. */
const NOTHING_IN_COMMON = Buffer.from(
  `160301003f 0100003b 0303 ${'11'.repeat(32)} 00 00020005 0100 0010 000a00040002001d 000d000400020403`.replaceAll(
    ' ',
    '',
  ),
  'hex',
);

test.each([0, 200_000])('an alert reaches a client that sends %d more bytes', async (more) => {
  const { connect: enter, server } = await start({ tls, handler: echo });
  const raw = (await enter()).send(Buffer.concat([NOTHING_IN_COMMON, Buffer.alloc(more)]));
  // handshake_failure (RFC 8446 section 6).
  expect((await raw.readBytes(7)).toString('hex')).toBe('15030300020228');
  // Node.js takes an RST behind bytes for FIN, so the server is asked.
  await until(() => server.stats().connections.lingering === 1, 'the server reads on');
  expect(await raw.finish().closed()).toBe('fin');
  await until(() => server.stats().connections.open === 0, 'the connection is closed');
  expect(server.stats().tls?.failures.cipher).toBe(1);
});

test('the server ends with close_notify, and a FIN without one is not the end of the stream', async () => {
  const events: string[] = [];
  const { port, server } = await start({
    tls,
    handler: (request, response) => {
      request.whenGone(() => events.push('gone'));
      if (request.path === '/wait') return request.body.bytes().then(() => response.send(200));
      return response.send(200, {}, 'x');
    },
  });
  const one = await client(port);
  await one.send(get('/', 'Connection: close')).readResponse();
  expect(await one.closed()).toBe('fin');
  // The socket below ends, and the client never says so within TLS.
  const raw = connectPlain({ port, host: '127.0.0.1', allowHalfOpen: true });
  const cut = connectTls({ socket: raw, rejectUnauthorized: false });
  onTestFinished(() => void raw.destroy());
  cut.on('error', () => {});
  await once(cut, 'secureConnect');
  cut.write('POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc');
  await until(() => server.stats().requests.handled === 2, 'the request was seen');
  raw.end();
  await until(() => events.includes('gone'), 'the request ends as with a reset');
  expect(server.stats().requests.aborted).toBe(1);
});

test('what a client sends behind its last response is not answered with RST', async () => {
  const { server, port } = await start({ handler: echo, tls });
  const socket = await secured(port, { socket: connectPlain({ port, host: '127.0.0.1', allowHalfOpen: true }) });
  socket.resume().write(get('/', 'Connection: close'));
  await once(socket, 'end');
  expect(server.stats().connections.lingering).toBe(1);
  socket.end();
  await until(() => server.stats().connections.open === 0, 'the connection is closed');
});

test('an unfinished handshake is closed in time, and the oldest one beyond the limit', async () => {
  const { port, server } = await start({ tls, handler: echo, timeouts: { handshakeMs: 100 } });
  const silent = await connect(port);
  await silent.closed();
  expect(server.stats().tls?.timeouts).toBe(1);
  const few = await start({ tls, handler: echo, limits: { maxHandshakes: 2 } });
  const waiting: Client[] = [];
  for (let i = 0; i < 3; i++) waiting.push(await connect(few.port));
  await waiting[0]?.closed();
  expect(few.server.stats()).toMatchObject({ tls: { timeouts: 1 }, connections: { open: 2 } });
  // Clients that have finished theirs do not count.
  const established = [await client(few.port), await client(few.port), await client(few.port)];
  for (const each of established) expect((await each.send(get('/')).readResponse()).status).toBe(200);
});

test('a client for which there is no room gets its refusal over TLS', async () => {
  const { port } = await start({ tls, handler: echo, limits: { maxConnections: 1 } });
  const first = await client(port);
  expect((await first.send(get('/')).readResponse()).status).toBe(200);
  expect((await (await client(port)).send(get('/')).readResponse()).status).toBe(503);
});

test('certificates of clients are required or optional, and applications see them', async () => {
  const authority = { name: 'an authority', key: makeKey() };
  const ca = issueCertificate({ ...authority, notAfter: NOT_AFTER, isAuthority: true });
  const known = makePair(['a client'], { issuer: authority });
  const unknown = makePair(['another client']);
  const handler: Handler = (request, response) => {
    const { certificate = null, authorizationError = '' } = request.tls ?? {};
    const name = certificate === null ? 'nobody' : new X509Certificate(certificate).subject;
    response.send(200, {}, `${name} ${authorizationError}`);
  };
  const strict = await start({ tls: { ...tls, ca, requestCert: true }, handler });
  expect((await (await client(strict.port, known)).send(get('/')).readResponse()).text).toBe('CN=a client ');
  expect(await failure(strict.port, {})).toMatch(/CERTIFICATE_REQUIRED/);
  expect(await failure(strict.port, unknown)).toMatch(/UNKNOWN_CA|BAD_CERTIFICATE|ALERT/);
  await until(() => strict.server.stats().tls?.failures.clientCertificate === 2, 'both are counted');
  const lenient = await start({ tls: { ...tls, ca, requestCert: true, rejectUnauthorized: false }, handler });
  expect((await (await client(lenient.port)).send(get('/')).readResponse()).text).toBe('nobody ');
  expect((await (await client(lenient.port, unknown)).send(get('/')).readResponse()).text).toMatch(
    /^CN=another client self.signed certificate$/,
  );
});

test('a session ticket that needs several records is followed by the response', async () => {
  const hosts = Array.from({ length: 1_000 }, (_, number) => `a-long-name-of-number-${number}.example.org`);
  const options = { tls: { ...tls, requestCert: true, rejectUnauthorized: false }, handler: echo };
  const { port } = await start(options);
  const socket = await secured(port, makePair(hosts));
  expect((await new Client(socket).send(get('/')).readResponse()).status).toBe(200);
  // The ticket has all of the session, and that the certificate.
  const session = socket.getSession();
  expect(session?.length).toBeGreaterThan(32_768);
  const resumed = await client(port, { session });
  expect((await resumed.send(get('/')).readResponse()).status).toBe(200);
});

test('a new pair is used for new handshakes without a restart, and a bad one is not', async () => {
  const log: string[] = [];
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => log.push(String(text)) > 0);
  onTestFinished(() => write.mockRestore());
  const root = await folder({ 'live/a/fullchain.pem': tls.cert, 'live/a/privkey.pem': tls.key });
  const { port, server } = await start({ tls: root, handler: echo });
  const old = await client(port);
  const replace = async (pair: { cert: string; key: string }): Promise<void> => {
    for (const [name, text] of [
      ['fullchain', pair.cert],
      ['privkey', pair.key],
    ] as const) {
      await writeFile(join(root, 'new.pem'), text);
      await rename(join(root, 'new.pem'), join(root, `live/a/${name}.pem`));
    }
  };
  await replace({ cert: tls.cert, key: keyText(makeKey()) });
  await until(() => log.join('').includes('the old one stays'), 'the bad pair was refused');
  const fingerprint = async (): Promise<string> => (await secured(port)).getPeerCertificate().fingerprint256;
  expect(await fingerprint()).toBe(new X509Certificate(tls.cert).fingerprint256);
  const renewed = makePair(['localhost']);
  await replace(renewed);
  await until(() => log.join('').includes('renewed '), 'the new pair is in use');
  expect(await fingerprint()).toBe(new X509Certificate(renewed.cert).fingerprint256);
  expect((await old.send(get('/')).readResponse()).status).toBe(200);
  expect(server.stats().tls?.handshakes).toBe(3);
  expect(log).toHaveLength(2);
});

test('a pair that cannot be used keeps no other from being renewed', async () => {
  const log: string[] = [];
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => log.push(String(text)) > 0);
  onTestFinished(() => write.mockRestore());
  const pairs = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, makePair([`${name}.test`])]));
  const root = await folder(
    Object.fromEntries(
      Object.entries(pairs).flatMap(([name, { cert, key }]) => [
        [`live/${name}/fullchain.pem`, cert],
        [`live/${name}/privkey.pem`, key],
      ]),
    ),
  );
  const at = (name: string): string => join(root, 'live', name);
  const { port } = await start({ tls: root, handler: echo });
  const served = async (name: string): Promise<string> =>
    (await secured(port, { servername: `${name}.test` })).getPeerCertificate().fingerprint256;
  const print = ({ cert }: { cert: string }): string => new X509Certificate(cert).fingerprint256;
  const renewed = makePair(['b.test']);
  await writeFile(join(at('a'), 'privkey.pem'), keyText(makeKey()));
  await writeFile(join(at('b'), 'privkey.pem'), renewed.key);
  await writeFile(join(at('b'), 'fullchain.pem'), renewed.cert);
  await rm(at('c'), { recursive: true });
  await mkdir(at('d'));
  await writeFile(join(at('d'), 'fullchain.pem'), makePair(['d.test']).cert);
  await writeFile(join(at('d'), 'privkey.pem'), '');
  await until(() => log.join('').includes('renewed '), 'the good pair is in use');
  expect(await served('a')).toBe(print(pairs['a'] ?? renewed));
  expect(await served('b')).toBe(print(renewed));
  // The default of the server is its first certificate.
  expect(await served('c')).toBe(await served('a'));
  expect(
    log.map((line) =>
      line
        .replaceAll(`${root}/live/`, '')
        .replace(/ \(valid.*/s, '')
        .trimEnd(),
    ),
  ).toEqual([
    'epoll-server: a certificate is not renewed, and the old one stays: a/privkey.pem is not the key of a/fullchain.pem',
    'epoll-server: a new certificate is not used: d/privkey.pem is not PEM: it has no line -----BEGIN',
    'epoll-server: renewed b/fullchain.pem for b.test',
    'epoll-server: no longer used: c/fullchain.pem for c.test',
  ]);
});

test('a session with an authority that was replaced is not resumed', async () => {
  const [old, other] = [makeKey(), makeKey()];
  const issuer = { name: 'one authority', key: old };
  const authority = (key: typeof old): string =>
    issueCertificate({ name: issuer.name, key, notAfter: NOT_AFTER, isAuthority: true });
  const known = makePair([], { issuer });
  const root = await folder({ 'ca.pem': authority(old) });
  const log: string[] = [];
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => log.push(String(text)) > 0);
  onTestFinished(() => write.mockRestore());
  const { port } = await start({
    tls: { ...tls, ca: join(root, 'ca.pem'), requestCert: true },
    handler: (request, response) => response.send(200, {}, String(request.tls?.isResumed)),
  });
  let session: Buffer | undefined;
  const first = await secured(port, known);
  first.on('session', (each) => {
    session = each;
  });
  expect((await new Client(first).send(get('/')).readResponse()).text).toBe('false');
  await until(() => session !== undefined, 'a ticket has arrived');
  expect((await (await client(port, { ...known, session })).send(get('/')).readResponse()).text).toBe('true');
  await writeFile(join(root, 'ca.pem'), authority(other));
  await until(() => log.join('').includes('renewed the authorities of clients'), 'the new authority is in use');
  expect(await failure(port, { ...known, session })).toMatch(/UNKNOWN_CA|DECRYPT_ERROR|BAD_CERTIFICATE/);
});

test('renewal does not wait for a disk on the loop', async () => {
  const log: string[] = [];
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => log.push(String(text)) > 0);
  onTestFinished(() => write.mockRestore());
  const root = await folder({ 'cert.pem': tls.cert, 'key.pem': tls.key });
  const [cert, key, pipe] = [join(root, 'cert.pem'), join(root, 'key.pem'), join(root, 'pipe')];
  const { port } = await start({ tls: { cert, key }, handler: echo });
  const one = await client(port);
  execFileSync('mkfifo', [pipe]);
  // All threads of the pool wait for a writer of this named pipe, as on a disk that hangs (fifo(7)).
  const readers = Array.from({ length: Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) }, () => open(pipe, 'r'));
  const renewed = makePair(['localhost']);
  writeFileSync(key, renewed.key);
  writeFileSync(cert, renewed.cert);
  const endMs = Date.now() + 4_500;
  while (Date.now() < endMs) expect((await one.send(get('/while')).readResponse()).text).toBe('GET /while');
  expect(log.join('')).toBe('');
  const writer = openSync(pipe, constants.O_RDWR);
  for (const reader of readers) await (await reader).close();
  closeSync(writer);
  await until(() => log.join('').includes('renewed '), 'the new pair is in use');
});

test('a pair that is not valid yet is used as soon as it is, and reported once before', async () => {
  const log: string[] = [];
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => log.push(String(text)) > 0);
  onTestFinished(() => write.mockRestore());
  const root = await folder({ 'cert.pem': tls.cert, 'key.pem': tls.key });
  const [cert, key] = [join(root, 'cert.pem'), join(root, 'key.pem')];
  const { port } = await start({ tls: { cert, key }, handler: echo });
  const later = makePair(['localhost'], { notBefore: new Date(Date.now() + 86_400_000) });
  await writeFile(key, later.key);
  await writeFile(cert, later.cert);
  await until(() => log.join('').includes('is not valid before'), 'the new pair is reported');
  const { now } = Date;
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + 2 * 86_400_000);
  onTestFinished(() => clock.mockRestore());
  await until(() => log.join('').includes('renewed '), 'the new pair is in use');
  expect(log.join('').match(/is not valid before|: renewed/g)).toEqual(['is not valid before', ': renewed']);
  const { fingerprint256 } = (await secured(port)).getPeerCertificate();
  expect(fingerprint256).toBe(new X509Certificate(later.cert).fingerprint256);
});

test('a certificate that expires soon is reported', async () => {
  const log: string[] = [];
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => log.push(String(text)) > 0);
  onTestFinished(() => write.mockRestore());
  await start({ tls: makePair(['a.test'], { notAfter: new Date(Date.now() + 3.5 * 86_400_000) }), handler: echo });
  expect(log.join('')).toMatch(
    /^epoll-server: the certificate expires in 3 days: the certificate for a\.test \(valid until/,
  );
});

test('plain HTTP is redirected, except for ACME challenges; HSTS is sent over TLS only', async () => {
  const root = await folder({ '.well-known/acme-challenge/token': 'proof', 'index.html': 'page' });
  const { server, port } = await start({ tls, static: root, httpsRedirect: 0, hsts: true });
  const redirectPort = Number(server.urls[1]?.port);
  const plain = await connect(redirectPort);
  const moved = await plain.send('GET /x?y=1 HTTP/1.1\r\nHost: example.org:99\r\n\r\n').readResponse();
  expect([moved.status, moved.field('location'), moved.field('strict-transport-security')]).toEqual([
    308,
    `https://example.org:${port}/x?y=1`,
    undefined,
  ]);
  expect((await plain.send(get('/.well-known/acme-challenge/token')).readResponse()).text).toBe('proof');
  const secure = await (await client(port)).send(get('/')).readResponse();
  expect([secure.text, secure.field('strict-transport-security')]).toEqual(['page', 'max-age=31536000']);
});

test('plain HTTP leads to HTTPS for every target and host, and serves tokens of ACME alone', async () => {
  const challenges = '.well-known/acme-challenge';
  const root = await folder({ [`${challenges}/token-_1`]: 'proof', [`${challenges}/a/b`]: 'below', 'x.html': 'x' });
  const { server, port } = await start({ tls, static: { root, listing: true }, httpsRedirect: 0 });
  const plain = await connect(Number(server.urls[1]?.port));
  const answered = async (method: string, target: string, host = 'a.test'): Promise<string> => {
    const sent = plain.send(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const { status, field } = await sent.readResponse({ head: method === 'HEAD' });
    return `${status} ${field('location') ?? ''}`.replace(`:${port}`, ':TLS').trimEnd();
  };
  const served = [
    await answered('GET', `/${challenges}/token-_1`),
    await answered('HEAD', `/${challenges}/token-_1`),
    await answered('POST', `/${challenges}/token-_1`),
    await answered('GET', `/${challenges}/`),
    await answered('GET', `/${challenges}/a/b`),
    await answered('GET', `/${challenges}/../../x.html`),
    await answered('OPTIONS', '*'),
    await answered('GET', 'http://b.test:80/y?z'),
    await answered('GET', '//evil.test/', '[::1]:80'),
  ];
  expect(served).toEqual([
    '200',
    '200',
    `308 https://a.test:TLS/${challenges}/token-_1`,
    `308 https://a.test:TLS/${challenges}/`,
    `308 https://a.test:TLS/${challenges}/a/b`,
    `308 https://a.test:TLS/${challenges}/../../x.html`,
    '308 https://a.test:TLS',
    '308 https://b.test:TLS/y?z',
    '308 https://[::1]:TLS//evil.test/',
  ]);
});

test('keys are never served, wherever they lie', async () => {
  const root = await folder({ 'a.txt': 'a', 'key.pem': tls.key, 'cert.pem': tls.cert, 'live/a/privkey.pem': tls.key });
  await writeFile(join(root, 'live/a/fullchain.pem'), tls.cert);
  const pair = { cert: join(root, 'cert.pem'), key: join(root, 'key.pem') };
  const { port } = await start({ static: { root, listing: true }, tls: [pair, { folder: root }] });
  const each = await client(port);
  for (const [path, status] of [
    ['a.txt', 200],
    ['cert.pem', 200],
    ['key.pem', 404],
    ['live/a/privkey.pem', 404],
  ] as const) {
    expect([path, (await each.send(get(`/${path}`)).readResponse()).status]).toEqual([path, status]);
  }
  expect((await each.send(get('/')).readResponse()).text).not.toContain('key.pem');
});

test('a listener may speak plaintext beside one that speaks TLS', async () => {
  const { server } = await start({
    tls,
    listen: ['127.0.0.1:0', '127.0.0.1:0,tls=off'],
    handler: (request, response) => response.send(200, {}, request.scheme),
  });
  const [secure, plain] = server.urls.map(({ port }) => Number(port));
  expect((await (await client(secure ?? 0)).send(get('/')).readResponse()).text).toBe('https');
  expect((await (await connect(plain ?? 0)).send(get('/')).readResponse()).text).toBe('http');
});

test('records in single bytes, and garbage of every kind, end their own connection alone', async () => {
  const { port, server } = await start({ tls, handler: echo });
  const other = await client(port);
  const broken: readonly Buffer[] = [
    Buffer.from([0x16, 0x03, 0x01, 0xff, 0xff, 1, 2, 3]),
    Buffer.from([0x80, 0x2e, 1, 0, 2]),
    Buffer.alloc(600, 0x16),
    Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]),
    Buffer.alloc(70_000, 0),
  ];
  for (const bytes of broken) {
    const socket: Socket = connectPlain({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.end(bytes);
    socket.resume();
    await new Promise((resolve) => socket.on('close', resolve));
  }
  expect((await other.send(get('/z')).readResponse()).text).toBe('GET /z');
  expect(server.stats().requests.handled).toBe(1);
  expect(server.stats().tls?.timeouts).toBe(0);
  const { handshakes, failures } = server.stats().tls ?? { handshakes: 0, failures: {} };
  expect([handshakes, Object.values(failures).reduce((sum, each) => sum + each, 0)]).toEqual([1, broken.length]);
});
