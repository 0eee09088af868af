// Tests that the command keeps running when its messages and logs cannot be written.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { serve } from '../../src/index.ts';
import { ask, connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { COMMAND } from '../support/program.ts';
import { pause, until } from '../support/until.ts';

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = await serve({ port: 0, handler: (_request, response) => response.send(204) });
  const { port = 0 } = server;
  await server.close();
  return port;
}

/** Whether a server listens on the port. */
function reachable(port: number): Promise<boolean> {
  return ask(port, get('/')).then(
    (answer) => answer.status === 200,
    () => false,
  );
}

test('a full disk behind standard output ends neither --help nor the server', async () => {
  expect(spawnSync('bash', ['-c', `exec node ${COMMAND} --help > /dev/full`]).status).toBe(0);
  const root = await folder({ 'index.html': 'home' });
  const port = await freePort();
  const child = spawn('bash', ['-c', `exec node ${COMMAND} ${port} ${root} --access-log - > /dev/full`]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString('utf8');
  });
  await until(() => reachable(port), 'the server listens');
  expect((await ask(port, get('/'))).text).toBe('home');
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(stderr).not.toContain('    at ');
});

test('a FIFO without a reader is rejected as an access log at once', async () => {
  const root = await folder({ 'index.html': 'home' });
  const fifo = join(root, 'log');
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
  const { status, stderr } = spawnSync('node', [COMMAND, '0', root, '--access-log', fifo], { timeout: 20_000 });
  expect(status).toBe(1);
  expect(stderr.toString('utf8')).toMatch(/^epoll-server: the log cannot be opened: .*\n$/);
});

test('the last lines of a log reach a slow reader when the server ends', async () => {
  const requests = 8_000;
  const root = await folder({ 'index.html': 'home' });
  const port = await freePort();
  const child = spawn('node', [COMMAND, `${port}`, root, '--access-log', '-', '--quiet']);
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdout.pause();
  await until(() => reachable(port), 'the server listens');
  const client = await connect(port);
  client.send(get('/').repeat(requests));
  for (let i = 0; i < requests; i++) expect((await client.readResponse()).text).toBe('home');
  child.kill('SIGTERM');
  // The reader is slower than the shutdown of the server, but faster than its limit for writing the log.
  await pause(300);
  let log = '';
  child.stdout.on('data', (text: Buffer) => {
    log += text.toString('utf8');
  });
  child.stdout.resume();
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(log.split('\n').filter((line) => line.endsWith(' 200 4'))).toHaveLength(requests + 1);
});
