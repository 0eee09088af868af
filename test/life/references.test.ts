// Tests that a server keeps its process alive or not, as it is asked to, over every back end.

import { expect, test } from 'vitest';
import { ask, get } from '../support/client.ts';
import { COMMAND, startProgram } from '../support/program.ts';

/**
 * A server over each back end: all are given up, which ends the process, and taken back at its end. The last request to
 * each gives it up again.
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

test('a server that is given up lets its process end, and one that is taken back keeps it', async () => {
  const index = new URL('index.js', `file://${COMMAND}`).href;
  const program = startProgram(process.execPath, ['--input-type=module', '-e', SCRIPT, index]);
  const ports = (await program.announced(/^ports (.*)$/m)).split(' ').map(Number);
  const names: string[] = [];
  for (const port of ports) {
    expect((await ask(port, get('/'))).status).toBe(200);
    names.push((await ask(port, get('/end'))).text);
    expect(program.exit === null || names.length === ports.length, 'the others keep it').toBe(true);
  }
  expect(names).toEqual(['epoll /end', 'poll /end', 'select /end', 'scan /end']);
  expect(await program.ended(), program.stderr).toBe(0);
});
