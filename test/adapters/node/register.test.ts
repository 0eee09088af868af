// Runs an unchanged program with `--import epoll-server/register`.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownPair } from '../../support/certificates.ts';
import { ask, get } from '../../support/client.ts';
import { folder } from '../../support/folder.ts';
import { REPOSITORY, startProgram } from '../../support/program.ts';

const PROGRAM = `
  const http = require('http');
  const server = http.createServer((request, response) => response.end(server.constructor.name));
  server.listen(0, '127.0.0.1', async () => {
    const { createServer, Server } = await import('node:http');
    const https = require('https');
    const secure = https.createServer(JSON.parse(process.env.PAIR));
    const isSecure = secure.constructor.name === 'EpollHttpsServer' && secure instanceof https.Server;
    const isOurs = createServer === http.createServer && server instanceof Server && isSecure;
    console.log('http://127.0.0.1:' + server.address().port + '/ ' + isOurs);
  });
`;

const UNREFERENCED = `
  const server = require('http').createServer((request, response) => {
    clearInterval(waiting);
    setTimeout(() => response.end('late'), 50).unref();
  });
  const waiting = setInterval(() => {}, 1_000);
  server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port + '/')).unref();
`;

test('a server without a reference ends its process when its last connection has ended', async () => {
  const path = await folder({ 'server.cjs': UNREFERENCED });
  const register = join(REPOSITORY, 'dist', 'register.js');
  const program = startProgram(process.execPath, ['--import', register, join(path, 'server.cjs')]);
  const port = Number(await program.announced(/:(\d+)\//));
  expect((await ask(port, get('/', 'Connection: close'))).text).toBe('late');
  expect(await program.ended()).toBe(0);
});

test.each([
  ['', /http.createServer and https.createServer are epoll-server now/],
  ['1', /^$/],
])('http.createServer becomes ours for both kinds of modules (EPOLL_SERVER_QUIET=%j)', async (quiet, line) => {
  const path = await folder({ 'server.cjs': PROGRAM });
  const register = join(REPOSITORY, 'dist', 'register.js');
  const program = startProgram(process.execPath, ['--import', register, join(path, 'server.cjs')], {
    env: { ...process.env, EPOLL_SERVER_QUIET: quiet, PAIR: JSON.stringify(ownPair()) },
  });
  const port = Number(await program.announced(/:(\d+)\/ true/));
  expect((await ask(port, get('/'))).text).toBe('EpollHttpServer');
  expect(program.stderr).toMatch(line);
});
