// A Python process that runs an application, as its owner sees it. Its other half is epoll_server_worker.py.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { EpollServerError, messageOf } from '../errors.ts';
import { logLine } from '../log/log-line.ts';
import { programPath } from '../package.ts';
import type { Child } from '../workers/child.ts';
import type { ProcessOwner } from '../workers/child-process.ts';
import { checkInterpreter } from './interpreter.ts';
import { LineSplitter } from './line-splitter.ts';
import { loadFailure, type WorkerMessage, workerMessageOf } from './worker-message.ts';

/** What a worker runs, and where. */
export interface PythonWorkerOptions {
  readonly python: string;
  /** The arguments that name the application. */
  readonly application: readonly string[];
  /** The folder that goes first in `sys.path`. */
  readonly folder: string;
  /** The working folder of the process. */
  readonly cwd: string;
  readonly threads: number;
  /** How many workers there are. */
  readonly processes: number;
  readonly loadTimeoutMs: number;
  readonly owner: ProcessOwner;
  /** The name of the application in messages. */
  readonly name: string;
}

/** Descriptors of the worker, behind the three standard streams. */
const LISTENER_FD = 3;
const CONTROL_FD = 4;
const COUNTERS_FD = 5;

const COUNTER_BYTES = 8;

/** Time for the last lines of a worker that has ended. */
const LAST_LINES_MS = 500;

/** Time for a traceback of all threads before a worker that hangs is killed. */
const TRACEBACK_MS = 200;

export class PythonWorker implements Child {
  readonly name: string;
  readonly started: Promise<void>;
  readonly ended: Promise<string>;
  readonly cutOff = 0;
  readonly snapshot = null;
  readonly #child: ChildProcess;
  readonly #counters: Counters;
  readonly #options: PythonWorkerOptions;
  /** What the worker has said about its start; null: nothing yet. */
  #message: WorkerMessage | null = null;

