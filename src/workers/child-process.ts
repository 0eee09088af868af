// A child process that serves clients: the same program, started with inherited sockets.

import { type ChildProcess, spawn } from 'node:child_process';
import { EpollServerError, messageOf } from '../errors.ts';
import type { Child } from './child.ts';
import { environmentFor, type Role } from './role.ts';

/**
 * Starts this program with `role`. `fds` become descriptors 3 and up of the child; the caller still has to close its
 * own.
 * @throws EpollServerError `ERR_WORKER` when the system has no process, descriptor or memory left.
 */
export function startProcess(role: Role, fds: readonly number[]): Child {
  const child = spawned(role, fds);
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const started = new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    void ended.then((how) => reject(new Error(how)));
  });
  return {
    name: `process ${child.pid}`,
    started,
    ended,
    stop: (now) => {
      const end = (): boolean => child.kill('SIGTERM');
      // The signal also ends a process that has not started yet, and with it its client's connection.
      if (now) end();
      else started.then(end, () => {});
    },
    kill: () => child.kill('SIGKILL'),
  };
}

function spawned(role: Role, fds: readonly number[]): ChildProcess {
  const script = process.argv.slice(1);
  // INHERITED_FD is the number behind the standard streams.
  const stdio: ('ignore' | 'inherit' | 'ipc' | number)[] = ['ignore', 'inherit', 'inherit', ...fds, 'ipc'];
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [...process.execArgv, ...script], { env: environmentFor(role), stdio });
  } catch (error) {
    throw noProcess(messageOf(error));
  }
  // If the channel to a running child fails, the end of the child reports it.
  child.on('error', () => {});
  if (child.pid === undefined) throw noProcess('descriptors, memory or processes ran out');
  return child;
}

function noProcess(why: string): EpollServerError {
  return new EpollServerError('ERR_WORKER', `cannot start a process: ${why}`);
}
