// A process of its own for some clients: this same program once more, with inherited sockets.

import { type ChildProcess, spawn } from 'node:child_process';
import { EpollServerError, messageOf } from '../errors.ts';
import type { Child } from './child.ts';
import { environmentFor, type Role } from './role.ts';

/**
 * Starts this program with `role`; `fds` are there from descriptor 3 on, and still the caller's to close here.
 * @throws EpollServerError `ERR_WORKER` when the system has no process, descriptor or memory left.
 */
export function startProcess(role: Role, fds: readonly number[]): Child {
  const child = spawned(role, fds);
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const taken = new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    void ended.then((how) => reject(new Error(how)));
  });
  return {
    name: `process ${child.pid}`,
    taken,
    ended,
    stop: (now) => {
      const end = (): boolean => child.kill('SIGTERM');
      // The signal ends a process that has not begun, and cuts its client off.
      if (now) end();
      else taken.then(end, () => {});
    },
    kill: () => child.kill('SIGKILL'),
  };
}

function spawned(role: Role, fds: readonly number[]): ChildProcess {
  const script = process.argv.slice(1);
  // INHERITED_FD is what follows the standard streams.
  const stdio: ('ignore' | 'inherit' | 'ipc' | number)[] = ['ignore', 'inherit', 'inherit', ...fds, 'ipc'];
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [...process.execArgv, ...script], { env: environmentFor(role), stdio });
  } catch (error) {
    throw noProcess(messageOf(error));
  }
  // What befalls the line to a running child is told by its end.
  child.on('error', () => {});
  if (child.pid === undefined) throw noProcess('descriptors, memory or processes ran out');
  return child;
}

function noProcess(why: string): EpollServerError {
  return new EpollServerError('ERR_WORKER', `no process can be started: ${why}`);
}
