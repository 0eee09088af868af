// Tests TLS of the command: every model and back end, workers that share ticket keys, and mistakes of operators.

import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { childrenOf } from '../models/models.ts';
import { keyText, makeKey, makePair, ownPair } from '../support/certificates.ts';
import { Client, connect, get } from '../support/client.ts';
import { oneProcess } from '../support/commands.ts';
import { folder } from '../support/folder.ts';
import { type Program, startCommand } from '../support/program.ts';
import { until } from '../support/until.ts';

const run = oneProcess();

/** A folder with a page and a pair; the arguments that serve it. */
async function site(): Promise<{ readonly root: string; readonly args: readonly string[] }> {
  const root = await folder({
    'public/index.html': 'page',
    'public/large.bin': Buffer.alloc(300_000, 7),
    'cert.pem': ownPair().cert,
    'key.pem': ownPair().key,
  });
  const [cert, key] = [join(root, 'cert.pem'), join(root, 'key.pem')];
  return { root, args: ['0', join(root, 'public'), '--tls-cert', cert, '--tls-key', key] };
}

function securePort(program: Program): Promise<string> {
  return program.announced(/^[a-z]+-server: https:\/\/[^/]*:(\d+)\//m);
}

async function secured(port: string, session?: Buffer): Promise<TLSSocket> {
  const socket = connectTls({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false, session });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** Some models serve one client after the other. */
async function peerCertificate(port: string): Promise<PeerCertificate> {
  const socket = await secured(port);
  const found = socket.getPeerCertificate();
  socket.destroy();
  return found;
}

const WAYS: readonly (readonly string[])[] = [
  ...['poll', 'select', 'scan'].map((name) => ['--backend', name]),
  ...['iterative', 'multiprocess', 'multithread', 'coroutine', 'nonblocking', 'select', 'poll'].map((name) => [
    '--model',
    name,
  ]),
  ['--model', 'multithread', '--workers', '1'],
  ['--offload', '1'],
  ['--watch'],
];

test.each(WAYS.map((way) => [way.join(' '), way] as const))('%s', async (_name, way) => {
  const { root, args } = await site();
  const app = ['--offload', '--watch'].includes(way[0] ?? '')
    ? ['--app', await application(root), '--adapter', 'raw']
    : [];
  const port = await securePort(startCommand([...args, ...way, ...app]));
  const client = new Client(await secured(port));
  expect((await client.send(get('/')).readResponse()).text).toBe('page');
  expect((await client.send(get('/large.bin')).readResponse()).content.length).toBe(300_000);
  const scheme = app.length > 0 ? 'https TLSv1.3' : undefined;
  if (scheme !== undefined) expect((await client.send(get('/scheme')).readResponse()).text).toBe(scheme);
  await client.send(get('/', 'Connection: close')).readResponse();
  expect(await client.closed()).toBe('fin');
});

async function application(root: string): Promise<string> {
  const file = join(root, 'app.mjs');
  const text =
    "export const handler = ({ scheme, tls }, response) => response.send(200, {}, scheme + ' ' + tls.protocol);";
  await writeFile(file, text);
  return `${file}:handler`;
}

test('workers share ticket keys, and one process reports for all', async () => {
  const { args } = await site();
  const program = startCommand([...args, '--workers', '2', '--log-format', 'json', '--access-log', '-']);
  const port = await securePort(program);
  const first = await secured(port);
  let session: Buffer | undefined;
  first.on('session', (each) => {
    session = each;
  });
  await new Client(first).send(get('/')).readResponse();
  await until(() => session !== undefined, 'a ticket has arrived');
  // The system gives these connections to both workers.
  for (let i = 0; i < 12; i++) {
    const again = await secured(port, session);
    expect(again.isSessionReused()).toBe(true);
    again.destroy();
  }
  await until(() => program.stdout.includes('"tls":"TLSv1.3","cipher":"TLS_AES_128_GCM_SHA256"'), 'the log has TLS');
  expect(program.stderr).toBe('');
});

test('a session is resumed by the next version of the program', async () => {
  const { args } = await site();
  const program = startCommand([...args, '--workers', '1', '--no-access-log']);
  const port = await securePort(program);
  const first = await secured(port);
  let session: Buffer | undefined;
  first.on('session', (each) => {
    session = each;
  });
  await new Client(first).send(get('/')).readResponse();
  await until(() => session !== undefined, 'a ticket has arrived');
  program.signal('SIGUSR2');
  const successor = Number(await announcedError(program, /process (\d+) has taken over/));
  onTestFinished(() => void process.kill(successor, 'SIGTERM'));
  expect((await secured(port, session)).isSessionReused()).toBe(true);
});

test.each([
  ['--workers', '1'],
  ['--model', 'multiprocess'],
  ['--model', 'multithread', '--workers', '1'],
])('children have the certificates of their parent: %s %s', async (...way) => {
  const { root, args } = await site();
  const program = startCommand([...args, ...way, '--no-access-log']);
  const port = await securePort(program);
  const fingerprint = async (): Promise<string> => (await peerCertificate(port)).fingerprint256;
  const before = await fingerprint();
  await writeFile(join(root, 'key.pem'), keyText(makeKey()));
  await until(() => program.stderr.includes('the old one stays'), 'the bad pair was refused');
  if (way[0] === '--workers') {
    const [worker = 0] = childrenOf(program.pid);
    process.kill(worker, 'SIGKILL');
    await until(() => program.stderr.includes('a new one replaces it'), 'it is noticed');
  }
  expect(await fingerprint()).toBe(before);
  const renewed = makePair(['localhost']);
  await writeFile(join(root, 'key.pem'), renewed.key);
  await writeFile(join(root, 'cert.pem'), renewed.cert);
  // Some models start a process for each client that asks: they are asked once it is there.
  await until(() => program.stderr.includes(': renewed '), 'the new pair was read');
  await until(async () => (await fingerprint()) !== before, 'the new pair is in use');
  expect(program.stderr).not.toContain('did not start');
  expect(program.stderr.match(/: renewed /g)).toHaveLength(1);
});

test('after a reload with other certificates the main process renews those', async () => {
  const { root } = await site();
  const [first, second] = [makePair(['first.test']), makePair(['second.test'])];
  for (const [name, { cert, key }] of Object.entries({ first, second }))
    await writeFile(join(root, `${name}.pem`), cert + key);
  const config = join(root, 'config.json');
  const configure = (name: string): Promise<void> =>
    writeFile(config, JSON.stringify({ port: 0, static: './public', tls: { cert: name, key: name } }));
  await configure('first.pem');
  const program = startCommand(['--config', config, '--workers', '1', '--no-access-log']);
  const port = await securePort(program);
  const served = async (): Promise<string> => String((await peerCertificate(port)).subject.CN);
  expect(await served()).toBe('first.test');
  await configure('second.pem');
  program.signal('SIGHUP');
  await until(async () => (await served()) === 'second.test', 'the other certificate is in use');
  const renewed = makePair(['third.test']);
  await writeFile(join(root, 'second.pem'), renewed.cert + renewed.key);
  await until(async () => (await served()) === 'third.test', 'its renewal is in use');
  await until(() => /: renewed \S+second\.pem for third\.test /.test(program.stderr), 'it is logged');
});

async function announcedError(program: Program, pattern: RegExp): Promise<string | undefined> {
  await until(() => pattern.test(program.stderr), `it is logged; so far: ${program.stderr}`);
  return pattern.exec(program.stderr)?.[1];
}

test('an environment of children is free of secrets when their applications begin', async () => {
  const { root, args } = await site();
  const file = join(root, 'app.mjs');
  await writeFile(
    file,
    "export const handler = (_, response) => response.send(200, {}, Object.keys(process.env).filter((name) => name.startsWith('EPOLL_SERVER_')).join());",
  );
  const program = startCommand([...args, '--workers', '1', '--app', `${file}:handler`, '--adapter', 'raw']);
  const client = new Client(await secured(await securePort(program)));
  const names = (await client.send(get('/none')).readResponse()).text.split(',');
  // The back end of this run, if it has one, is not a secret.
  expect(names.filter((name) => name !== '' && name !== 'EPOLL_SERVER_BACKEND')).toEqual([]);
});

test('the key is not served, though it lies in the served folder', async () => {
  const { root, args } = await site();
  const client = new Client(await secured(await securePort(startCommand(['0', root, ...args.slice(2)]))));
  expect((await client.send(get('/public/')).readResponse()).status).toBe(200);
  expect((await client.send(get('/key.pem')).readResponse()).status).toBe(404);
});

test('--tls-self-signed, --https-redirect and --hsts', async () => {
  const { root } = await site();
  const args = ['0', join(root, 'public'), '--tls-self-signed', '--https-redirect', '0', '--hsts'];
  const program = startCommand(args, { env: { XDG_DATA_HOME: root } });
  const port = await securePort(program);
  const plain = await program.announced(/^epoll-server: http:\/\/[^/]*:(\d+)\/ redirects to HTTPS /m);
  const moved = await (await connect(Number(plain))).send('GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n').readResponse();
  expect([moved.status, moved.field('location')]).toEqual([308, `https://localhost:${port}/a`]);
  const ca = await readFile(join(root, 'epoll-server/localhost.pem'));
  const socket = connectTls({ port: Number(port), host: '127.0.0.1', servername: 'localhost', ca });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  expect(socket.authorized).toBe(true);
  expect(program.stderr).toMatch(/^epoll-server: made a certificate for localhost: [^\n]+\n$/);
});

test('each mistake is one line, with exit code 2', async () => {
  const { root, args } = await site();
  const at = (name: string): string => join(root, name);
  const expired = makePair(['a'], { notBefore: new Date(0), notAfter: new Date(1) });
  await writeFile(at('expired.pem'), expired.cert + expired.key);
  await writeFile(at('other.pem'), keyText(makeKey()));
  const cert = (file: string, key = file): readonly string[] => [
    '0',
    root,
    '--tls-cert',
    at(file),
    '--tls-key',
    at(key),
  ];
  const mistakes: readonly (readonly [readonly string[], RegExp])[] = [
    [cert('cert.pem', 'other.pem'), /other\.pem is not the key of .*cert\.pem$/],
    [cert('none.pem'), /none\.pem cannot be read: ENOENT/],
    [cert('expired.pem'), /expired\.pem has expired on /],
    [['0', root, '--tls', root], /has no pair of a certificate and its key/],
    [['0', root, '--tls-key', at('key.pem')], /--tls-key is the key of a certificate: add --tls-cert/],
    [
      ['0', root, '--https-redirect', '80'],
      /--https-redirect leads to HTTPS: set --tls-cert, --tls or --tls-self-signed too; see --help$/,
    ],
    [
      ['0', root, '--hsts'],
      /--hsts is for HTTPS: set --tls-cert.* or --trusted-proxies if a proxy speaks TLS; see --help$/,
    ],
    [
      ['0', root, '--tls-client-ca', at('cert.pem')],
      /need one of the server: add --tls-cert, --tls or --tls-self-signed; see --help$/,
    ],
    [[...args, '--tls-client-cert', 'required'], /--tls-client-cert required needs --tls-client-ca/],
    [
      ['--root', root, '--listen', '127.0.0.1:0,tls=on'],
      /listen asks for TLS on 127\.0\.0\.1:0, and there is no certificate/,
    ],
    [['--root', root, '--listen', '127.0.0.1:0,tls=maybe'], /must have on or off as its tls/],
    [[...args, '--tls-cert', at('cert.pem')], /each certificate needs its key: 2 certificates, 1 key/],
  ];
  for (const [given, line] of mistakes) {
    const { exit, stdout, stderr } = await run(given);
    expect([exit, stdout], stderr).toEqual([2, '']);
    expect(stderr).toMatch(/^epoll-server: [^\n]+\n$/);
    expect(stderr.replace(/ \(see --help\)/, '').trimEnd()).toMatch(line);
  }
});
