// The next version of this program: the same command, started again from what is installed now, on the same listeners.

import { type ChildProcess, spawn } from 'node:child_process';
import { EpollServerError, messageOf } from '../errors.ts';
import { SOCKETS_OF_PARENT } from '../options/systemd-sockets.ts';
import { type PassedSockets, passedEnvironment } from './passed-sockets.ts';
import { INHERITED_FD, ticketsEnvironment } from './role.ts';

/**
 * Starts it with `sockets`; resolves to its process number when it serves. Until then it ends with this process, or when
 * `signal` is aborted.
 * @throws EpollServerError `ERR_WORKER`: it could not be started, or ended before it served.
 */
export async function startSuccessor(sockets: PassedSockets, signal: AbortSignal): Promise<number> {
  const fds = Object.values(sockets).flat();
  const numbers = new Map(fds.map((fd, at) => [fd, INHERITED_FD + at]));
  const passed = Object.fromEntries(
    Object.entries(sockets).map(([address, own]) => [address, own.map((fd) => numbers.get(fd) ?? fd)]),
  );
  const { LISTEN_PID: listenPid, WATCHDOG_PID: _, ...others } = process.env;
  const systemd = listenPid === undefined ? {} : { LISTEN_PID: SOCKETS_OF_PARENT };
  const env = { ...others, ...systemd, ...passedEnvironment(passed), ...ticketsEnvironment() };
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      env,
      stdio: ['inherit', 'inherit', 'inherit', ...fds, 'ipc'],
    });
  } catch (error) {
    throw failed(messageOf(error));
  }
  const end = (): void => void child.kill();
  process.once('exit', end);
  signal.addEventListener('abort', end);
  try {
    const pid = await servingPid(child);
    child.disconnect();
    child.unref();
    return pid;
  } finally {
    process.off('exit', end);
    signal.removeEventListener('abort', end);
  }
}

function servingPid(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve(child.pid ?? 0));
    child.once('error', (error) => reject(failed(error.message)));
    child.once('exit', (code, signal) => reject(failed(signal ?? `exit code ${code}`)));
  });
}

function failed(why: string): EpollServerError {
  return new EpollServerError('ERR_WORKER', `the new version did not start: ${why}`);
}
