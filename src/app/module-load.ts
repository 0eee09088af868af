// Loads the application of one module at its first use, and again after a failure that may be temporary.

import { stat } from 'node:fs/promises';
import type { Handler } from '../http/handler.ts';
import { failedImports, isTransient } from './module-file.ts';

/** A failed module is loaded, or its file checked, at most once in this time. */
const RETRY_MS = 1_000;

/**
 * Each failed import stays in memory, so the pause grows: the tenth retry waits ten times as long, up to this factor.
 */
const MAX_WAITS = 60;

interface Failure {
  readonly error: unknown;
  /** The state of the file, to notice changes. */
  readonly version: string;
  /** Until then the same error is returned. */
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

  /** `load`: loads the application of `file`. `nowMs`: monotonic milliseconds. */
  constructor(file: string, load: () => Promise<Handler>, nowMs: () => number) {
    this.#file = file;
    this.#load = load;
    this.#nowMs = nowMs;
  }

  /** Resolves to the application. Rejects with the load error, the same one until the next try. */
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

  /** Throws the last error while a retry has no reason to succeed. */
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

/** A text that changes with the file, as far as the system reports; empty: the file cannot be read. */
async function versionOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(file);
    return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    return '';
  }
}
