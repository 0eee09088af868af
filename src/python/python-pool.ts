// The Python workers of one application: a listening socket that all of them accept on, and the processes. The backlog of
// the socket is the queue, so a worker that dies loses nothing that it has not accepted.

import { chownSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { EpollServerError } from '../errors.ts';
import { NativeError } from '../kernel/native-error.ts';
import { createNativeKernel, type NativeKernel } from '../kernel/native-kernel.ts';
import { logLine } from '../log/log-line.ts';
import { EndedChild } from '../workers/child.ts';
import { Generations } from '../workers/generations.ts';
import { GRACE_MS } from '../workers/worker-group.ts';
import { PythonWorker, type PythonWorkerOptions } from './python-worker.ts';
import { makeSocketFolder, socketIn } from './socket-folder.ts';

export interface PythonPoolOptions extends PythonWorkerOptions {
  /** Connections that the system keeps for the workers. */
  readonly backlog: number;
  /** A worker whose application makes no progress for this long is killed; 0: never. */
  readonly hangTimeoutMs: number;
  /** The time for workers that are replaced. */
  readonly limitMs: number;
}

/** Time for Python to end in order: it calls what applications have registered for that. */
const CLEAN_UP_MS = 3_000;

/** The owner of the socket alone may enter its folder. */
const SOCKET_MODE = 0o600;

export class PythonPool {
  /** The path of the socket: requests go there in the uwsgi protocol. */
  readonly path: string;
  readonly #folder: string;
  readonly #kernel: NativeKernel;
  readonly #generations: Generations;
  #hasBegun = false;

  private constructor(folder: string, kernel: NativeKernel, options: PythonPoolOptions) {
    this.#folder = folder;
    this.#kernel = kernel;
    this.path = socketIn(folder);
    const listener = this.#listen(options);
    this.#generations = new Generations({
      launch: { start: () => this.#start(listener, options), close: async () => {} },
      count: options.processes,
      limitMs: options.limitMs,
      hangTimeoutMs: options.hangTimeoutMs,
      what: `the Python application ${options.name}`,
    });
  }

  /**
   * Resolves when the first worker has loaded the application; the others follow. `signal` ends it before that.
   * @throws EpollServerError `ERR_APPLICATION_MODULE`, `ERR_PYTHON`, `ERR_LISTEN`, `ERR_WORKER`.
   */
  static async open(options: PythonPoolOptions, signal?: AbortSignal): Promise<PythonPool> {
    const folder = await makeSocketFolder(options.owner);
    const kernel = createNativeKernel();
    try {
      signal?.throwIfAborted();
      const pool = new PythonPool(folder, kernel, options);
      await pool.#begin(signal);
      return pool;
    } catch (error) {
      kernel.destroy();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * Replaces all workers by ones that load the application again. If it does not load, or `signal` is aborted, the old
   * ones stay.
   */
  async renew(reason: string, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    await interruptible(this.#generations.renew(reason), () => this.#generations.interrupt(), signal);
  }

  /**
   * Ends the workers. No request is under way by then, but Python has to clean up. After `limitMs` an application that
   * still runs has been killed, and after the usual grace period Python itself.
   */
  async close(limitMs: number = CLEAN_UP_MS): Promise<void> {
    await this.#generations.stop(Math.max(Math.min(limitMs, CLEAN_UP_MS) - GRACE_MS, 0));
    this.#kernel.destroy();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #begin(signal?: AbortSignal): Promise<void> {
    try {
      await interruptible(this.#generations.begin(true), () => this.#generations.stop(0), signal);
      this.#hasBegun = true;
    } catch (error) {
      // What the worker has said is the message.
      throw error instanceof EndedChild && error.cause instanceof EpollServerError ? error.cause : error;
    }
  }

  #listen({ backlog, owner }: PythonPoolOptions): number {
    const fd = this.#kernel.listenUnix(this.path, SOCKET_MODE, backlog);
    if (fd < 0) {
      const cause = new NativeError('listen', fd);
      throw new EpollServerError('ERR_LISTEN', `cannot listen on ${this.path}: ${cause.message}`, { cause });
    }
    const { uid = -1, gid = -1 } = owner;
    if (uid >= 0 || gid >= 0) for (const path of [this.#folder, this.path]) chownSync(path, uid, gid);
    return fd;
  }

  #start(listener: number, options: PythonPoolOptions): PythonWorker {
    const worker = new PythonWorker(listener, this.#folder, options);
    worker.started.catch((error: unknown) => {
      // The first start throws it.
      if (this.#hasBegun && error instanceof EpollServerError) logLine(error.message);
    });
    return worker;
  }
}

/** Awaits `work`. If `signal` is aborted before its end, `interrupt` is called, and ends it. */
async function interruptible(work: Promise<void>, interrupt: () => Promise<void>, signal?: AbortSignal): Promise<void> {
  const onAbort = (): void => void interrupt();
  signal?.addEventListener('abort', onAbort);
  try {
    await work;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
