// Tests how a back end is chosen, and that clients which it cannot watch get 503.

import { expect, test } from 'vitest';
import { availableBackends } from '../../src/kernel/native-kernel.ts';
import { connect, get } from '../support/client.ts';
import { portOf, startCommand, startProgram } from '../support/program.ts';
import { echo, startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

test.each(availableBackends())('%s serves requests when it is chosen', async (backend) => {
  const site = await startHandler(echo, { backend });
  expect(site.server.backend).toBe(backend);
  const client = await site.connect();
  for (const target of ['/a', '/b']) expect((await client.send(get(target)).readResponse()).text).toBe(`GET ${target}`);
});

test('a flag overrides the variable, and an unknown back end is reported with its origin', async () => {
  const start = (backend: string, ...args: string[]) =>
    startProgram('env', [`EPOLL_SERVER_BACKEND=${backend}`, process.execPath, 'dist/epoll-server.js', '0', ...args]);
  const fromEnvironment = start('poll');
  await fromEnvironment.announced(/back end (poll),/);
  const fromFlag = start('poll', '--backend', 'select');
  await fromFlag.announced(/back end (select),/);
  const empty = start('');
  await portOf(empty);
  const wrong = start('iocp');
  expect(await wrong.ended()).toBe(2);
  expect(wrong.stderr).toBe(
    `epoll-server: the back end "iocp" (EPOLL_SERVER_BACKEND) is not available: choose from ${availableBackends().join(', ')}\n`,
  );
  const unknown = startCommand(['0', '--backend', 'iocp']);
  expect(await unknown.ended()).toBe(2);
  expect(unknown.stderr).toContain(
    `the back end "iocp" is not available: choose from ${availableBackends().join(', ')}`,
  );
});

/** Serves with select and so many open files that the descriptors of the next clients are beyond FD_SETSIZE. */
const CROWDED = `
  import { openSync, closeSync } from 'node:fs';
  const { serve } = await import(process.argv[1]);
  const server = await serve({ port: 0, backend: 'select', handler: (request, response) => response.send(200, {}, request.target) });
  console.log('port ' + server.port);
  const files = [];
  process.stdin.on('data', (text) => {
    if (String(text).startsWith('fill')) while ((files.at(-1) ?? 0) < 1023) files.push(openSync('/dev/null'));
    else for (const fd of files.splice(0)) closeSync(fd);
    console.log('done ' + JSON.stringify(server.stats()));
  });`;

test('select sends 503 to clients with descriptors beyond FD_SETSIZE, and still serves others', async () => {
  const index = new URL('../../dist/index.js', import.meta.url).href;
  const script = 'ulimit -n 2048 && exec "$0" --input-type=module -e "$1" "$2"';
  const program = startProgram('bash', ['-c', script, process.execPath, CROWDED, index]);
  const port = Number(await program.announced(/^port (\d+)$/m));
  const inside = await connect(port);
  expect((await inside.send(get('/before')).readResponse()).text).toBe('/before');
  program.say('fill');
  await program.announced(/^done (.*)$/m);
  for (let i = 0; i < 3; i++) {
    const outside = await connect(port);
    const answer = await outside.readResponse();
    expect(answer.status).toBe(503);
    expect(answer.field('connection')).toBe('close');
    expect(await outside.closed()).toBe('fin');
    expect((await inside.send(get('/during')).readResponse()).text).toBe('/during');
  }
  program.say('empty');
  await until(() => program.stdout.split('\n').length > 3, 'the files are closed');
  expect(JSON.parse(program.stdout.trim().split('\n').at(-1)?.slice(5) ?? '')).toMatchObject({
    connections: { failed: 3 },
  });
  const later = await connect(port);
  expect((await later.send(get('/after')).readResponse()).text).toBe('/after');
});
