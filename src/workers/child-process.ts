// A child process that serves clients: the same program, started with inherited sockets.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Snapshot } from '../admin/snapshot.ts';
import { EpollServerError, messageOf } from '../errors.ts';
import type { ContentOwner } from '../server/content.ts';
import { ownCertificates } from '../tls/certificate-feed.ts';
import type { Child } from './child.ts';
import { type CertificatesMessage, environmentFor, type ReportedMessage, type Role } from './role.ts';

/**
 * Starts this program with `role`. `fds` become descriptors 3 and up of the child; the caller still has to close its
 * own. `environment`: variables in addition to those of this process.
 * @throws EpollServerError `ERR_WORKER` when the system has no process, descriptor or memory left.
 */
export function startProcess(
  role: Role,
  fds: readonly number[],
  owner: ProcessOwner = {},
  environment: Readonly<Record<string, string>> = {},
): Child {
  return new ProcessChild(spawned(role, fds, owner, environment));
}

/** The user and the group of a process; absent: those of this one. It has no supplementary groups then. */
export type ProcessOwner = ContentOwner;

/** A process that hangs while it starts does not find out that its parent has ended. */
const starting = new Set<ChildProcess>();

/** Ends the processes that have not started yet. */
export function killStarting(): void {
  for (const child of starting) child.kill('SIGKILL');
}

process.on('exit', killStarting);

class ProcessChild implements Child {
  readonly name: string;
  readonly started: Promise<void>;
  readonly ended: Promise<string>;
  cutOff = 0;
  snapshot: Snapshot | null = null;
  readonly #process: ChildProcess;
  #isEnded = false;
  /** Called with the next report, or when there will be none. */
  readonly #waiting = new Set<(isAnswered: boolean) => void>();

  constructor(child: ChildProcess) {
    this.#process = child;
    this.name = `process ${child.pid}`;
    const unfollow = ownCertificates.follow((certificates) => this.#send({ certificates }));
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#isEnded = true;
        unfollow();
        resolve(signal ?? `exit code ${code}`);
        this.#settle(false);
      });
    });
    this.started = new Promise((resolve, reject) => {
      child.on('message', (message) => {
        if (message === 'started') resolve();
      });
      void this.ended.then((how) => reject(new Error(how)));
    });
    starting.add(child);
    const leave = (): boolean => starting.delete(child);
    this.started.then(leave, leave);
    // The same program sends them.
    child.on('message', (message) => this.#received(message as ReportedMessage));
  }

  stop(now: boolean): void {
    const end = (): boolean => this.#process.kill('SIGTERM');
    if (!now) {
      this.started.then(end, () => {});
      return;
    }
    // The signal also ends a process that has not started yet, and with it its client's connection.
    end();
    // Two signals are one if the child has not received the first (signal(7)).
    this.#send('cut');
  }

  reopenLogs(): void {
    this.#send('reopen');
  }

  retire(): void {
    this.started.then(
      () => this.#send('retire'),
      () => {},
    );
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  ask(limitMs: number): Promise<boolean> {
    if (this.#isEnded) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (isAnswered: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        resolve(isAnswered);
      };
      const timer = setTimeout(() => settle(false), limitMs);
      // Not by a handler of `ended`: a parent that asks each second would collect them as long as the child lives.
      this.#waiting.add(settle);
      this.#send('ask');
    });
  }

  #settle(isAnswered: boolean): void {
    for (const settle of [...this.#waiting]) settle(isAnswered);
  }

  #send(message: 'retire' | 'cut' | 'ask' | 'reopen' | CertificatesMessage): void {
    // A child that is ending may have closed the channel: its end is reported.
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  #received(message: ReportedMessage): void {
    if (typeof message === 'string') return;
    this.cutOff = message.cutOff ?? this.cutOff;
    this.snapshot = message.snapshot ?? this.snapshot;
    this.#settle(true);
  }
}

function spawned(
  role: Role,
  fds: readonly number[],
  owner: ProcessOwner,
  environment: Readonly<Record<string, string>>,
): ChildProcess {
  const script = process.argv.slice(1);
  // INHERITED_FD is the number behind the standard streams.
  const stdio: ('ignore' | 'inherit' | 'ipc' | number)[] = ['ignore', 'inherit', 'inherit', ...fds, 'ipc'];
  const env = { ...environmentFor(role), ...environment };
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [...process.execArgv, ...script], { ...owner, env, stdio });
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
