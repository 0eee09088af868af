// Tests the command as a service of systemd: the sockets that it is given, and what it tells the service manager.

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createNativeKernel } from '../../src/kernel/native-kernel.ts';
import { fromSystemd, isSystemd } from '../../src/options/systemd-sockets.ts';
import { childrenOf } from '../models/models.ts';
import { ask, get } from '../support/client.ts';
import { receiveDatagrams } from '../support/datagrams.ts';
import { folder } from '../support/folder.ts';
import { COMMAND, type Program, portOf, startProgram } from '../support/program.ts';
import { pause, until } from '../support/until.ts';

/** Starts the command with these sockets, whose names are `names`. */
function startService(fds: readonly number[], names: string, args: readonly string[], env = {}): Program {
  const script = 'LISTEN_PID=$$ exec "$0" "$@"';
  const sockets = fds.length === 0 ? {} : { LISTEN_FDS: String(fds.length), LISTEN_FDNAMES: names };
  return startProgram('sh', ['-c', script, process.execPath, COMMAND, ...args], { fds, env: { ...sockets, ...env } });
}

function listeners(count: number): { readonly fds: readonly number[]; readonly ports: readonly number[] } {
  const kernel = createNativeKernel();
  onTestFinished(() => kernel.destroy());
  const fds = Array.from({ length: count }, () => kernel.listen('127.0.0.1', 0, 16));
  return { fds, ports: fds.map((fd) => kernel.local(fd).port) };
}

test.each([[], ['--workers', '2']])('systemd stands for all sockets, systemd:NAME for some: %j', async (...flags) => {
  const { fds, ports } = listeners(3);
  const root = await folder({ 'index.html': 'home' });
  const admin = ['--admin', 'systemd:admin'];
  const args = [root, '--listen', 'systemd:web', ...admin, '--no-access-log', ...flags];
  const program = startService(fds, 'web:admin:web', args);
  await portOf(program);
  const [first = 0, second = 0, third = 0] = ports;
  for (const port of [first, third]) expect((await ask(port, get('/'))).text).toBe('home');
  expect((await ask(second, get('/readyz'))).text).toBe('ok\n');
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
});

test.each([
  ['systemd', [], '', /^epoll-server: cannot listen on systemd: systemd has passed no socket \(LISTEN_FDS\)[^\n]*\n$/],
  [
    'systemd:api',
    [0],
    'web',
    /^epoll-server: cannot listen on systemd:api: systemd has passed no socket of that name, but web\n$/,
  ],
] as const)('%s without such a socket is one clear line', async (listen, wanted, names, message) => {
  const { fds } = listeners(wanted.length);
  const program = startService(fds, names, [await folder(), '--listen', listen]);
  expect(await program.ended()).toBe(1);
  expect(program.stderr).toMatch(message);
});

/** Part of systemd: other systems, such as Alpine, do not have it. */
const ACTIVATE = 'systemd-socket-activate';

if (spawnSync(ACTIVATE, ['--version']).status === 0) {
  test.each([[], ['--workers', '1']])(
    'systemd-socket-activate starts it for the first client: %j',
    async (...flags) => {
      const [port, admin] = await freePorts();
      const root = await folder({ 'index.html': 'home' });
      const sockets = ['--listen', `127.0.0.1:${port}`, '--listen', `127.0.0.1:${admin}`, '--fdname', 'web:admin'];
      const own = [root, '--listen', 'systemd:web', '--admin', 'systemd:admin', '--no-access-log', ...flags];
      const program = startProgram(ACTIVATE, [...sockets, process.execPath, COMMAND, ...own]);
      await until(() => program.stderr.includes('Listening on'), 'it listens');
      // The first client waits in the backlog until the server has started.
      expect((await ask(port, get('/'))).text).toBe('home');
      expect((await ask(admin, get('/readyz'))).text).toBe('ok\n');
      program.signal('SIGTERM');
      expect(await program.ended()).toBe(0);
    },
  );
}

async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()].map((server) => server.listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const [port = 0, admin = 0] = servers.map((server) => Object(server.address()).port);
  for (const server of servers) server.close();
  return [port, admin];
}

