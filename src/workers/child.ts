// The interface of a process or thread that serves clients, as its parent sees it.

import { EpollServerError, messageOf } from '../errors.ts';

/** One process or thread. */
export interface Child {
  /** `process 4711`, `thread 3`. */
  readonly name: string;
  /** Resolves when the child has its sockets; rejects when it ended before. */
  readonly started: Promise<void>;
  /** Resolves to the way it ended: `exit code 1`, `SIGKILL`. */
  readonly ended: Promise<string>;
  /** Makes it close in order and end. Unless `now`, it first accepts the clients that it was given. */
  stop(now: boolean): void;
  /** Ends it at once. */
  kill(): void;
}

/** A child ended before it had started. */
export class EndedChild extends EpollServerError {
  /** The exit code of its process; null: it was ended by something else. */
  readonly exitCode: number | null;

  constructor(name: string, cause: unknown) {
    super('ERR_WORKER', `${name} did not start: ${messageOf(cause)}`, { cause });
    const code = cause instanceof Error ? /^exit code (\d+)$/.exec(cause.message)?.[1] : undefined;
    this.exitCode = code === undefined ? null : Number(code);
  }
}
