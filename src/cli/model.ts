// The models of the command: their names, and the interface of a program that serves by one of them.

import type { Snapshot } from '../admin/snapshot.ts';
import { EpollServerError } from '../errors.ts';
import type { ModelName } from '../options/choices.ts';
import type { Settings } from '../options/option-types.ts';
import type { Setup } from '../server/content.ts';
import type { ServerHandle } from '../server/server.ts';
import type { ProcessOwner } from '../workers/child-process.ts';
import type { WatchedNames } from '../workers/file-watch.ts';
import type { Role } from '../workers/role.ts';

/** Settings of workers that only some models have. */
export interface WorkerSettings {
  readonly watched: WatchedNames | null;
  readonly owner: ProcessOwner;
  /** Reads the configuration again. */
  readonly readAgain: () => Promise<Setup>;
}

/** A program that serves by one model. */
export interface Model {
  readonly name: ModelName;
  /** The kind of its workers; undefined: it has none. */
  readonly workers?: 'processes' | 'threads';
  /** It serves one client after the other, without a reactor: it has no admin listener. */
  readonly isBlocking?: true;
  /** The back end that defines the model; undefined: it can be chosen. */
  readonly backend?: string;
  /** Whether it can restart its application. */
  readonly watches?: true;
  /**
   * Starts to serve. `workers`: 0 when not given. `watched`: finds the files and folders whose changes restart the
   * application; null: none. `owner`: the user and group of the workers. `readAgain`: reads the configuration again.
   */
  start(setup: Setup, workers: number, role: Role, own: WorkerSettings): Promise<Serving>;
}

/** A started server. For a child, also a promise of its own end. */
export interface Serving extends ServerHandle {
  /** Replaces all workers. Absent: the model cannot. */
  reload?(): Promise<void>;
  /** Makes the workers open their log files again. */
  reopenLogs?(): void;
  /** Starts the next version of this program on the same listeners, unless aborted; resolves to its process number. */
  readonly upgrade?: (signal: AbortSignal) => Promise<number>;
  /** What a worker has counted, for its parent. */
  snapshot?(): Snapshot | null;
  readonly finished?: Promise<void>;
}

/** Loads the program of each other model. */
export type Programs = Readonly<Record<ModelName, () => Promise<unknown>>>;

/**
 * @throws EpollServerError `ERR_OPTION` if the model has no workers, no choice of back end, no restarts or no admin
 * listener.
 */
export function checkModel(
  model: Model,
  { workers = 0, watch, admin, user, group, proxy }: Settings,
  backend: string | undefined,
): void {
  if (admin !== undefined && model.isBlocking === true) {
    throw new EpollServerError('ERR_OPTION', `the model ${model.name} does not support --admin: use epoll`);
  }
  if (proxy.length > 0 && model.isBlocking === true) {
    throw new EpollServerError('ERR_OPTION', `the model ${model.name} does not support --proxy: use epoll`);
  }
  if ((user ?? group) !== undefined && (workers === 0 || model.watches === undefined)) {
    throw new EpollServerError(
      'ERR_OPTION',
      '--user and --group are those of workers: add --workers N, as in --workers 1',
    );
  }
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
