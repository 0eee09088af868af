// The file with the number of the main process, for `epoll-server reload FILE` and scripts.

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { EpollServerError, messageOf } from '../errors.ts';
import { logLine } from '../log/log-line.ts';
import { DIGITS } from '../options/digits.ts';

export class PidFile {
  readonly #path: string;

  constructor(path: string) {
    // An application may change the working folder.
    this.#path = resolve(path);
  }

  /** @throws EpollServerError `ERR_PID_FILE`: it names a process that runs. */
  refuseRunning(): void {
    const pid = this.#read();
    if (pid === null || pid === process.pid || !isRunning(pid)) return;
    throw new EpollServerError(
      'ERR_PID_FILE',
      `${this.#path} names process ${pid}, which is running: end it first, or remove the file if it is another program`,
    );
  }

  /**
   * Writes the whole file at once, so that no reader sees a part of it. `isSuccessor`: it replaces that of the earlier
   * version.
   * @throws EpollServerError `ERR_PID_FILE`: also if another start has written it meanwhile.
   */
  write(isSuccessor: boolean): void {
    const draft = `${this.#path}.${process.pid}`;
    try {
      writeFileSync(draft, `${process.pid}\n`, { mode: 0o644 });
      if (isSuccessor) renameSync(draft, this.#path);
      else this.#create(draft);
    } catch (error) {
      rmSync(draft, { force: true });
      if (error instanceof EpollServerError) throw error;
      const text = `the PID file cannot be written: ${messageOf(error)}`;
      throw new EpollServerError('ERR_PID_FILE', text, { cause: error });
    }
  }

  /** Unlike a rename, a link fails if the file exists. Of two starts at the same time, one creates it. */
  #create(draft: string): void {
    try {
      linkSync(draft, this.#path);
    } catch {
      this.refuseRunning();
      // The file names a process that has ended.
      rmSync(this.#path, { force: true });
      this.#createInPlace(draft);
    }
    rmSync(draft);
  }

  #createInPlace(draft: string): void {
    try {
      linkSync(draft, this.#path);
    } catch (error) {
      this.refuseRunning();
      throw error;
    }
  }

  /** Removes the file, unless a successor has written its own number. */
  remove(): void {
    if (this.#read() !== process.pid) return;
    try {
      rmSync(this.#path);
    } catch (error) {
      logLine(`the PID file cannot be removed: ${messageOf(error)}`);
    }
  }

  /** The number in the file; null: there is none. */
  #read(): number | null {
    try {
      return pidOf(readFileSync(this.#path, 'utf8'));
    } catch {
      return null;
    }
  }
}

function pidOf(text: string): number | null {
  const digits = text.trim();
  const pid = DIGITS.test(digits) ? Number(digits) : 0;
  return pid > 0 && pid < 2 ** 31 ? pid : null;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs as another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * `epoll-server reload FILE`: asks the process that a PID file names to reload. Returns the exit code.
 * @throws EpollServerError `ERR_OPTION`, `ERR_PID_FILE`.
 */
export function reloadByPidFile(args: readonly string[]): number {
  const [path, ...others] = args;
  if (path === undefined || others.length > 0 || path.startsWith('-')) {
    throw new EpollServerError('ERR_OPTION', 'reload needs one argument, the PID file: epoll-server reload FILE');
  }
  try {
    const pid = pidOf(readFileSync(path, 'utf8'));
    if (pid === null) throw new Error('it does not have the number of a process');
    process.kill(pid, 'SIGHUP');
    return 0;
  } catch (error) {
    const text = `the process of ${path} cannot be reloaded: ${messageOf(error)}`;
    throw new EpollServerError('ERR_PID_FILE', text, { cause: error });
  }
}
