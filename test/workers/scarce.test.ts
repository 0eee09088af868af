// Tests that a child process or thread which cannot be started for lack of resources is started later, and that nothing
// ends meanwhile. A preloaded module makes starts fail while a file exists.

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { ask, connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { type Program, portOf, REPOSITORY, startProgram } from '../support/program.ts';
import { until } from '../support/until.ts';

const PRELOAD = `
import childProcess from 'node:child_process';
import { existsSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

const isThere = (name) => existsSync(new URL(name, import.meta.url));
const refuse = () => {
  if (isThere('refuse')) throw Object.assign(new Error('EAGAIN on purpose'), { code: 'EAGAIN' });
};
const { spawn } = childProcess;
childProcess.spawn = (...args) => {
  refuse();
  return spawn(...args);
};
const { Worker } = threads;
threads.Worker = class extends Worker {
  constructor(file, ...rest) {
    refuse();
    super(isThere('stillborn') ? '/nowhere/on/purpose.js' : file, ...rest);
  }
};
syncBuiltinESMExports();
`;

function version(text: string): string {
  return `export const application = (environ, startResponse) => {
    if (environ.PATH_INFO === '/exit') process.exit(5);
    startResponse('200 OK', []);
    return ${JSON.stringify(text)};
  };`;
}

interface Scarce {
  readonly program: Program;
  readonly port: number;
  readonly path: string;
  refuse(how: 'refuse' | 'stillborn'): Promise<void>;
  allow(): Promise<void>;
}

async function startScarce(model: string, ...flags: readonly string[]): Promise<Scarce> {
  const path = await folder({ 'preload.mjs': PRELOAD, 'app/app.mjs': version('one') });
  const program = startProgram(
    process.execPath,
    [
      `--import=${pathToFileURL(join(path, 'preload.mjs')).href}`,
      `dist/${model}-server.js`,
      '0',
      join(path, 'app/app.mjs'),
      ...flags,
    ],
    { cwd: REPOSITORY },
  );
  return {
    program,
    port: await portOf(program),
    path,
    refuse: (how) => writeFile(join(path, how), ''),
    allow: async () => {
      await rm(join(path, 'refuse'), { force: true });
      await rm(join(path, 'stillborn'), { force: true });
    },
  };
}

test('--watch: the application is restarted once its process can be started', async () => {
  const { program, port, path, refuse, allow } = await startScarce('epoll', '--watch');
  const text = async (): Promise<string> => (await ask(port, get('/', 'Connection: close'))).text;
  await refuse('refuse');
  await writeFile(join(path, 'app/app.mjs'), version('two'));
  await until(
    () => program.stderr.includes('stays in service for now: cannot start a process: EAGAIN'),
    'the failure is logged',
  );
  expect(await text()).toBe('one');
  await allow();
  await until(async () => (await text()) === 'two', 'the new application responds');
});

test('--workers: a child that died is replaced once a process can be started', async () => {
  const { program, port, refuse, allow } = await startScarce('epoll', '--workers', '1');
  await refuse('refuse');
  await connect(port).then((client) => client.send(get('/exit')).closed());
  await until(() => program.stderr.includes('EAGAIN on purpose'), 'the failure is logged');
  await allow();
  await until(
    () =>
      ask(port, get('/', 'Connection: close')).then(
        ({ text }) => text === 'one',
        () => false,
      ),
    'another took its place',
  );
});

test('multithread: a client whose thread cannot be started gets 503, and the next one is served', async () => {
  const { program, port, refuse, allow } = await startScarce('multithread');
  await refuse('refuse');
  expect((await ask(port, get('/'))).status).toBe(503);
  await until(
    () => program.stderr.includes('a client was rejected with 503: EAGAIN on purpose'),
    'the failure is logged',
  );
  await allow();
  expect((await ask(port, get('/'))).text).toBe('one');
  expect(program.exit).toBeNull();
});

test('--offload: when a thread cannot be started, another thread handles the waiting request', async () => {
  const { program, port, refuse, allow } = await startScarce('epoll', '--offload', '1');
  await refuse('stillborn');
  expect((await ask(port, get('/exit'))).status).toBe(500);
  const waiting = ask(port, get('/'));
  await until(() => program.stderr.includes('/nowhere/on/purpose.js'), 'the failure is logged');
  await allow();
  expect((await waiting).text).toBe('one');
});
