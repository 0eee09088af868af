// Tests that SIGUSR2 puts the next version of the program in the place of the running one, on the same listeners, while
// clients are served; and what the options of a service do: PID file, log files, umask.

import { existsSync, statSync } from 'node:fs';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { childrenOf } from '../models/models.ts';
import { ask, connectUnix, get } from '../support/client.ts';
import { oneProcess } from '../support/commands.ts';
import { folder } from '../support/folder.ts';
import { type Program, portOf, startCommand } from '../support/program.ts';
import { until } from '../support/until.ts';

const LAST = 'Connection: close';
const run = oneProcess();

function version(text: string): string {
  return `export default { fetch: () => new Response(${JSON.stringify(text)}) };`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Service {
  readonly program: Program;
  readonly path: string;
  readonly port: number;
  readonly pid: () => Promise<number>;
}

async function start(...flags: readonly string[]): Promise<Service> {
  const path = await folder({ 'app.mjs': version('one') });
  const args = [`${path}/app.mjs`, '--pid-file', `${path}/pid`, '--no-access-log', ...flags];
  const program = startCommand(args);
  const port = await portOf(program);
  return { program, path, port, pid: async () => Number(await readFile(`${path}/pid`, 'utf8')) };
}

test('SIGUSR2 hands all listeners on, and no request is lost meanwhile', async () => {
  const socket = `${await folder()}/a.sock`;
  const listen = ['127.0.0.1:0', `unix:${socket}`].flatMap((each) => ['--listen', each]);
  const { program, path, port, pid } = await start(...listen, '--workers', '2', '--admin', '127.0.0.1:0');
  const admin = Number(await program.announced(/admin listener http:\/\/.*:(\d+)\//));
  expect(await pid()).toBe(program.pid);
  await writeFile(`${path}/app.mjs`, version('two'));
  let isOver = false;
  const visitor = (async () => {
    const texts = new Set<string>();
    for (; !isOver; ) texts.add((await ask(port, get('/', LAST))).text);
    return texts;
  })();
  program.signal('SIGUSR2');
  await until(() => program.stderr.includes('has taken over'), `it is replaced; it said ${program.stderr}`);
  const successor = await pid();
  expect(program.stderr).toBe(`epoll-server: process ${successor} has taken over\n`);
  await until(() => !isAlive(program.pid), 'the old version has ended');
  expect((await ask(port, get('/', LAST))).text).toBe('two');
  isOver = true;
  expect([...(await visitor)].sort()).toEqual(['one', 'two']);
  const client = await connectUnix(socket);
  expect((await client.send(get('/', LAST)).readResponse()).text).toBe('two');
  expect((await ask(admin, get('/readyz'))).text).toBe('ok\n');
  expect(childrenOf(successor).length).toBe(2);
  process.kill(successor, 'SIGTERM');
  // Its streams are those of its successor, too.
  expect(await program.ended()).toBe(0);
  await until(() => !existsSync(`${path}/pid`), 'it has removed its PID file');
  expect(existsSync(socket), 'it has removed its socket').toBe(false);
});

const HANGING = 'await new Promise((resolve) => setTimeout(resolve, 1e9));';

/** Starts an upgrade whose start hangs; resolves to the process number of the next version. */
async function hangingUpgrade({ program, path }: Service): Promise<number> {
  const [worker = 0] = childrenOf(program.pid);
  await writeFile(`${path}/app.mjs`, HANGING);
  program.signal('SIGUSR2');
  await until(() => childrenOf(program.pid).some((pid) => pid !== worker), 'the next version has begun');
  return childrenOf(program.pid).find((pid) => pid !== worker) ?? 0;
}

test('a next version that hangs at its start is ended by the next SIGUSR2', async () => {
  const service = await start('--listen', '127.0.0.1:0', '--workers', '1');
  const { program, path, port, pid } = service;
  const hanging = await hangingUpgrade(service);
  await writeFile(`${path}/app.mjs`, version('two'));
  program.signal('SIGUSR2');
  await until(() => program.stderr.includes('has taken over'), 'it is replaced');
  await until(() => !isAlive(hanging) && !isAlive(program.pid), 'both have ended');
  const successor = await pid();
  expect(program.stderr).toBe(`epoll-server: process ${successor} has taken over\n`);
  expect((await ask(port, get('/', LAST))).text).toBe('two');
  process.kill(successor, 'SIGTERM');
  expect(await program.ended()).toBe(0);
});

test('a server that ends takes the next version along that has not started yet', async () => {
  const service = await start('--listen', '127.0.0.1:0', '--workers', '1');
  const hanging = await hangingUpgrade(service);
  service.program.signal('SIGTERM');
  expect(await service.program.ended()).toBe(0);
  await until(() => !isAlive(hanging), 'it has ended');
});

test('a next version that does not start changes nothing', async () => {
  const { program, path, port, pid } = await start('--listen', '127.0.0.1:0', '--workers', '1');
  await writeFile(`${path}/app.mjs`, 'nonsense');
  program.signal('SIGUSR2');
  await until(() => program.stderr.includes('this version goes on: the new version did not start'), 'it is said');
  expect((await ask(port, get('/', LAST))).text).toBe('one');
  expect(await pid()).toBe(program.pid);
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
  expect(existsSync(`${path}/pid`)).toBe(false);
});

test('without workers SIGUSR2 is refused in words, and a running process keeps its PID file', async () => {
  const { program, path, port } = await start('--port', '0');
  program.signal('SIGUSR2');
  await until(() => program.stderr !== '', 'it is said');
  expect(program.stderr).toBe('epoll-server: SIGUSR2 needs workers: start the server with --workers N\n');
  expect((await ask(port, get('/', LAST))).text).toBe('one');
  const second = startCommand(['0', `${path}/app.mjs`, '--pid-file', `${path}/pid`]);
  expect(await second.ended()).toBe(1);
  expect(second.stderr).toBe(
    `epoll-server: ${path}/pid names process ${program.pid}, which is running: end it first, or remove the file if it is another program\n`,
  );
  expect(second.stdout).toBe('');
});

test('of two starts at one moment with one PID file one serves', async () => {
  const waiting = `import { existsSync } from 'node:fs';
    process.stdout.write('loading\\n');
    while (!existsSync(new URL('go', import.meta.url))) await new Promise((resolve) => setTimeout(resolve, 10));`;
  const path = await folder({ 'app.mjs': `${waiting}\n${version('one')}` });
  const both = [1, 2].map(() => startCommand(['0', `${path}/app.mjs`, '--pid-file', `${path}/pid`]));
  // Both have passed the first look at the file.
  for (const each of both) await until(() => each.stdout === 'loading\n', 'its application loads');
  await writeFile(`${path}/go`, '');
  await until(() => both.some(({ exit }) => exit !== null), 'one ends');
  const [served, refused] = both[0]?.exit === null ? both : both.toReversed();
  expect(await refused?.ended()).toBe(1);
  expect(refused?.stderr).toContain(`${path}/pid names process ${served?.pid}, which is running`);
  expect(await readFile(`${path}/pid`, 'utf8')).toBe(`${served?.pid}\n`);
  served?.signal('SIGTERM');
  expect(await served?.ended()).toBe(0);
  expect((await readdir(path)).toSorted()).toEqual(['app.mjs', 'go']);
});

test('epoll-server reload FILE reloads; a stale file is replaced', async () => {
  const path = await folder({ 'app.mjs': version('one'), pid: '2147483646\n' });
  const program = startCommand(['0', `${path}/app.mjs`, '--pid-file', `${path}/pid`, '--workers', '1']);
  const port = await portOf(program);
  await until(async () => (await readFile(`${path}/pid`, 'utf8')) === `${program.pid}\n`, 'it is replaced');
  await writeFile(`${path}/app.mjs`, version('two'));
  expect(await run(['reload', `${path}/pid`])).toMatchObject({ exit: 0, stderr: '' });
  await until(() => program.stderr.includes('reload: the application was restarted'), 'it has reloaded');
  await until(async () => (await ask(port, get('/', LAST))).text === 'two', 'the new worker serves');
});

test.each([
  [['reload'], 2, /^epoll-server: reload needs one argument, the PID file: epoll-server reload FILE; see --help\n$/],
  [['reload', '/nowhere/pid'], 1, /^epoll-server: the process of \/nowhere\/pid cannot be reloaded: ENOENT[^\n]*\n$/],
  [['reload', 'package.json'], 1, /cannot be reloaded: it does not have the number of a process\n$/],
  [['0', '--user', 'nobody'], 2, /^epoll-server: --user and --group are those of workers: add --workers N[^\n]*\n$/],
  [['0', '--umask', '999'], 2, /^epoll-server: --umask must be octal digits such as 027, not "999"[^\n]*\n$/],
  [['0', '--pid-file', '/nowhere/at/all/pid'], 1, /^epoll-server: the PID file cannot be written: ENOENT[^\n]*\n$/],
] as const)('%j is one clear line', async (args, exit, message) => {
  const outcome = await run(args);
  expect(outcome).toMatchObject({ exit });
  expect(outcome.stderr).toMatch(message);
});

test('SIGUSR1 makes the server and its workers open the log again; --umask holds for it', async () => {
  const path = await folder({ 'app.mjs': version('one') });
  const log = `${path}/log`;
  const args = ['0', `${path}/app.mjs`, '--workers', '1', '--access-log', log, '--umask', '027'];
  const program = startCommand(args);
  const port = await portOf(program);
  await ask(port, get('/first', LAST));
  await until(async () => (await readFile(log, 'utf8')).includes('/first'), 'it is logged');
  expect(statSync(log).mode & 0o777).toBe(0o640);
  await rename(log, `${log}.1`);
  program.signal('SIGUSR1');
  await until(async () => {
    await ask(port, get('/second', LAST));
    return existsSync(log) && (await readFile(log, 'utf8')).includes('/second');
  }, 'it is opened again');
});
