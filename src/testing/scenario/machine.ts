// Which states of the connection machine a run has reached, and by which way: seen from outside, at the calls
// that can change them.

import { CLOSED, Connection, FINISHING, LINGERING, OPEN } from '../../connection/connection.ts';

const STATES = new Map<number, string>([
  [OPEN, 'open'],
  [FINISHING, 'finishing'],
  [LINGERING, 'lingering'],
  [CLOSED, 'closed'],
]);

/**
 * Every change that the machine can make: `from -> to`, and the call in which it happened. `serve` is a turn,
 * `expire` a deadline, `finish` the order to end, `abort` the end at once.
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

/** Counts of changes, by the names of {@link TRANSITIONS}. */
export type Transitions = Map<string, number>;

/** Notes every change from here on in `seen`; returns what ends that. */
export function watchConnections(seen: Transitions): () => void {
  const note = (before: number, connection: Connection, call: string): void => {
    if (connection.state === before) return;
    const key = `${STATES.get(before)} -> ${STATES.get(connection.state)} by ${call}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  };
  const { serve, expire, finish, abort } = Connection.prototype;
  // An inner call that changes the state is named, not the outer one in which it happened.
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
  };
  Connection.prototype.abort = function (reason: string, isTimeout?: boolean): void {
    const before = this.state;
    abort.call(this, reason, isTimeout);
    note(before, this, 'abort');
  };
  return () => Object.assign(Connection.prototype, { serve, expire, finish, abort });
}
