// Tests that ref() and unref() decide whether a server keeps its process alive, with every back end.

import { expect, test } from 'vitest';
import { ask, get } from '../support/client.ts';
import { COMMAND, startProgram } from '../support/program.ts';

/**
 * One server for each back end. All are unreferenced, so the process is about to exit, and referenced again in
 * beforeExit. The last request to each unreferences it again.
 */
const SCRIPT = `
  const { serve } = await import(process.argv[1]);
  const servers = [];
  for (const backend of ['epoll', 'poll', 'select', 'scan']) {
    const server = await serve({ port: 0, backend, handler: (request, response) => {
      response.send(200, { Connection: 'close' }, backend + ' ' + request.path);
      if (request.path === '/end') server.unref();
    } });
    server.unref();
    servers.push(server);
  }
  process.once('beforeExit', () => {
    for (const server of servers) server.ref();
    console.log('ports ' + servers.map(({ port }) => port).join(' '));
  });`;

test('a server after unref() lets its process exit, and after ref() keeps it alive', async () => {
  const index = new URL('index.js', `file://${COMMAND}`).href;
  const program = startProgram(process.execPath, ['--input-type=module', '-e', SCRIPT, index]);
  const ports = (await program.announced(/^ports (.*)$/m)).split(' ').map(Number);
  const names: string[] = [];
  for (const port of ports) {
    expect((await ask(port, get('/'))).status).toBe(200);
    names.push((await ask(port, get('/end'))).text);
    expect(program.exit === null || names.length === ports.length, 'the other servers keep the process alive').toBe(
      true,
    );
  }
  expect(names).toEqual(['epoll /end', 'poll /end', 'select /end', 'scan /end']);
  expect(await program.ended(), program.stderr).toBe(0);
});
