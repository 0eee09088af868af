// Tests --workers with the epoll model: processes share a port, are replaced when they die, and end with their parent.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { createNativeKernel } from '../../src/kernel/native-kernel.ts';
import { ask, connect, connectUnix, get } from '../support/client.ts';
import { startProgram } from '../support/program.ts';
import { until } from '../support/until.ts';
import { childrenOf, startListening, startModel, writeApplication } from './models.ts';

async function serverOf(port: number): Promise<number> {
  const response = await ask(port, get('/server', 'Connection: close'));
  return Number.parseInt(response.text, 10);
}

/** Sends requests until `count` processes have responded. */
async function everyone(port: number, count: number): Promise<ReadonlySet<number>> {
  const seen = new Set<number>();
  await until(async () => seen.add(await serverOf(port)).size >= count, `${count} processes have responded`);
  return seen;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('two processes share a port, and a killed one is replaced', async () => {
  const { file } = await writeApplication();
  const { program, port } = await startModel('epoll', file, '--workers', '2');
  expect(program.stdout).toMatch(/\(2 processes, back end \w+, pid \d+\)/);
  const workers = await everyone(port, 2);
  expect([...workers].sort()).toEqual([...childrenOf(program.pid)].sort());
  const [victim = 0] = workers;
  const survivor = [...workers].find((pid) => pid !== victim);
  const client = await connect(port);
  const servedBy = Number.parseInt((await client.send(get('/server')).readResponse()).text, 10);
  process.kill(servedBy === victim ? (survivor ?? 0) : victim, 'SIGKILL');
  await until(
    () => /ended unexpectedly \(SIGKILL\); a new one replaces it/.test(program.stderr),
    'the warning is logged',
  );
  expect(Number.parseInt((await client.send(get('/server')).readResponse()).text, 10)).toBe(servedBy);
  await until(() => childrenOf(program.pid).length === 2, 'another child replaces it');
  client.destroy();
  await everyone(port, 2);
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
});

test.each([
  ['epoll', ['--workers', '2']],
  ['epoll', ['--watch']],
  ['multiprocess', ['--workers', '2']],
])('%s %j: children share a port, a socket and a descriptor, and keep the file', async (model, args) => {
  const { file } = await writeApplication();
  const { program, port, path, inheritedPort } = await startListening(model, file, ...args);
  const serveAll = async (): Promise<void> => {
    for (const dial of [() => connectUnix(path), () => connect(inheritedPort), () => connect(port)]) {
      const client = await dial();
      expect((await client.send(get('/a', 'Connection: close')).readResponse()).text).toBe('GET /a');
      client.destroy();
    }
  };
  await serveAll();
  const [victim = 0] = childrenOf(program.pid);
  process.kill(victim, 'SIGTERM');
  await until(() => /a new one replaces it/.test(program.stderr), 'a child has ended');
  expect(existsSync(path)).toBe(true);
  await until(() => childrenOf(program.pid).length === (args.includes('--watch') ? 1 : 2), 'another child replaces it');
  await serveAll();
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
  expect(existsSync(path)).toBe(false);
});

test('a port in use is an error, whether or not the other server has workers', async () => {
  for (const args of [[], ['--workers', '2']]) {
    const { port } = await startModel('epoll', ...args);
    const second = startProgram(process.execPath, ['dist/epoll-server.js', String(port), '--workers', '2']);
    expect(await second.ended()).toBe(1);
    expect(second.stderr).toMatch(/^epoll-server: cannot listen on [^\n]*the port is in use[^\n]*\n$/);
  }
});

test.each(['epoll', 'multiprocess'])('%s: workers end when their parent is killed', async (model) => {
  const { program } = await startModel(model, '--workers', '2');
  const workers = childrenOf(program.pid);
  expect(workers.length).toBe(2);
  program.signal('SIGKILL');
  await until(() => workers.every((pid) => !isAlive(pid)), 'the workers have ended');
});

test('where the system cannot share a port, epoll children accept on an inherited listener', async () => {
  const kernel = createNativeKernel();
  onTestFinished(() => kernel.destroy());
  const listener = kernel.listen('127.0.0.1', 0, 16);
  const { port } = kernel.local(listener);
  const child = spawn(process.execPath, ['dist/epoll-server.js'], {
    env: { ...process.env, EPOLL_SERVER_ROLE: `${process.pid} listeners fd:3` },
    stdio: ['ignore', 'ignore', 'inherit', listener, 'ipc'],
  });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  expect((await ask(port, get('/'))).status).toBe(200);
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('when workers end, their parent connects no client that nothing would serve', async () => {
  const { file, open } = await writeApplication();
  const { program, port } = await startModel('epoll', file, '--workers', '2');
  const client = await connect(port);
  client.send(get('/gate'));
  await program.announced(/^(asked)$/m);
  program.signal('SIGTERM');
  await until(
    () =>
      connect(port).then(
        () => false,
        () => true,
      ),
    'clients are refused while a request is in flight',
  );
  await open();
  expect((await client.readResponse()).text).toBe('opened');
  expect(await program.ended()).toBe(0);
});
