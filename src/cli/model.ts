// The models of the command: their names, and the interface of a program that serves by one of them.

import { EpollServerError } from '../errors.ts';
import type { ModelName } from '../options/choices.ts';
import type { Setup } from '../server/content.ts';
import type { ServerHandle } from '../server/server.ts';
import type { WatchedNames } from '../workers/file-watch.ts';
import type { Role } from '../workers/role.ts';

/** A program that serves by one model. */
export interface Model {
  readonly name: ModelName;
  /** The kind of its workers; undefined: it has none. */
  readonly workers?: 'processes' | 'threads';
  /** The back end that defines the model; undefined: it can be chosen. */
  readonly backend?: string;
  /** Whether it can restart its application. */
  readonly watches?: true;
  /**
   * Starts to serve. `workers`: 0 when not given. `watched`: finds the files and folders whose changes restart the
   * application; null: none.
   */
  start(setup: Setup, workers: number, role: Role, watched: WatchedNames | null): Promise<Serving>;
}

/** A started server. For a child, also a promise of its own end. */
export interface Serving extends ServerHandle {
  readonly finished?: Promise<void>;
}

/** Loads the program of each other model. */
export type Programs = Readonly<Record<ModelName, () => Promise<unknown>>>;

/** @throws EpollServerError `ERR_OPTION` if the model has no workers, no choice of back end, or no restarts. */
export function checkModel(model: Model, workers: number, backend: string | undefined, watch: boolean): void {
  if (watch && model.watches === undefined) {
    throw new EpollServerError('ERR_OPTION', `the model ${model.name} does not support --watch: use epoll`);
  }
  if (workers > 0 && model.workers === undefined) {
    throw new EpollServerError(
      'ERR_OPTION',
      `the model ${model.name} does not support --workers: use epoll, multiprocess or multithread`,
    );
  }
  if (backend !== undefined && model.backend !== undefined && backend !== model.backend) {
    throw new EpollServerError(
      'ERR_OPTION',
      `the model ${model.name} uses the back end ${model.backend}, not ${backend}: choose another --model`,
    );
  }
}
