// Records the states that connections of a run reach, and the calls that change them.

import { CLOSED, Connection, FINISHING, LINGERING, OPEN } from '../../connection/connection.ts';

const STATES = new Map<number, string>([
  [OPEN, 'open'],
  [FINISHING, 'finishing'],
  [LINGERING, 'lingering'],
  [CLOSED, 'closed'],
]);

/**
 * All state changes: `from -> to`, and the call in which it happens. `serve` is a turn, `expire` a deadline, `finish`
 * an orderly end, `abort` an immediate one.
 */
export const TRANSITIONS = [
  'open -> finishing by finish',
  'open -> closed by abort',
  'finishing -> closed by serve',
  'finishing -> closed by abort',
  'finishing -> lingering by serve',
  'lingering -> closed by serve',
  'lingering -> closed by expire',
] as const;

/** Counts of state changes, by the names in {@link TRANSITIONS}. */
export type Transitions = Map<string, number>;

/** The connections of a run, from {@link watchConnections} on. */
export interface WatchedConnections {
  /** Whether the connection of this descriptor has ended, but not sent its last output yet. */
  isFinishing(fd: number): boolean;
  /** Counts no longer. */
  stop(): void;
}

/** Counts all changes from here on in `seen`. */
export function watchConnections(seen: Transitions): WatchedConnections {
  const finished = new Map<number, Connection>();
  const note = (before: number, connection: Connection, call: string): void => {
    if (connection.state === before) return;
    const key = `${STATES.get(before)} -> ${STATES.get(connection.state)} by ${call}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  };
  const { serve, expire, finish, abort } = Connection.prototype;
  // The innermost call that changes the state is named, not the outer one.
  Connection.prototype.serve = function (): void {
    const before = this.state;
    serve.call(this);
    if (this.state !== OPEN && before !== OPEN) note(before, this, 'serve');
  };
  Connection.prototype.expire = function (): void {
    const before = this.state;
    expire.call(this);
    if (before === LINGERING) note(before, this, 'expire');
  };
  Connection.prototype.finish = function (unread?: boolean): void {
    const before = this.state;
    finish.call(this, unread);
    note(before, this, 'finish');
    finished.set(this.fd, this);
  };
  Connection.prototype.abort = function (reason: string, isTimeout?: boolean): void {
    const before = this.state;
    abort.call(this, reason, isTimeout);
    note(before, this, 'abort');
  };
  return {
    isFinishing: (fd) => finished.get(fd)?.state === FINISHING,
    stop: () => Object.assign(Connection.prototype, { serve, expire, finish, abort }),
  };
}
