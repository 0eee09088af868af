// Tests that a module which failed to load is tried again: after a lack of descriptors, or after its file changed, but not
// more often than once a second.

import { existsSync } from 'node:fs';
import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { failedImports, importModule } from '../../src/app/module-file.ts';
import { ModuleLoad } from '../../src/app/module-load.ts';
import type { Handler } from '../../src/index.ts';
import { type Client, connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { COMMAND, type Program, portOf, startCommand, startProgram } from '../support/program.ts';
import { start } from '../support/serving.ts';
import { until } from '../support/until.ts';

const APPLICATION = `export function application(environ, start) { start('200 OK', []); return environ.PATH_INFO; }`;

/** A module that counts in a file how often it was evaluated. */
const COUNTED = `import { appendFileSync } from 'node:fs';
appendFileSync(new URL('./loads', import.meta.url), '.');
${APPLICATION}`;

interface Scarce {
  readonly program: Program;
  readonly client: Client;
  /** Uses up the descriptors of the server, or frees them. */
  take(): Promise<void>;
  release(): Promise<void>;
  ask(
    target: string,
  ): Promise<{ readonly status: number; readonly text: string; readonly retryAfter: string | undefined }>;
}

/** A server in its own process, whose descriptors can be used up, and a connected client. */
async function startScarce(dynamic: string): Promise<Scarce> {
  const script = `
    const { loadApplication, serve } = await import(${JSON.stringify(join(COMMAND, '../index.js'))});
    const { closeSync, openSync } = await import('node:fs');
    const server = await serve({ port: 0, handler: await loadApplication(${JSON.stringify(dynamic)}, { dynamic: true }) });
    const taken = [];
    process.stdin.on('data', (word) => {
      if (String(word).includes('take')) { try { for (;;) taken.push(openSync('/dev/null')); } catch {} }
      else while (taken.length > 0) closeSync(taken.pop());
      console.log('done ' + word);
    });
    console.log('port ' + server.port);`;
  const shell = 'ulimit -n 200; exec "$0" --input-type=module -e "$1"';
  const program = startProgram('bash', ['-c', shell, process.execPath, script]);
  const client = await connect(Number(await program.announced(/^port (\d+)$/m)));
  // The response shows that the connection was accepted, which needs a descriptor.
  await client.send('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n').readResponse();
  const say = async (word: string): Promise<void> => {
    const before = program.stdout.length;
    program.say(word);
    await until(() => program.stdout.slice(before).includes(`done ${word}`), `descriptors: ${word}`);
  };
  return {
    program,
    client,
    take: () => say('take'),
    release: () => say('release'),
    ask: async (target) => {
      const answer = await client.send(get(target)).readResponse();
      return { status: answer.status, text: answer.text, retryAfter: answer.field('retry-after') };
    },
  };
}

const LATER = { status: 503, text: 'Service Unavailable\n', retryAfter: '1' };

test.each([
  ['a module', { 'clock.mjs': COUNTED }],
  ['a module with parts', { 'clock.mjs': `import './a/part.mjs';\n${COUNTED}`, 'a/part.mjs': 'export {};' }],
  ['a module by its package', { 'clock.js': COUNTED, 'package.json': '{"type":"module"}' }],
  [
    'a CommonJS module',
    {
      'clock.cjs': 'exports.application = require("./a/part.cjs");',
      'a/part.cjs': `module.exports = ${APPLICATION.slice(7)}`,
    },
  ],
  ['a fetch application', { 'clock.mjs': 'export default { fetch: () => new Response("/clock") };' }],
])('%s first requested without free descriptors gets 503, and later 200', async (_, tree) => {
  const dynamic = await folder(tree);
  const { ask, take, release, program } = await startScarce(dynamic);
  await take();
  for (let i = 0; i < 5; i++) expect(await ask('/clock')).toEqual(LATER);
  await until(() => program.stderr.includes('\n'), 'the reason is logged');
  await release();
  await until(async () => (await ask('/clock')).status === 200, 'the module is loaded');
  expect((await ask('/clock')).text).toBe('/clock');
  if (existsSync(join(dynamic, 'loads'))) expect(await readFile(join(dynamic, 'loads'), 'utf8')).toBe('.');
  expect(program.stderr.match(/EMFILE/g)?.length).toBeLessThanOrEqual(2);
});

/** Uses up all descriptors, and frees them a moment later. */
const GREEDY = `import { closeSync, openSync } from 'node:fs';
const taken = [];
try { for (;;) taken.push(openSync('/dev/null')); } catch {}
setTimeout(() => taken.forEach((fd) => closeSync(fd)), 300);
export default { fetch: () => new Response('served') };`;

test('a module that uses up all descriptors while it loads is served', async () => {
  const dynamic = await folder({ 'greedy.mjs': GREEDY });
  const shell = 'ulimit -n 200; exec "$0" "$@"';
  const args = [process.execPath, COMMAND, '0', '--dynamic', dynamic, '--no-access-log'];
  const client = await connect(await portOf(startProgram('bash', ['-c', shell, ...args])));
  expect((await client.send(get('/greedy')).readResponse()).text).toBe('served');
});

test('in an unreadable folder, known modules are still served, and others get 503', async () => {
  const dynamic = await folder({ 'known.mjs': APPLICATION, 'other.mjs': APPLICATION });
  const { ask, take, release } = await startScarce(dynamic);
  expect((await ask('/known')).status).toBe(200);
  await take();
  const end = Date.now() + 1_200;
  while (Date.now() < end) {
    expect((await ask('/other')).status).toBe(503);
    expect((await ask('/known')).status).toBe(200);
    expect((await ask('/none')).status).toBe(404);
  }
  await release();
  await until(async () => (await ask('/other')).status === 200, 'the module is loaded');
});

test('a broken module is loaded again only after its file changed', async () => {
  const dynamic = await folder({ 'a.mjs': `${COUNTED}\nthrow new Error('on purpose');`, 'b.mjs': 'export const = 1;' });
  const { connect: enter, errors } = await start({ dynamic });
  const client = await enter();
  const status = async (target: string): Promise<number> => (await client.send(get(target)).readResponse()).status;
  const end = Date.now() + 1_300;
  while (Date.now() < end) for (const target of ['/a', '/b']) expect(await status(target)).toBe(500);
  expect(await readFile(join(dynamic, 'loads'), 'utf8')).toBe('.');
  expect(errors.splice(0)).toHaveLength(2);
  for (const name of ['a', 'b']) {
    await writeFile(join(dynamic, `${name}.mjs`), APPLICATION);
    await until(async () => (await status(`/${name}`)) === 200, `${name} is served again`);
  }
});

test('a module is loaded again after a missing import was added or a service started', async () => {
  const dynamic = await folder({
    'a.mjs': `import './later.js';\n${APPLICATION}`,
    'b.mjs': `import { existsSync } from 'node:fs';
      if (!existsSync(new URL('./later.js', import.meta.url))) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
      ${APPLICATION}`,
  });
  const { connect: enter, errors } = await start({ dynamic });
  const client = await enter();
  const status = async (target: string): Promise<number> => (await client.send(get(target)).readResponse()).status;
  expect([await status('/a'), await status('/b')]).toEqual([500, 503]);
  await writeFile(join(dynamic, 'later.js'), '');
  await until(async () => (await status('/a')) === 200 && (await status('/b')) === 200, 'both are loaded');
  expect(errors.splice(0).length).toBeGreaterThanOrEqual(2);
});

test('a module that loads too slowly is loaded once, and served afterwards', async () => {
  const dynamic = await folder({
    'slow.mjs': `import { existsSync } from 'node:fs';
      import { setTimeout as pause } from 'node:timers/promises';
      while (!existsSync(new URL('./go.js', import.meta.url))) await pause(5);
      ${COUNTED}`,
  });
  const { connect: enter, errors } = await start({ dynamic, loadMs: 100 });
  const client = await enter();
  const status = async (): Promise<number> => (await client.send(get('/slow')).readResponse()).status;
  expect(await status()).toBe(503);
  await writeFile(join(dynamic, 'go.js'), '');
  await until(async () => (await status()) === 200, 'the module is loaded');
  expect(await readFile(join(dynamic, 'loads'), 'utf8')).toBe('.');
  expect(errors.splice(0)).toHaveLength(1);
});

function failing(code: string): Error {
  return Object.assign(new Error('on purpose'), { code });
}

const handler: Handler = (_request, response) => response.send(204);

test('a failing module is loaded at most once per second', async () => {
  const file = join(await folder({ 'a.mjs': '' }), 'a.mjs');
  let [nowMs, loads] = [0, 0];
  let error: Error | null = failing('EMFILE');
  const load = new ModuleLoad(
    file,
    async () => {
      loads++;
      if (error !== null) throw error;
      return handler;
    },
    () => nowMs,
  );
  const ask = (times: number): Promise<unknown> => Promise.allSettled(Array.from({ length: times }, () => load.get()));
  await ask(1_000);
  await ask(1_000);
  nowMs = 999;
  await ask(1_000);
  expect(loads).toBe(1);
  nowMs = 1_000;
  await ask(1_000);
  expect(loads).toBe(2);
  error = failing('ERR_OTHER');
  nowMs = 2_000;
  await ask(10);
  nowMs = 100_000;
  await ask(10);
  expect(loads, 'not again, since nothing changed').toBe(3);
  await utimes(file, 1, 1);
  await ask(10);
  expect(loads, 'looked at once a second').toBe(3);
  nowMs = 101_000;
  error = null;
  await ask(10);
  expect(loads).toBe(4);
  expect(await load.get()).toBe(handler);
});

test('failing imports, which Node.js keeps in memory, are tried less and less often', async () => {
  const file = join(
    await folder({ 'a.mjs': 'throw Object.assign(new Error("x"), { code: "ECONNREFUSED" });' }),
    'a.mjs',
  );
  let nowMs = 0;
  const load = new ModuleLoad(
    file,
    () => importModule(file, 1_000).then(() => handler),
    () => nowMs,
  );
  for (; nowMs < 60_000; nowMs += 500) await load.get().catch(() => {});
  expect(failedImports(file)).toBeGreaterThan(5);
  expect(failedImports(file)).toBeLessThan(13);
});

/** A module that does not load while a certain file exists, as if descriptors had run out. */
const OFFLOADED = `import { existsSync } from 'node:fs';
if (existsSync(new URL('./scarce', import.meta.url))) throw Object.assign(new Error('none left'), { code: 'EMFILE' });
export default { fetch: (request) => (request.url.endsWith('/exit') ? process.exit(3) : new Response('fine')) };`;

test('a pool thread that failed to load the application loads it later', async () => {
  const path = await folder({ 'app.mjs': OFFLOADED });
  const program = startCommand(['0', join(path, 'app.mjs'), '--offload', '1', '--no-access-log']);
  const client = await connect(await portOf(program));
  const status = async (target: string): Promise<number> => (await client.send(get(target)).readResponse()).status;
  expect(await status('/')).toBe(200);
  await writeFile(join(path, 'scarce'), '');
  expect(await status('/exit')).toBe(500);
  const answer = await client.send(get('/')).readResponse();
  expect([answer.status, answer.field('retry-after')]).toEqual([503, '1']);
  await rm(join(path, 'scarce'));
  await until(async () => (await status('/')) === 200, 'the thread has loaded it');
});
