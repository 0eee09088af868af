// A process or thread that serves clients of this server, as its parent sees it.

import { EpollServerError, messageOf } from '../errors.ts';

/** One process or thread. */
export interface Child {
  /** `process 4711`, `thread 3`. */
  readonly name: string;
  /** Resolves when it has what it was given; rejects when it ended before. */
  readonly taken: Promise<void>;
  /** Resolves to how it ended: `exit code 1`, `SIGKILL`. */
  readonly ended: Promise<string>;
  /** Asks it to finish and end. Unless it is to end `now`, it takes what it was given before. */
  stop(now: boolean): void;
  /** Ends it at once. */
  kill(): void;
}

/** A child ended before it had begun. */
export class EndedChild extends EpollServerError {
  /** What its process ended with; null: it was not its own end. */
  readonly exitCode: number | null;

  constructor(name: string, cause: unknown) {
    super('ERR_WORKER', `${name} did not begin: ${messageOf(cause)}`, { cause });
    const code = cause instanceof Error ? /^exit code (\d+)$/.exec(cause.message)?.[1] : undefined;
    this.exitCode = code === undefined ? null : Number(code);
  }
}
