// Tests that a server that runs out of descriptors neither ends nor spins, and recovers when clients close.

import { expect, test } from 'vitest';
import type { ServerStats } from '../../src/index.ts';
import { BACK_END } from '../support/back-end.ts';
import { type Client, connect, get } from '../support/client.ts';
import { type Program, startProgram } from '../support/program.ts';
import { pause, until } from '../support/until.ts';

/** A server with few descriptors left when all its modules are loaded. It prints its counters for each input line. */
async function startScarce(): Promise<{ readonly program: Program; readonly port: number }> {
  const index = new URL('../../dist/index.js', import.meta.url).href;
  const script = `
    const FREE = 20;
    const { serve } = await import(${JSON.stringify(index)});
    const server = await serve({ port: 0, handler: (request, response) => response.send(200, {}, request.target) });
    const { closeSync, openSync } = await import('node:fs');
    const taken = [];
    try { for (;;) taken.push(openSync('/dev/null')); } catch {}
    for (const fd of taken.slice(-FREE)) closeSync(fd);
    process.stdin.on('data', () => console.log(JSON.stringify(server.stats())));
    console.log('port ' + server.port);`;
  const program = startProgram('bash', [
    '-c',
    'ulimit -n 256; exec "$0" --input-type=module -e "$1"',
    process.execPath,
    script,
  ]);
  return { program, port: Number(await program.announced(/^port (\d+)$/m)) };
}

async function countersOf(program: Program): Promise<ServerStats> {
  const lines = program.stdout.split('\n').length;
  program.say('stats');
  await until(() => program.stdout.split('\n').length > lines, 'the counters were printed');
  return JSON.parse(program.stdout.split('\n').at(-2) ?? '');
}

test('out of descriptors, connected clients are served, and others are accepted later', async () => {
  const { program, port } = await startScarce();
  const clients: Client[] = [];
  for (let i = 0; i < 60; i++) clients.push(await connect(port));
  for (const client of clients) client.send(get('/first'));
  await until(async () => (await countersOf(program)).connections.pauses > 0, 'descriptors ran out');
  const before = await countersOf(program);
  await pause(1_000);
  const after = await countersOf(program);
  if (BACK_END.busy !== true) {
    expect(after.loop.turns - before.loop.turns, 'turns in a second without room').toBeLessThan(50);
    expect(after.systemCalls.accepts - before.systemCalls.accepts).toBeLessThan(50);
  }
  const served = clients.filter((client) => client.received.length > 0);
  expect(served.length).toBeGreaterThan(0);
  expect(served.length).toBeLessThan(clients.length);
  for (const client of served) {
    await client.readResponse();
    expect((await client.send(get('/again')).readResponse()).text).toBe('/again');
  }
  const waiting = clients.filter((client) => !served.includes(client));
  for (const client of served) client.destroy();
  while (waiting.length > 0) {
    const client = waiting.shift();
    expect((await client?.readResponse())?.text).toBe('/first');
    client?.destroy();
  }
  expect(program.exit).toBeNull();
  expect(program.stderr).toBe('');
});
