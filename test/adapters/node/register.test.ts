// Runs an unchanged program with `--import epoll-server/register`.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask, get } from '../../support/client.ts';
import { folder } from '../../support/folder.ts';
import { REPOSITORY, startProgram } from '../../support/program.ts';

const PROGRAM = `
  const http = require('http');
  const server = http.createServer((request, response) => response.end(server.constructor.name));
  server.listen(0, '127.0.0.1', async () => {
    const { createServer, Server } = await import('node:http');
    const isOurs = createServer === http.createServer && server instanceof Server;
    console.log('http://127.0.0.1:' + server.address().port + '/ ' + isOurs);
  });
`;

test.each([
  ['', /http.createServer is epoll-server now/],
  ['1', /^$/],
])('http.createServer becomes ours for both kinds of modules (EPOLL_SERVER_QUIET=%j)', async (quiet, line) => {
  const path = await folder({ 'server.cjs': PROGRAM });
  const register = join(REPOSITORY, 'dist', 'register.js');
  const program = startProgram(process.execPath, ['--import', register, join(path, 'server.cjs')], {
    env: { ...process.env, EPOLL_SERVER_QUIET: quiet },
  });
  const port = Number(await program.announced(/:(\d+)\/ true/));
  expect((await ask(port, get('/'))).text).toBe('EpollHttpServer');
  expect(program.stderr).toMatch(line);
});
