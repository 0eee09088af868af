// Tests that --watch replaces the processes of an application when its files change, that no client is rejected meanwhile,
// and that an application which does not load leaves the old processes running.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FileWatch } from '../../src/workers/file-watch.ts';
import { childrenOf } from '../models/models.ts';
import { ask, connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { COMMAND, type Program, portOf, startCommand, startProgram } from '../support/program.ts';
import { pause, until } from '../support/until.ts';

function version(text: string): string {
  return `import { part } from './part.mjs';
    export const application = async (environ, startResponse) => {
      if (environ.PATH_INFO === '/slow') await new Promise((resolve) => setTimeout(resolve, 400));
      if (environ.PATH_INFO === '/exit') process.exit(5);
      startResponse('200 OK', []);
      return ${JSON.stringify(text)} + part;
    };`;
}

interface Watched {
  readonly program: Program;
  readonly port: number;
  readonly path: string;
  text(): Promise<string>;
  save(name: string, text: string): Promise<void>;
}

async function startWatched(...flags: readonly string[]): Promise<Watched> {
  const path = await folder({ 'app.mjs': version('one'), 'part.mjs': "export const part = '';" });
  const program = startCommand(['0', join(path, 'app.mjs'), '--watch', '--no-access-log', ...flags]);
  const port = await portOf(program);
  return {
    program,
    port,
    path,
    text: async () => (await ask(port, get('/', 'Connection: close'))).text,
    save: (name, text) => writeFile(join(path, name), text),
  };
}

const restarts = ({ program }: Watched): number => program.stderr.split('the application was restarted').length - 1;

test('a saved file restarts the application, and the port stays open', async () => {
  const site = await startWatched();
  const { port, program } = site;
  expect(await site.text()).toBe('one');
  let isOver = false;
  let asked = 0;
  const visitor = (async () => {
    while (!isOver) {
      expect((await ask(port, get('/', 'Connection: close'))).status).toBe(200);
      asked++;
      // Without a rest, the requests would take the processors from the processes that start.
      await pause(3);
    }
  })();
  const slow = ask(port, get('/slow', 'Connection: close'));
  await site.save('app.mjs', version('two'));
  await until(async () => (await site.text()) === 'two', 'the new application responds');
  expect((await slow).status).toBe(200);
  await site.save('part.mjs', "export const part = ' parts';");
  await until(async () => (await site.text()) === 'two parts', 'a change of an imported file causes a restart');
  isOver = true;
  await visitor;
  expect(asked).toBeGreaterThan(5);
  await until(() => restarts(site) >= 2, 'both restarts are reported');
  // On a slow machine one save may cause two restarts.
  expect(program.stderr).toMatch(/^(?:epoll-server: files changed: the application was restarted\n){2,}$/);
  await until(() => childrenOf(program.pid).length === 1, 'the old processes have ended');
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
});

test('a change while the first process loads causes a restart', async () => {
  const text = `import { writeFileSync } from 'node:fs';
    import { part } from './part.mjs';
    if (part === '') writeFileSync(new URL('./part.mjs', import.meta.url), "export const part = ' edited';");
    export const application = (environ, startResponse) => {
      startResponse('200 OK', []);
      return 'loaded' + part;
    };`;
  const path = await folder({ 'app.mjs': text, 'part.mjs': "export const part = '';" });
  const program = startCommand(['0', join(path, 'app.mjs'), '--watch', '--no-access-log']);
  const port = await portOf(program);
  await until(
    async () => (await ask(port, get('/', 'Connection: close'))).text === 'loaded edited',
    'the change causes a restart',
  );
});

test('each new release behind a link restarts the application', async () => {
  const path = await folder(
    Object.fromEntries(
      ['1', '2', '3'].flatMap((release) => [
        [`releases/${release}/app.mjs`, version(release)],
        [`releases/${release}/part.mjs`, "export const part = '';"],
      ]),
    ),
  );
  await symlink('releases/1', join(path, 'current'));
  const program = startCommand(['0', join(path, 'current/app.mjs'), '--watch', '--no-access-log']);
  const port = await portOf(program);
  const text = async (): Promise<string> => (await ask(port, get('/', 'Connection: close'))).text;
  expect(await text()).toBe('1');
  for (const release of ['2', '3']) {
    await symlink(`releases/${release}`, join(path, 'next'));
    await rename(join(path, 'next'), join(path, 'current'));
    await until(async () => (await text()) === release, 'the new release responds');
  }
  await writeFile(join(path, 'releases/3/part.mjs'), "export const part = ' edited';");
  await until(async () => (await text()) === '3 edited', 'an edit of the new release causes a restart');
});

test('after a syntax error the old application stays in service until the next valid save', async () => {
  const site = await startWatched();
  await site.save('app.mjs', '\nexport const = 1;');
  await until(() => /stays in service until the next change\n/.test(site.program.stderr), 'the failure is logged');
  const lines = site.program.stderr.split('\n');
  expect(lines[0]).toMatch(/^epoll-server: \/.*app\.mjs does not load: Unexpected token '=' \(.*app\.mjs:2\)$/);
  expect(lines.slice(1)).toEqual(['epoll-server: the old application stays in service until the next change', '']);
  for (let i = 0; i < 3; i++) expect(await site.text()).toBe('one');
  await pause(1_300);
  expect(site.program.stderr.split('\n')).toHaveLength(3);
  await site.save('app.mjs', version('healed'));
  await until(async () => (await site.text()) === 'healed', 'the corrected application responds');
});

test('a module that never finishes loading is replaced after the next save', async () => {
  const site = await startWatched();
  await site.save('app.mjs', `process.stdout.write('stuck\\n'); await new Promise(() => {});`);
  await until(() => site.program.stdout.includes('stuck\n'), 'the module is loading');
  expect(await site.text()).toBe('one');
  await site.save('app.mjs', version('mended'));
  await until(async () => (await site.text()) === 'mended', 'the corrected module responds');
  await until(() => restarts(site) > 0, 'the restart is reported');
  expect(site.program.stderr).toMatch(/^(?:epoll-server: files changed: the application was restarted\n)+$/);
});

test('a recreated folder and a changed config file cause restarts', async () => {
  const path = await folder({ 'site.yaml': 'port: 0\napp: ./app/app.mjs\nwatch: true', 'app/app.mjs': version('one') });
  await writeFile(join(path, 'app/part.mjs'), "export const part = '';");
  const program = startCommand(['--config', join(path, 'site.yaml')]);
  const port = await portOf(program);
  const text = async (): Promise<string> => (await ask(port, get('/', 'Connection: close'))).text;
  await rm(join(path, 'app'), { recursive: true });
  await until(() => /stays in service until the next change\n/.test(program.stderr), 'the failure is logged');
  expect(await text()).toBe('one');
  await mkdir(join(path, 'app'));
  await writeFile(join(path, 'app/part.mjs'), "export const part = '';");
  await writeFile(join(path, 'app/app.mjs'), version('back'));
  await until(async () => (await text()) === 'back', 'the recreated application responds');
  await writeFile(join(path, 'new.yaml'), 'port: 0\napp: ./app/app.mjs\nwatch: true\nserverHeader: mine');
  await rename(join(path, 'new.yaml'), join(path, 'site.yaml'));
  await until(async () => (await ask(port, get('/'))).field('server') === 'mine', 'the changed config file applies');
});

test('--watch goes on while the config file is broken, or missing for a moment', async () => {
  const name = 'epoll-server.config.yaml';
  const settings = (server: string): string => `port: 0\napp: ./app.mjs\nwatch: true\nserverHeader: ${server}`;
  const path = await folder({
    [name]: settings('one'),
    'app.mjs': version('one'),
    'part.mjs': "export const part = '';",
  });
  const program = startCommand([], { cwd: path });
  const port = await portOf(program);
  const kept = (): number => program.stderr.split('stays in service until the next change').length - 1;
  const server = async (): Promise<string | undefined> => (await ask(port, get('/'))).field('server');
  await writeFile(join(path, name), 'app: [');
  await until(() => kept() === 1, 'the broken file is reported');
  await rm(join(path, name));
  await until(() => kept() === 2, 'the missing file is reported');
  await writeFile(join(path, name), settings('two'));
  await until(async () => (await server()) === 'two', 'the new file applies');
  await writeFile(join(path, 'app.mjs'), version('two'));
  await until(async () => (await ask(port, get('/'))).text === 'two', 'the application is still watched');
});

test('many changes at once cause few restarts, and files that are not sources cause none', async () => {
  const site = await startWatched();
  for (let i = 0; i < 200; i++) {
    await site.save('app.mjs', version(`storm ${i}`));
    await writeFile(join(site.path, `generated-${i % 50}.mjs`), `export default ${i};`);
  }
  await until(async () => (await site.text()) === 'storm 199', 'the last version responds');
  await until(() => childrenOf(site.program.pid).length === 1, 'one process is left');
  // The line about the last restart may arrive later, and the last changes may cause another one.
  let count = -1;
  while (count !== restarts(site)) {
    count = restarts(site);
    await pause(2_000);
  }
  expect(count).toBeLessThan(20);
  await mkdir(join(site.path, 'node_modules'));
  await mkdir(join(site.path, '.git'));
  for (const name of ['data.db', 'access.log', 'node_modules/a.js', '.git/a.js', '.app.mjs.swp'])
    await site.save(name, 'x');
  await pause(600);
  expect(restarts(site)).toBe(count);
  await writeFile(join(site.path, 'app.mjs.new'), version('renamed'));
  await rename(join(site.path, 'app.mjs.new'), join(site.path, 'app.mjs'));
  await until(async () => (await site.text()) === 'renamed', 'a renamed file causes a restart');
});

test('a process that dies is replaced without a change of a file', async () => {
  const site = await startWatched();
  const client = await connect(site.port);
  client.send(get('/exit'));
  await client.closed();
  await until(
    () => /ended unexpectedly \(exit code 5\); a new one replaces it/.test(site.program.stderr),
    'the warning is logged',
  );
  expect(await site.text()).toBe('one');
});

test('several workers are all replaced', async () => {
  const site = await startWatched('--workers', '2');
  expect(childrenOf(site.program.pid)).toHaveLength(2);
  const old = childrenOf(site.program.pid);
  await site.save('app.mjs', version('two'));
  await until(async () => (await site.text()) === 'two', 'a new process responds');
  await until(() => {
    const children = childrenOf(site.program.pid);
    return children.length === 2 && children.every((pid) => !old.includes(pid));
  }, 'two new ones have replaced the old ones');
});

test('an application that does not load at the start is one line and exit code 2', async () => {
  const path = await folder({ 'app.mjs': 'throw new Error("on purpose");' });
  const program = startCommand(['0', join(path, 'app.mjs'), '--watch']);
  expect(await program.ended()).toBe(2);
  expect(program.stderr).toMatch(/^epoll-server: [^\n]*app\.mjs does not load: on purpose [^\n]*\n$/);
  expect(program.stdout).toBe('');
});

test.each([
  [['0', '--watch'], /--watch restarts an application, and there is none: add --app MODULE or --dynamic FOLDER/],
  [
    ['0', 'examples/hello-wsgi.js', '--watch', '--model', 'select'],
    /the model select does not support --watch: use epoll/,
  ],
])('%j is rejected', async (args, line) => {
  const program = startCommand(args);
  expect(await program.ended()).toBe(2);
  expect(program.stderr).toMatch(/^epoll-server: [^\n]+\n$/);
  expect(program.stderr).toMatch(line);
});

test('a changed link in the path is reported, and its new target is watched', async () => {
  const parent = await folder({ '1/app/a.mjs': '1', '2/app/a.mjs': '2' });
  await symlink('1', `${parent}/current`);
  let changes = 0;
  const watch = new FileWatch(
    async () => [`${parent}/current/app`],
    () => void changes++,
  );
  onTestFinished(() => watch.end());
  await watch.begin();
  await symlink('2', `${parent}/next`);
  await rename(`${parent}/next`, `${parent}/current`);
  await until(() => changes > 0, 'the new release is reported');
  const before = changes;
  await until(async () => {
    await writeFile(`${parent}/2/app/a.mjs`, `${performance.now()}`);
    return changes > before;
  }, 'a change in it is noticed');
});

test('a parent that ends while a child starts leaves no child and no error message', async () => {
  const path = await folder();
  const text = `import { existsSync, writeFileSync } from 'node:fs';
    writeFileSync(new URL('./loading', import.meta.url), '');
    while (!existsSync(new URL('./go', import.meta.url))) await new Promise((resolve) => setTimeout(resolve, 10));
    export const application = () => '';`;
  await writeFile(join(path, 'app.mjs'), text);
  const program = startCommand(['0', join(path, 'app.mjs'), '--watch', '--no-access-log']);
  await until(() => existsSync(join(path, 'loading')), 'the child loads the application');
  program.signal('SIGKILL');
  // The child inherits standard error, which ends when both processes have ended.
  await writeFile(join(path, 'go'), '');
  expect(await program.ended()).toBe('SIGKILL');
  expect(program.stderr).toBe('');
});

/** Longer than a start takes on a busy machine. */
const HANG_MS = 2_000;
const HANG = `import { writeSync } from 'node:fs';
  writeSync(1, 'hangs\\n');
  while (true);`;
/** As {@link HANG}, in a process that has turns. */
const WAIT = `import { writeSync } from 'node:fs';
  writeSync(1, 'hangs\\n');
  await new Promise(() => setInterval(() => {}, 1_000));`;
const HUNG = new RegExp(`process \\d+ did not start: it did not answer for ${HANG_MS} ms, and was killed\\n`);

test('a worker that hangs at its first start ends the start with one line', async () => {
  const path = await folder({ 'app.mjs': HANG });
  const program = startCommand(['0', join(path, 'app.mjs'), '--workers', '1', '--hang-timeout-ms', `${HANG_MS}`]);
  expect(await program.ended()).toBe(1);
  expect(program.stderr).toMatch(new RegExp(`^epoll-server: ${HUNG.source}$`));
});

test('a worker that hangs while it starts after a reload is killed, and the old ones stay', async () => {
  const site = await startWatched('--hang-timeout-ms', `${HANG_MS}`);
  await site.save('app.mjs', HANG);
  const failed = /stays in service until the next change\n$/;
  await until(() => failed.test(site.program.stderr), 'the new worker is killed');
  expect(site.program.stderr).toMatch(HUNG);
  expect(await site.text()).toBe('one');
  expect(childrenOf(site.program.pid)).toHaveLength(1);
});

test('a signal during the start takes a worker along that hangs', async () => {
  const path = await folder({ 'app.mjs': HANG });
  const program = startCommand(['0', join(path, 'app.mjs'), '--workers', '1']);
  await until(() => program.stdout.includes('hangs\n'), 'the worker hangs');
  program.signal('SIGTERM');
  // The worker inherits standard output, which ends when both have ended.
  expect(await program.ended()).toBe('SIGTERM');
});

// Only Linux ends a process that hangs with its parent (PR_SET_PDEATHSIG).
test.each([['waits', WAIT], ...(process.platform === 'linux' ? [['hangs', HANG]] : [])])(
  'a worker that %s while it loads ends with a parent that is killed',
  async (_how, text) => {
    const path = await folder({ 'app.mjs': text });
    const program = startCommand(['0', join(path, 'app.mjs'), '--workers', '1']);
    await until(() => program.stdout.includes('hangs\n'), 'the worker loads');
    program.signal('SIGKILL');
    // The worker inherits standard output, which ends when both have ended.
    expect(await program.ended()).toBe('SIGKILL');
  },
);

test('a signal ends a server without workers whose application hangs while it loads', async () => {
  const program = startCommand(['0', join(await folder({ 'app.mjs': HANG }), 'app.mjs')]);
  await until(() => program.stdout.includes('hangs\n'), 'the application hangs');
  program.signal('SIGTERM');
  expect(await program.ended()).toBe('SIGTERM');
});

const NAMESPACE = ['--pid', '--fork', '--kill-child'];
const mayUnshare = spawnSync('unshare', [...NAMESPACE, 'true']).status === 0;

test.runIf(mayUnshare)('a signal ends process 1 of a container while it loads', async () => {
  const path = await folder({ 'app.mjs': WAIT });
  const program = startProgram('unshare', [...NAMESPACE, process.execPath, COMMAND, '0', join(path, 'app.mjs')]);
  await until(() => program.stdout.includes('hangs\n'), 'the application loads');
  const [pid = 0] = childrenOf(program.pid);
  process.kill(pid, 'SIGTERM');
  expect(await program.ended()).toBe(143);
});
