// Starts the programs of all models as an operator would, with an application that shows how they serve.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createNativeKernel } from '../../src/kernel/native-kernel.ts';
import { folder } from '../support/folder.ts';
import type { AtEnd } from '../support/prepared.ts';
import { type Program, type ProgramOptions, portOf, REPOSITORY, startProgram } from '../support/program.ts';

export { MODEL_NAMES, type ModelName } from '../../src/options/choices.ts';

export interface Started {
  readonly program: Program;
  readonly port: number;
}

/** Starts `dist/NAME-server.js 0 ...args`. */
export function startModel(name: string, ...args: readonly string[]): Promise<Started> {
  return startModelWith({}, name, ...args);
}

export async function startModelWith(
  options: ProgramOptions,
  name: string,
  ...args: readonly string[]
): Promise<Started> {
  const script = join(REPOSITORY, 'dist', `${name}-server.js`);
  const program = startProgram(process.execPath, [script, '0', ...args], options);
  return { program, port: await portOf(program) };
}

export interface Listening extends Started {
  /** The Unix domain socket. */
  readonly path: string;
  /** The port of the listening socket that it inherited. */
  readonly inheritedPort: number;
}

/** Starts a model that listens on a port, a Unix domain socket and a descriptor that it inherits. */
export async function startListening(name: string, ...args: readonly string[]): Promise<Listening> {
  const kernel = createNativeKernel();
  onTestFinished(() => kernel.destroy());
  const fd = kernel.listen('127.0.0.1', 0, 64);
  const path = join(await folder(), 'a.sock');
  const listen = ['127.0.0.1:0', `unix:${path}`, 'fd:3'].flatMap((address) => ['--listen', address]);
  const script = join(REPOSITORY, 'dist', `${name}-server.js`);
  const program = startProgram(process.execPath, [script, ...listen, ...args], { fds: [fd] });
  return { program, port: await portOf(program), path, inheritedPort: kernel.local(fd).port };
}

const APPLICATION = `
import { existsSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';

const answers = {
  '/server': () => process.pid + '.' + threadId,
  '/later': async () => { await sleep(20); return 'later'; },
  '/gate': async () => {
    process.stdout.write('asked\\n');
    while (!existsSync(new URL('./open', import.meta.url))) await sleep(5);
    return 'opened';
  },
  '/address': async (environ) => {
    await answers['/gate']();
    const { REMOTE_ADDR, REMOTE_PORT, SERVER_NAME, SERVER_PORT } = environ;
    process.stdout.write(['address', REMOTE_ADDR, REMOTE_PORT, SERVER_NAME, SERVER_PORT].join(' ') + '\\n');
    return 'written';
  },
  '/left': async (environ) => {
    await new Promise((resolve) => environ['epoll_server.signal'].addEventListener('abort', resolve));
    return 'all the same';
  },
  '/exit': () => process.exit(7),
  '/throw': () => { throw new Error('on purpose'); },
  '/body': async (environ) => String((await environ['wsgi.input'].bytes()).length),
  '/pieces': () => ['one ', 'two ', 'three'],
  '/stream': async function* () { for (const piece of ['a', 'b', 'c']) { await sleep(2); yield piece; } },
};

export function application(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  const answer = answers[environ.PATH_INFO];
  return answer === undefined ? environ.REQUEST_METHOD + ' ' + environ.PATH_INFO : answer(environ);
}
`;

export interface Application {
  readonly file: string;
  /** Sends the responses to the requests that wait at \`/gate\`. */
  open(): Promise<void>;
}

export async function writeApplication(atEnd?: AtEnd): Promise<Application> {
  const path = await folder({ 'app.mjs': APPLICATION }, atEnd);
  return { file: join(path, 'app.mjs'), open: () => writeFile(join(path, 'open'), '') };
}

/** How many descriptors a process has open. */
export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The child processes of a process that have not been reaped. */
export function childrenOf(pid: number): readonly number[] {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return [];
  return readdirSync(tasks).flatMap((task) => {
    try {
      return readFileSync(`${tasks}/${task}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
    } catch {
      // The thread has ended.
      return [];
    }
  });
}
