// The interface of a process or thread that serves clients, as its parent sees it.

import type { Snapshot } from '../admin/snapshot.ts';
import { EpollServerError, messageOf } from '../errors.ts';

/** One process or thread. */
export interface Child {
  /** `process 4711`, `thread 3`. */
  readonly name: string;
  /** Resolves when the child has its sockets; rejects when it ended before. */
  readonly started: Promise<void>;
  /** Resolves to the way it ended: `exit code 1`, `SIGKILL`. */
  readonly ended: Promise<string>;
  /** How many requests it cut off when it closed. */
  readonly cutOff: number;
  /** Makes it close in order and end; called again, at once. Unless `now`, it first accepts the clients that it was given. */
  stop(now: boolean): void;
  /** Makes it close in order and end, since another child serves on the same listeners. */
  retire(): void;
  /** What it has last said about itself; null: nothing. */
  readonly snapshot: Snapshot | null;
  /** Asks for a newer {@link snapshot}; resolves to whether it answered within `limitMs`. */
  ask(limitMs: number): Promise<boolean>;
  /** Makes it open its log files again. */
  reopenLogs(): void;
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
