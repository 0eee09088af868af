// Proves that the command lives on when its messages and logs cannot be written.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { serve } from '../../src/index.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { COMMAND } from '../support/program.ts';

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = await serve({ port: 0, handler: (_request, response) => response.send(204) });
  const { port } = server.address;
  await server.close();
  return port;
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
  let text = '';
  for (let attempt = 0; attempt < 200 && text !== 'home'; attempt++) {
    text = await ask(port, get('/')).then(
      (answer) => answer.text,
      () => '',
    );
    if (text === '') await new Promise((resolve) => setTimeout(resolve, 25));
  }
  expect(text).toBe('home');
  expect((await ask(port, get('/'))).text).toBe('home');
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(stderr).not.toContain('    at ');
});

test('a FIFO that nobody reads is refused as an access log, at once', async () => {
  const root = await folder({ 'index.html': 'home' });
  const fifo = join(root, 'log');
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
  const { status, stderr } = spawnSync('node', [COMMAND, '0', root, '--access-log', fifo], { timeout: 20_000 });
  expect(status).toBe(1);
  expect(stderr.toString('utf8')).toMatch(/^epoll-server: the access log cannot be opened: .*\n$/);
});
