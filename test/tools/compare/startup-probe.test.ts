// Tests that the probe does not report a server as settled before the new child has read its client's request.

import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { threadsOf } from '../../../src/tools/compare/processes.ts';
import { Program, pause } from '../../../src/tools/compare/program.ts';
import { StartupProbe } from '../../../src/tools/compare/startup-probe.ts';
import { until } from '../../support/until.ts';

/** A server that starts a thread for each client, and reads nothing before a signal arrives. */
const SERVER = `
  const clients = [];
  const server = require('net').createServer({ pauseOnConnect: true }, (client) => {
    clients.push(client);
    new (require('worker_threads').Worker)('setInterval(() => {}, 1e6)', { eval: true });
  });
  server.listen(0, '127.0.0.1', () => console.log('PORT ' + server.address().port));
  process.on('SIGUSR2', () => clients.forEach((client) => client.resume()));`;

test('it is settled before the first client and after a request is read, but not while a request is unread', async () => {
  const program = new Program('test', process.execPath, ['-e', SERVER]);
  onTestFinished(() => program.end());
  const port = Number((await program.waitForOutput(/PORT (\d+)/, 20_000))?.[1]);
  const threads = threadsOf(program.pid);
  const probe = new StartupProbe(program.pid, port);
  expect(probe.isSettled()).toBe(true);

  const client = connect(port, '127.0.0.1');
  onTestFinished(() => void client.destroy());
  await until(() => threadsOf(program.pid) > threads, 'the thread runs');
  expect(probe.isSettled()).toBe(false);
  // The request comes after the thread, as on a slow machine.
  await pause(100);
  client.write('a request');
  // Longer than SETTLED_MS, after which a new thread alone would count as settled.
  for (const end = Date.now() + 2_200; Date.now() < end; await pause(50)) expect(probe.isSettled()).toBe(false);

  program.signal('SIGUSR2');
  await until(() => probe.isSettled(), 'the request was read');
});
