// Tests that the parent of several workers adds up what they count, exactly, also after they were replaced, and that a
// worker which hangs is killed and replaced.

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { childrenOf } from '../models/models.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { type Program, portOf, startCommand } from '../support/program.ts';
import { until } from '../support/until.ts';

const LAST = 'Connection: close';

interface Served {
  readonly program: Program;
  readonly port: number;
  readonly admin: number;
  readonly path: string;
}

async function start(...flags: readonly string[]): Promise<Served> {
  const path = await folder({ 'app.mjs': version('one') });
  const args = ['0', `${path}/app.mjs`, '--workers', '2', '--admin', '127.0.0.1:0', '--no-access-log', ...flags];
  const program = startCommand(args);
  const port = await portOf(program);
  return { program, port, path, admin: Number(await program.announced(/admin listener http:\/\/.*:(\d+)\//)) };
}

function version(text: string): string {
  return `export default { fetch: () => new Response(${JSON.stringify(text)}) };`;
}

async function sample(admin: number, name: string): Promise<number> {
  const { text } = await ask(admin, get('/metrics'));
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length),
  );
}

const FETCHED = 'epoll_server_responses_total{adapter="fetch",class="2xx"}';

async function askFor({ port }: Served, count: number): Promise<ReadonlySet<string>> {
  const texts = new Set<string>();
  for (let i = 0; i < count; i++) texts.add((await ask(port, get('/', LAST))).text);
  return texts;
}

test('SIGHUP replaces the workers, and sums stay exact; a fault in the new version keeps the old one', async () => {
  const site = await start();
  const { program, admin, path } = site;
  expect((await ask(admin, get('/readyz'))).text).toBe('ok\n');
  await askFor(site, 20);
  expect(await sample(admin, FETCHED)).toBe(20);
  await writeFile(`${path}/app.mjs`, version('two'));
  program.signal('SIGHUP');
  await until(() => program.stderr.includes('reload: the application was restarted'), 'it has reloaded');
  await until(() => childrenOf(program.pid).length === 2, 'the old workers have ended');
  expect(await askFor(site, 10)).toEqual(new Set(['two']));
  expect(await sample(admin, FETCHED)).toBe(30);
  expect(await sample(admin, 'epoll_server_serving')).toBe(2);
  await writeFile(`${path}/app.mjs`, 'nonsense');
  program.signal('SIGHUP');
  await until(() => program.stderr.includes('the old application stays in service'), 'it has failed');
  expect(await askFor(site, 3)).toEqual(new Set(['two']));
  expect(await sample(admin, FETCHED)).toBe(33);
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
});

test('a worker that dies after a broken configuration file is replaced by one with the settings in force', async () => {
  const config = join(await folder({ 'site.yaml': 'serverHeader: mine' }), 'site.yaml');
  const { program, port } = await start('--config', config);
  await writeFile(config, 'serverHeader: [');
  program.signal('SIGHUP');
  await until(() => program.stderr.includes('the old application stays in service'), 'the reload has failed');
  const before = childrenOf(program.pid);
  for (const pid of before) process.kill(pid, 'SIGKILL');
  await until(() => childrenOf(program.pid).filter((pid) => !before.includes(pid)).length === 2, 'both are replaced');
  await rm(config);
  await until(
    () =>
      ask(port, get('/', LAST)).then(
        (response) => response.field('server') === 'mine',
        () => false,
      ),
    'the replacements serve',
  );
  expect(program.stderr).not.toContain('did not start');
  await writeFile(config, 'serverHeader: new');
  program.signal('SIGHUP');
  await until(async () => (await ask(port, get('/', LAST))).field('server') === 'new', 'the mended file applies');
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
});

test('a worker that does not start is tried again with pauses, and that is said once', async () => {
  const site = await start();
  const { program, path } = site;
  await writeFile(`${path}/app.mjs`, 'nonsense');
  const [victim = 0] = childrenOf(program.pid);
  process.kill(victim, 'SIGKILL');
  const failures = (): number => program.stderr.split('app.mjs does not load').length - 1;
  await until(() => failures() >= 2, 'it was tried again');
  await writeFile(`${path}/app.mjs`, version('two'));
  await until(() => program.stderr.includes('a worker serves again\n'), 'it serves');
  expect(program.stderr.match(/did not start: exit code 2; it is started again until it serves\n/g)).toHaveLength(1);
  expect(childrenOf(program.pid)).toHaveLength(2);
});

test('a worker that hangs is killed and replaced, and what it has counted stays counted', async () => {
  const site = await start('--hang-timeout-ms', '2000');
  const { program, admin } = site;
  await askFor(site, 20);
  expect(await sample(admin, FETCHED)).toBe(20);
  const [victim = 0] = childrenOf(program.pid);
  process.kill(victim, 'SIGSTOP');
  await until(() => /has not answered for 2000 ms: it is killed/.test(program.stderr), 'it is killed');
  await until(() => /ended unexpectedly \(SIGKILL\); a new one replaces it/.test(program.stderr), 'it is replaced');
  await until(async () => (await sample(admin, 'epoll_server_serving')) === 2, 'two serve again');
  expect(childrenOf(program.pid)).not.toContain(victim);
  expect(await sample(admin, FETCHED)).toBe(20);
  expect(await readFile(`/proc/${victim}/stat`, 'utf8').catch(() => 'gone')).toBe('gone');
});
