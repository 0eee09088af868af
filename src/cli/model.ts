// The models of the command: their names, and what a program is that serves by one of them.

import { EpollServerError } from '../errors.ts';
import type { ModelName } from '../options/choices.ts';
import type { Setup } from '../server/content.ts';
import type { ServerHandle } from '../server/server.ts';
import type { WatchedNames } from '../workers/file-watch.ts';
import type { Role } from '../workers/role.ts';

/** A program that serves by one model. */
export interface Model {
  readonly name: ModelName;
  /** What its workers are; undefined: it has none. */
  readonly workers?: 'processes' | 'threads';
  /** The back end that makes the model what it is; undefined: it can be chosen. */
  readonly backend?: string;
  /** It can be told to restart its application. */
  readonly watches?: true;
  /**
   * Starts to serve. `workers`: 0 when not asked for. `watched`: finds the files and folders whose changes restart the
   * application; null: none.
   */
  start(setup: Setup, workers: number, role: Role, watched: WatchedNames | null): Promise<Serving>;
}

/** What is served, and for a child when it has ended by itself. */
export interface Serving extends ServerHandle {
  readonly finished?: Promise<void>;
}

/** Loads the program of each other model. */
export type Programs = Readonly<Record<ModelName, () => Promise<unknown>>>;

/** @throws EpollServerError `ERR_OPTION` when the model has no workers, no choice of its back end, or no restarts. */
export function checkModel(model: Model, workers: number, backend: string | undefined, watch: boolean): void {
  if (watch && model.watches === undefined) {
    throw new EpollServerError('ERR_OPTION', `the model ${model.name} has no --watch: epoll has`);
  }
  if (workers > 0 && model.workers === undefined) {
    throw new EpollServerError(
      'ERR_OPTION',
      `the model ${model.name} has no --workers: epoll, multiprocess and multithread have`,
    );
  }
  if (backend !== undefined && model.backend !== undefined && backend !== model.backend) {
    throw new EpollServerError(
      'ERR_OPTION',
      `the model ${model.name} waits by ${model.backend}, not by ${backend}: choose another --model`,
    );
  }
}
