// Tests that options which a model does not support are rejected in one line, and that a lack of descriptors or children
// affects one client only.

import { expect, test } from 'vitest';
import { MODEL_NAMES } from '../../src/options/choices.ts';
import { type Client, connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { portOf, startProgram } from '../support/program.ts';
import { until } from '../support/until.ts';
import { childrenOf } from './models.ts';

const REFUSED: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['epoll', ['--model', 'magic'], new RegExp(`--model must be one of ${MODEL_NAMES.join(', ')}, not "magic"`)],
  ['epoll', ['--workers', '0'], /--workers must be a whole number from 1 to 256, not "0"/],
  ['epoll', ['--workers', '1000'], /--workers must be a whole number from 1 to 256, not "1000"/],
  ['epoll', ['--workers', 'many'], /from 1 to 256, not "many"/],
  [
    'iterative',
    ['--workers', '2'],
    /the model iterative does not support --workers: use epoll, multiprocess or multithread/,
  ],
  ['iterative', ['--model', 'epoll'], /this program always uses the model iterative: --model is for epoll-server/],
  ['select', ['--backend', 'epoll'], /the model select uses the back end select, not epoll/],
  ['multiprocess', ['--max-children', '0'], /--max-children must be a whole number from 1/],
];

test.each(REFUSED)('%s %s', async (model, args, message) => {
  const program = startProgram(process.execPath, [`dist/${model}-server.js`, '0', ...args]);
  expect(await program.ended()).toBe(2);
  expect(program.stderr).toMatch(/^epoll-server: [^\n]+\n$/);
  expect(program.stderr).toMatch(message);
  expect(program.stdout).toBe('');
});

/** A module that uses up the descriptors of the parent, except for a few. */
const CROWDING = `
import { openSync } from 'node:fs';
if (process.send === undefined) while (openSync('/dev/null') < 52);
export const application = (environ, startResponse) => {
  startResponse('200 OK', []);
  return environ.PATH_INFO;
};`;

async function statusOf(client: Client): Promise<number> {
  return (await client.send(get('/')).readResponse()).status;
}

test('multiprocess: without descriptors for another child, the client gets 503 and others are still served', async () => {
  const app = `${await folder({ 'app.mjs': CROWDING })}/app.mjs`;
  const script = 'ulimit -n 64 && exec "$0" dist/multiprocess-server.js 0 "$1"';
  const program = startProgram('bash', ['-c', script, process.execPath, app]);
  const port = await portOf(program);
  const inside: Client[] = [];
  for (;;) {
    const client = await connect(port);
    if ((await statusOf(client)) === 503) {
      expect(await client.closed()).toBe('fin');
      break;
    }
    inside.push(client);
    expect(inside.length, 'descriptors run out').toBeLessThan(12);
  }
  expect(inside.length).toBeGreaterThan(0);
  await until(() => program.stderr !== '', 'the warning is logged');
  expect(program.stderr).toMatch(/^epoll-server: a client was rejected with 503: cannot start a process: [^\n]*\n$/);
  for (const client of inside) expect(await statusOf(client)).toBe(200);
  for (const client of inside) client.finish();
  for (const client of inside) await client.closed();
  await until(() => childrenOf(program.pid).length === 0, 'the children have ended');
  expect(await statusOf(await connect(port))).toBe(200);
});

test('multiprocess: when a child dies before it starts, the parent closes its client and serves others', async () => {
  // The child ends before it received the client, which has sent nothing yet. The parent must not wait for a request.
  const stillborn = `if (process.send !== undefined) process.exit(9);
    export const application = (environ, startResponse) => { startResponse('200 OK', []); return ''; };`;
  const app = `${await folder({ 'app.mjs': stillborn })}/app.mjs`;
  const program = startProgram(process.execPath, ['dist/multiprocess-server.js', '0', app]);
  const port = await portOf(program);
  for (let i = 0; i < 2; i++) {
    const silent = await connect(port);
    expect((await silent.readResponse()).status).toBe(503);
    expect(await silent.closed()).toBe('fin');
  }
  await until(() => program.stderr.split('\n').length > 2, 'both warnings are logged');
  expect(program.stderr).toMatch(
    /^(?:epoll-server: a client was rejected with 503: process \d+ did not start: exit code 9\n){2}$/,
  );
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
});
