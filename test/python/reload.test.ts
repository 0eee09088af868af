// Tests a reload whose configuration names another application, in Python or JavaScript, while a client goes on asking.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { childrenOf } from '../models/models.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { type Program, portOf, startCommand } from '../support/program.ts';
import { until } from '../support/until.ts';

function python(text: string, extra = ''): string {
  return `${extra}\ndef application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'${text}']\n`;
}

const FILES = {
  'one.py': python('one'),
  'two.py': python('two'),
  'three.mjs': "export const application = (environ, startResponse) => (startResponse('200 OK', []), 'three');",
  'one/one.py': python('one'),
  'two/two.py': python('two'),
  'broken.py': 'import nothing_of_that_name\n',
};

interface Site {
  readonly path: string;
  readonly program: Program;
  readonly port: number;
  configure(text: string): Promise<void>;
  text(): Promise<string>;
}

async function startSite(text: string, ...flags: readonly string[]): Promise<Site> {
  const path = await folder(FILES);
  const configure = (own: string): Promise<void> => writeFile(join(path, 'site.yaml'), `port: 0\n${own}`);
  await configure(text);
  const program = startCommand(['--config', 'site.yaml', ...flags], { cwd: path });
  const port = await portOf(program);
  return { path, program, port, configure, text: async () => (await ask(port, get('/'))).text };
}

/** Asks all the time; the returned function ends that, and resolves to the statuses other than 200. */
function askAlways({ port }: Site): () => Promise<readonly number[]> {
  const failed: number[] = [];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const { status } = await ask(port, get('/'));
      if (status !== 200) failed.push(status);
    }
  })();
  return async () => {
    isOver = true;
    await asking;
    return failed;
  };
}

test('SIGHUP takes over another application, also in the other language, and no request is lost', async () => {
  const one = 'app: one:application\npythonWorkers: 1\n';
  const site = await startSite(one, '--workers', '1');
  const { program } = site;
  expect(await site.text()).toBe('one');
  const end = askAlways(site);
  const becomes = async (config: string, text: string): Promise<void> => {
    await site.configure(config);
    program.signal('SIGHUP');
    await until(async () => (await site.text()) === text, `${text} responds`);
  };
  await becomes('app: two:application\npythonWorkers: 1\npythonThreads: 2\n', 'two');
  await becomes('app: ./three.mjs\n', 'three');
  await becomes(one, 'one');
  expect(await end()).toEqual([]);
  await until(() => childrenOf(program.pid).length === 2, 'the processes of the others have ended');
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
  const line = 'epoll-server: reload: the application was restarted\n';
  expect(program.stderr).toBe(line.repeat(3));
});

test('a reload that names an application that does not load leaves the old one in service, and says why', async () => {
  const site = await startSite('app: one:application\npythonWorkers: 1\n', '--workers', '1');
  const { program } = site;
  const cases = [
    [
      'app: [/b=two:application, broken:application]\npythonWorkers: 1\n',
      /broken\.py does not load: ModuleNotFoundError/,
    ],
    ['app: none.py\n', /there is no module .*none\.py/],
    ['app: two:application\npython: /nowhere/python\n', /\/nowhere\/python/],
    ['app: two:application\npythonWorkers: many\n', /pythonWorkers.* must be a whole number/],
  ] as const;
  for (const [config, why] of cases) {
    const before = program.stderr.length;
    await site.configure(config);
    program.signal('SIGHUP');
    const said = (): string => program.stderr.slice(before);
    await until(() => said().includes('the old application stays in service until the next change\n'), 'it is said');
    expect(said()).toMatch(why);
    expect(await site.text()).toBe('one');
  }
  await until(() => childrenOf(program.pid).length === 2, 'the processes of the others have ended');
  await site.configure('app: two:application\npythonWorkers: 1\n');
  program.signal('SIGHUP');
  await until(async () => (await site.text()) === 'two', 'the next change is served');
});

test('the next reload gives up one whose application does not end loading', async () => {
  const site = await startSite('app: one:application\npythonWorkers: 1\n', '--workers', '1');
  const { program } = site;
  const stuck = "import time\nprint('stuck', flush=True)\ntime.sleep(600)\n";
  await writeFile(join(site.path, 'stuck.py'), stuck);
  const hangs = async (times: number): Promise<void> => {
    program.signal('SIGHUP');
    await until(() => program.stderr.split(': stuck\n').length > times, 'it is loading');
    expect(await site.text()).toBe('one');
  };
  await site.configure('app: stuck\npythonWorkers: 1\n');
  await hangs(1);
  // The same application as the one in service, which hangs when it is loaded again.
  await writeFile(join(site.path, 'one.py'), stuck);
  await site.configure('app: one:application\npythonWorkers: 1\n');
  await hangs(2);
  await site.configure('app: two:application\npythonWorkers: 1\n');
  program.signal('SIGHUP');
  await until(async () => (await site.text()) === 'two', 'the last one responds');
});

test('--watch follows the application that the configuration names', async () => {
  const site = await startSite('app: one/one.py\npythonWorkers: 1\n', '--watch');
  await site.configure('app: two/two.py\npythonWorkers: 1\n');
  await until(async () => (await site.text()) === 'two', 'the other application responds');
  await writeFile(join(site.path, 'two/two.py'), python('changed'));
  await until(async () => (await site.text()) === 'changed', 'its change is served');
});
