// Proves that a server that bears a child for its client is not taken for ready before the child has heard the client.

import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { threadsOf } from '../../../src/tools/compare/processes.ts';
import { Program, pause } from '../../../src/tools/compare/program.ts';
import { StartupProbe } from '../../../src/tools/compare/startup-probe.ts';
import { until } from '../../support/until.ts';

/** A server that starts a thread for each client, and reads nothing before it is told to by a signal. */
const SERVER = `
  const clients = [];
  const server = require('net').createServer({ pauseOnConnect: true }, (client) => {
    clients.push(client);
    new (require('worker_threads').Worker)('setInterval(() => {}, 1e6)', { eval: true });
  });
  server.listen(0, '127.0.0.1', () => console.log('PORT ' + server.address().port));
  process.on('SIGUSR2', () => clients.forEach((client) => client.resume()));`;

test('it is quiet before anybody comes, not while a request lies unread, and again when it was read', async () => {
  const program = new Program('test', process.execPath, ['-e', SERVER]);
  onTestFinished(() => program.end());
  const port = Number((await program.said(/PORT (\d+)/, 20_000))?.[1]);
  const threads = threadsOf(program.pid);
  const probe = new StartupProbe(program.pid, port);
  expect(probe.isQuiet()).toBe(true);

  const client = connect(port, '127.0.0.1');
  onTestFinished(() => void client.destroy());
  await until(() => threadsOf(program.pid) > threads, 'the thread is there');
  expect(probe.isQuiet()).toBe(false);
  // Behind the thread, as on a slow machine.
  await pause(100);
  client.write('a request');
  // Well beyond the time after which a birth without a waiting client is over.
  for (const end = Date.now() + 2_200; Date.now() < end; await pause(50)) expect(probe.isQuiet()).toBe(false);

  program.signal('SIGUSR2');
  await until(() => probe.isQuiet(), 'the request was read');
});
