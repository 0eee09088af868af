// The application of one module: loaded when it is first asked for, and again after a failure that may be over. It
// must not know what a request is.

import { stat } from 'node:fs/promises';
import type { Handler } from '../http/handler.ts';
import { failedImports, isTransient } from './module-file.ts';

/** A module that fails is loaded, or its file looked at, once in this time, however often it is asked for. */
const RETRY_MS = 1_000;

/** Each failed import stays in memory, so the tenth waits ten times as long: at most this many times. */
const MAX_WAITS = 60;

interface Failure {
  readonly error: unknown;
  /** What the file was, so that a change of it is noticed. */
  readonly version: string;
  /** Until then the error is the answer. */
  checkAtMs: number;
  /** When an unchanged file is loaded again. */
  readonly retryAtMs: number;
}

export class ModuleLoad {
  readonly #file: string;
  readonly #load: () => Promise<Handler>;
  readonly #nowMs: () => number;
  #loading: Promise<Handler> | null = null;
  #failure: Failure | null = null;

  /** `load` loads the application of `file`; `nowMs`: monotonic milliseconds. */
  constructor(file: string, load: () => Promise<Handler>, nowMs: () => number) {
    this.#file = file;
    this.#load = load;
    this.#nowMs = nowMs;
  }

  /** The application. Rejects with why it does not load, with the same error until it was loaded again. */
  get(): Promise<Handler> {
    const failure = this.#failure;
    if (this.#loading === null && failure !== null && this.#nowMs() < failure.checkAtMs) {
      return Promise.reject(failure.error);
    }
    this.#loading ??= this.#loadOnce();
    return this.#loading;
  }

  async #loadOnce(): Promise<Handler> {
    const version = await versionOf(this.#file);
    try {
      if (this.#failure !== null) this.#refuseUnchanged(this.#failure, version);
      return await this.#load().catch((error: unknown) => this.#remember(error, version));
    } catch (error) {
      this.#loading = null;
      throw error;
    }
  }

  /** Throws the error of last time while there is no reason why another try should do better. */
  #refuseUnchanged(failure: Failure, version: string): void {
    if (failure.version !== version || this.#nowMs() >= failure.retryAtMs) return;
    failure.checkAtMs = this.#nowMs() + RETRY_MS;
    throw failure.error;
  }

  #remember(error: unknown, version: string): never {
    const nowMs = this.#nowMs();
    const waits = Math.min(Math.max(failedImports(this.#file), 1), MAX_WAITS);
    const retryAtMs = isTransient(error) ? nowMs + waits * RETRY_MS : Number.POSITIVE_INFINITY;
    this.#failure = { error, version, checkAtMs: nowMs + RETRY_MS, retryAtMs };
    throw error;
  }
}

/** Differs when the file does, as far as the system tells; empty: it cannot be looked at. */
async function versionOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(file);
    return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    return '';
  }
}
