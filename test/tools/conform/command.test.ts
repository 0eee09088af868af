// Tests the output and exit codes of the command `conform`, for good servers, bad ones and none.

import { createServer, type Server, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { COMMAND, type Program, startProgram } from '../../support/program.ts';
import { echo, startHandler } from '../../support/serving.ts';

function conform(...args: readonly string[]): Program {
  return startProgram(process.execPath, [COMMAND, 'conform', ...args]);
}

async function run(...args: readonly string[]): Promise<readonly [number | NodeJS.Signals, string, string]> {
  const program = conform(...args);
  return [await program.ended(), program.stdout, program.stderr];
}

/** A server that runs a function for each client. */
async function listening(
  onClient: (socket: Socket) => void,
): Promise<{ readonly port: number; readonly server: Server }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    onClient(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, server };
}

const CLOSES =
  'HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 00:00:00 GMT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

test('a group of cases against this server: a table, totals, and exit code 0', async () => {
  const { server } = await startHandler(echo);
  const [code, out, err] = await run(server.url.href, '--only', 'host', '--only', 'expect', '--max-splits', '3');
  expect(err).toBe('');
  expect(out).toMatch(/^host +43 +0 +0 +0$/m);
  expect(out).toMatch(/^\d+ passed, 0 failed, 0 warned, 8 skipped$/m);
  expect(code).toBe(0);
  expect(out).not.toContain('\x1b');
});

test('the JSON report; cases for missing parts are skipped', async () => {
  const { server } = await startHandler(echo);
  const [code, out] = await run(server.url.href, '--only', 'chunks', '--json');
  const report = JSON.parse(out);
  expect(report).toMatchObject({ url: server.url.href, server: 'epoll-server', parts: ['page'] });
  expect(report.totals).toMatchObject({ passed: 8, failed: 0, skipped: 59 });
  expect(report.results[0]).toMatchObject({ verdict: 'skipped', detail: 'the target has no echo' });
  expect(code).toBe(0);
});

test('the Markdown report', async () => {
  const { server } = await startHandler(echo);
  const [code, out] = await run(server.url.href, '--only', 'host/none-in-http-1-1', '--markdown');
  expect(out).toContain('| host | 1 | 0 | 0 | 0 |');
  expect(code).toBe(0);
});

test('a server that responds to everything with 200 fails, and the report says where', async () => {
  const { port } = await listening((socket) => {
    socket.on('data', () => socket.end(CLOSES));
  });
  const [code, out] = await run(
    `http://127.0.0.1:${port}/`,
    '--only',
    'host',
    '--timeout-ms',
    '500',
    '--max-splits',
    '2',
  );
  expect(code).toBe(1);
  expect(out).toContain('FAILED host/two-equal-fields (RFC 9112 3.2, must)');
  expect(out).toContain('expected 400 and the end of the connection');
});

test('nothing listens there: one line and exit code 2', async () => {
  const { port, server } = await listening(() => {});
  await new Promise((resolve) => server.close(resolve));
  const [code, out, err] = await run(`http://127.0.0.1:${port}/`);
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(/^epoll-server: cannot connect to 127\.0\.0\.1:\d+: .*ECONNREFUSED.*\n$/);
});

test.each([
  ['not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', /does not speak HTTP\/1\.1: not HTTP: "SSH-2\.0/],
  ['silence', '', /does not speak HTTP\/1\.1: no response/],
])('%s: one line and exit code 2', async (_, greeting, message) => {
  const { port } = await listening((socket) => void socket.write(greeting));
  const [code, out, err] = await run(`http://127.0.0.1:${port}/`, '--timeout-ms', '300');
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(message);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
});

test('a server that stops half-way: one line and exit code 2', async () => {
  let clients = 0;
  const { port, server } = await listening((socket) => {
    clients++;
    if (clients === 30) server.close();
    socket.on('data', () => socket.end(CLOSES));
  });
  const [code, out, err] = await run(`http://127.0.0.1:${port}/`, '--only', 'host', '--timeout-ms', '500');
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(/^epoll-server: cannot connect to .*\n$/);
});

test.each([
  [['https://127.0.0.1:1/'], /is TLS, which conform does not support/],
  [['ftp://127.0.0.1/'], /is not an http:\/\/ URL/],
  [['nonsense'], /"nonsense" is not a URL/],
  [['http://192.0.2.1/'], /is another machine \(192\.0\.2\.1\).*--remote/],
  [['http://a:b@127.0.0.1/'], /user name or password/],
  [[], /needs the URL/],
  [['http://127.0.0.1:1/', 'more'], /unexpected argument "more": conform takes one URL/],
  [['http://127.0.0.1:1/', '--only', 'no-such'], /unknown group or case "no-such"/],
  [['http://127.0.0.1:1/', '--json', '--markdown'], /--json and --markdown conflict: use one of them/],
  [['http://127.0.0.1:1/', '--connections', '0'], /--connections must be a whole number from 1 to 256/],
  [['http://127.0.0.1:1/', '--nonsense'], /unknown flag --nonsense/],
])('%j is rejected with one line and exit code 2', async (args, message) => {
  const [code, out, err] = await run(...args);
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(message);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
});

test('the help and the list send nothing', async () => {
  const [code, help] = await run('--help');
  expect(code).toBe(0);
  expect(help).toContain('usage: epoll-server conform URL');
  const [, list] = await run('--list', '--only', 'expect');
  expect(list.trimEnd().split('\n')).toHaveLength(9);
});
