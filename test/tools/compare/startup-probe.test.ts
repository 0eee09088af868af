// Tests that the probe does not report a server as settled before the new child has read its client's request.

import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { threadsOf } from '../../../src/tools/compare/processes.ts';
import { Program } from '../../../src/tools/compare/program.ts';
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

/** Whether the server at `port` has a connection with unread bytes (proc_net_tcp.txt of the kernel). */
function hasUnread(port: number): boolean {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const connections = readFileSync('/proc/net/tcp', 'latin1').split('\n');
  return connections.some((line) => {
    const [, from = '', , state, queues = ''] = line.trim().split(/ +/);
    return from.endsWith(local) && state === '01' && !queues.endsWith(':00000000');
  });
}

test('the probe is settled except while a request is unread', async () => {
  const program = new Program('test', process.execPath, ['-e', SERVER]);
  onTestFinished(() => program.end());
  const port = Number((await program.waitForOutput(/PORT (\d+)/, 20_000))?.[1]);
  const threads = threadsOf(program.pid);
  const probe = new StartupProbe(program.pid, port);
  expect(probe.isSettled(0)).toBe(true);

  const client = connect(port, '127.0.0.1');
  onTestFinished(() => void client.destroy());
  await until(() => threadsOf(program.pid) > threads, 'the thread is running');
  expect(probe.isSettled(0)).toBe(false);
  // Behind the thread, as on a slow machine.
  client.write('a request');
  await until(() => hasUnread(port), 'the request is unread');
  // Until well beyond the time after which a spawn without a waiting client is over.
  for (let now = 100; now <= 2_300; now += 50) expect(probe.isSettled(now)).toBe(false);

  program.signal('SIGUSR2');
  await until(() => probe.isSettled(2_350), 'the request was read');
});
