// Whether a client was ended at the right time. It must not know what the client did.

import type { Actor } from './actor.ts';

/** What a deadline may be late by: a bucket of the reactor's clock, the turns before it, a look at what was taken. */
const LATE_MS = 600;

/** Reports an end that came too early or too late, given when the time began at the earliest and latest. */
export function checkDeadline(
  actor: Actor,
  what: string,
  endMs: number,
  limitMs: number,
  fromMs: number,
  lastMs: number = fromMs,
): void {
  if (actor.isDismissed || actor.hasLeft || actor.isTurnedAway || actor.client.socket.hurt !== '') return;
  // A jump may have made another deadline due, before the time of this one had begun.
  const isEarlyExcused = actor.jumpedMs > 0;
  if (isEarlyExcused && (endMs === 0 || fromMs === 0)) return;
  // Or while its bytes were on their way: to a server, such a client was silent.
  actor.checkHeard();
  if (isEarlyExcused && lastMs === 0) return;
  if (endMs === 0) actor.fail('deadlines', `${what}: it never ended`);
  else if (endMs < fromMs + limitMs - 1 && !isEarlyExcused) {
    actor.fail('deadlines', `${what}: ended after ${endMs - fromMs} ms, before its ${limitMs} ms were over`);
  } else if (endMs > lastMs + limitMs + LATE_MS + actor.jumpedMs) {
    actor.fail('deadlines', `${what}: ended after ${endMs - lastMs} ms instead of ${limitMs} ms`);
  }
}

/** Reports a client that was ended though it did what its rate, or the want of one, asks for. */
export function checkSpared(actor: Actor, what: string): void {
  if (actor.isOver && actor.jumpedMs === 0 && !actor.isTurnedAway && actor.client.socket.hurt === '') {
    actor.fail('deadlines', `${what}: ended though it was not too slow`);
  }
}