  /**
   * Starts a process that accepts requests on the socket `listener`. `scratch`: a private folder for a moment.
   * @throws EpollServerError `ERR_WORKER`: the system has no process, descriptor or memory left.
   */
  constructor(listener: number, scratch: string, options: PythonWorkerOptions) {
    this.#options = options;
    this.#counters = makeCounters(scratch, options);
    this.#child = this.#spawn(listener);
    this.name = `python worker ${this.#child.pid ?? ''}`.trim();
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      // This comes after the last line of its output.
      this.#child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
      // Programs that the application has started may keep its output open.
      this.#child.once('exit', (code, signal) => setTimeout(resolve, LAST_LINES_MS, signal ?? `exit code ${code}`));
    });
    void this.ended.then(() => this.#counters.close());
    for (const stream of [this.#child.stdout, this.#child.stderr]) this.#log(stream);
    this.started = this.#start();
    this.started.catch(() => {});
  }

  stop(now: boolean): void {
    this.retire();
    // Its client has been cut off, or does not wait for what the application still does.
    if (now && this.#counters.isRunning()) this.kill();
  }

  /** The application may handle or ignore the signal: the end of the control descriptor says the same. */
  retire(): void {
    this.#child.kill('SIGTERM');
    this.#control?.end();
  }

  reopenLogs(): void {}

  /** A worker that hangs first writes where it hangs. */
  kill(): void {
    this.#child.kill('SIGQUIT');
    setTimeout(() => this.#child.kill('SIGKILL'), TRACEBACK_MS);
  }

  /** Resolves to whether the application is making progress. */
  async ask(_limitMs: number): Promise<boolean> {
    // The time of its start has a limit of its own.
    return this.#message === null || this.#counters.haveMoved();
  }

  #spawn(listener: number): ChildProcess {
    const { python, application, folder, cwd, threads, processes, owner } = this.#options;
    const script = programPath('python/epoll_server_worker.py');
    const own = { fd: LISTENER_FD, control: CONTROL_FD, counters: COUNTERS_FD };
    const shape = { ...own, folder, threads, processes };
    const named = Object.entries(shape).flatMap(([name, value]) => [`--${name}`, String(value)]);
    try {
      return spawn(python, [script, ...named, ...application], {
        cwd,
        ...owner,
        stdio: ['ignore', 'pipe', 'pipe', listener, 'pipe', this.#counters.fd],
      });
    } catch (error) {
      this.#counters.close();
      throw notStarted(python, error);
    }
  }

  /** Resolves when the worker has loaded the application. */
  async #start(): Promise<void> {
    const { loadTimeoutMs, python, name } = this.#options;
    const timer = setTimeout(() => this.kill(), loadTimeoutMs);
    const bornMs = performance.now();
    await Promise.race([this.#said(), this.ended]);
    clearTimeout(timer);
    if (this.#message?.event === 'ready') return;
    const how = await this.ended;
    if (this.#message !== null) throw loadFailure(name, this.#message, this.name);
    if (performance.now() - bornMs >= loadTimeoutMs) {
      throw refuse(`${name} does not load: it has not ended after ${loadTimeoutMs} ms (timeouts.loadMs)`);
    }
    // An interpreter that is missing or too old has said nothing that can be understood.
    await checkInterpreter(python);
    if (how.startsWith('exit code')) throw refuse(`${name} ended the worker while loading (${how})`);
    throw new Error(how);
  }

  /** Resolves when the worker has sent a message on its control descriptor. */
  #said(): Promise<void> {
    return new Promise((resolve) => {
      const lines = new LineSplitter((line) => {
        this.#message ??= workerMessageOf(line);
        // An application that writes to the descriptor of another file says nothing.
        if (this.#message !== null) resolve();
      });
      this.#control?.on('data', (data: Buffer) => lines.add(data));
      this.#control?.on('error', () => {});
    });
  }

  get #control(): Duplex | null | undefined {
    // It is a stream of both directions: 'pipe' was asked for.
    return this.#child.stdio[CONTROL_FD] as Duplex | null | undefined;
  }

  #log(stream: Readable | null): void {
    const lines = new LineSplitter((line) => logLine(`${this.name}: ${line}`));
    stream?.on('data', (data: Buffer) => lines.add(data));
    stream?.on('end', () => lines.end());
    stream?.on('error', () => {});
  }
}

function refuse(text: string): EpollServerError {
  return new EpollServerError('ERR_APPLICATION_MODULE', text);
}

function makeCounters(scratch: string, { python, threads }: PythonWorkerOptions): Counters {
  try {
    return new Counters(scratch, threads);
  } catch (error) {
    throw notStarted(python, new Error(`no room for its file in ${scratch}: ${messageOf(error)}`, { cause: error }));
  }
}

function notStarted(python: string, cause: unknown): EpollServerError {
  return new EpollServerError('ERR_WORKER', `cannot start ${python}: ${messageOf(cause)}`, { cause });
}

/** A counter for each thread of a worker, in memory that both sides see. It is odd while the application runs. */
class Counters {
  readonly fd: number;
  readonly #now: Buffer;
  readonly #before: Buffer;
  #isOpen = true;

  constructor(folder: string, threads: number) {
    const path = join(folder, 'counters');
    this.#now = Buffer.alloc(threads * COUNTER_BYTES);
    this.#before = Buffer.alloc(threads * COUNTER_BYTES);
    this.fd = openSync(path, 'wx+', 0o600);
    try {
      unlinkSync(path);
      // This takes room on the disk. Without it, the worker would get SIGBUS at its first request when the disk is full.
      writeSync(this.fd, this.#now, 0, this.#now.length, 0);
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
  }

  /** Whether no thread has been in the same step of the application since the last call. */
  haveMoved(): boolean {
    if (!this.#isOpen) return true;
    this.#now.copy(this.#before);
    readSync(this.fd, this.#now, 0, this.#now.length, 0);
    for (let at = 0; at < this.#now.length; at += COUNTER_BYTES) {
      const count = this.#now.readBigUInt64LE(at);
      if (isOdd(count) && count === this.#before.readBigUInt64LE(at)) return false;
    }
    return true;
  }

  /** Whether a thread is in the application. */
  isRunning(): boolean {
    if (!this.#isOpen) return false;
    readSync(this.fd, this.#now, 0, this.#now.length, 0);
    for (let at = 0; at < this.#now.length; at += COUNTER_BYTES) if (isOdd(this.#now.readBigUInt64LE(at))) return true;
    return false;
  }

  close(): void {
    if (this.#isOpen) closeSync(this.fd);
    this.#isOpen = false;
  }
}

function isOdd(count: bigint): boolean {
  return count % 2n === 1n;
}