test('sockets are found by number and name, and options follow', () => {
  const environment = { LISTEN_FDS: '3', LISTEN_FDNAMES: 'web:admin:web', LISTEN_PID: String(process.pid) };
  expect(fromSystemd('systemd', environment)).toEqual(['fd:3', 'fd:4', 'fd:5']);
  expect(fromSystemd('systemd:web?proxy', environment)).toEqual(['fd:3?proxy', 'fd:5?proxy']);
  expect(fromSystemd('systemd:admin,backlog=8', environment)).toEqual(['fd:4,backlog=8']);
  expect(() => fromSystemd('systemd', { ...environment, LISTEN_PID: '1' })).toThrow('to process 1, not to this one');
  expect(() => fromSystemd('systemd', { ...environment, LISTEN_FDS: '0' })).toThrow('LISTEN_FDS');
  expect(['systemd', 'systemd:x', 'systemd?proxy', 'systemd:80x'].every(isSystemd)).toBe(true);
  expect(['systemdx:80', 'my-systemd', 'fd:3'].some(isSystemd)).toBe(false);
});

test('the service manager is told of the start, a reload, the watchdog and the end', async () => {
  const { path, texts } = await receiveDatagrams();
  const root = await folder({ 'app.mjs': 'export const fetch = () => new Response("ok");' });
  const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: '20000' };
  const program = startService([], '', ['0', `${root}/app.mjs`, '--workers', '1', '--no-access-log'], env);
  await portOf(program);
  await until(() => texts().length > 0, 'it is told');
  expect(texts()[0]).toBe(`READY=1\nMAINPID=${program.pid}\nSTATUS=serves ${root}/app.mjs`);
  await until(() => texts().includes('WATCHDOG=1'), 'the watchdog is told');
  const before = childrenOf(program.pid);
  program.signal('SIGHUP');
  await until(() => texts().filter((text) => text.startsWith('READY=1')).length === 2, 'it has reloaded');
  expect(texts().findIndex((text) => /^RELOADING=1\nMONOTONIC_USEC=\d+$/.test(text))).toBeGreaterThan(0);
  await until(() => childrenOf(program.pid).every((pid) => !before.includes(pid)), 'the worker was replaced');
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
  await until(() => texts().includes('STOPPING=1'), 'its end is told');
});

test('a server that ends reports no reload any more', async () => {
  const { path, texts } = await receiveDatagrams();
  const root = await folder({ 'app.mjs': 'export const fetch = () => new Response("ok");' });
  const args = ['0', `${root}/app.mjs`, '--workers', '1', '--no-access-log', '--drain-delay-ms', '600000'];
  const program = startService([], '', args, { NOTIFY_SOCKET: path });
  await portOf(program);
  program.signal('SIGHUP');
  program.signal('SIGTERM');
  await until(() => texts().includes('STOPPING=1'), 'its end is reported');
  program.signal('SIGHUP');
  program.signal('SIGINT');
  await program.ended();
  expect(texts().at(-1)).toBe('STOPPING=1');
});

test('a second signal cuts also a worker that has not received the first', async () => {
  const root = await folder({ 'app.mjs': 'export const fetch = () => new Response("ok");' });
  const args = ['0', `${root}/app.mjs`, '--workers', '1', '--no-access-log', '--drain-delay-ms', '600000'];
  const program = startService([], '', args, {});
  await portOf(program);
  const [worker = 0] = childrenOf(program.pid);
  process.kill(worker, 'SIGSTOP');
  program.signal('SIGTERM');
  program.signal('SIGINT');
  // The main process has signalled its worker twice by then, or else this test sees nothing.
  await pause(200);
  process.kill(worker, 'SIGCONT');
  expect(await program.ended()).toBe(0);
});

test('a service manager that is gone stops nothing', async () => {
  const env = { NOTIFY_SOCKET: '/nowhere/at/all' };
  const program = startService([], '', ['0', await folder({ 'index.html': 'home' })], env);
  expect((await ask(await portOf(program), get('/'))).text).toBe('home');
  await until(() => program.stderr !== '', 'it is said');
  expect(program.stderr).toMatch(
    /^epoll-server: the service manager cannot be told \(NOTIFY_SOCKET\): [^\n]*\(ENOENT\)\n$/,
  );
});
