// Checks that a client was disconnected at the right time.

import type { Actor } from './actor.ts';

/** How late a deadline may be: a bucket of the reactor's clock, the turns before it, and a check of sent bytes. */
const LATE_MS = 600;

/** Reports an end that came too early or too late. The time-out began between the two given times. */
export function checkDeadline(
  actor: Actor,
  what: string,
  endMs: number,
  limitMs: number,
  fromMs: number,
  lastMs: number = fromMs,
): void {
  if (actor.isServerClosing || actor.hasLeft || actor.isRejected || actor.client.socket.injectedFault !== '') return;
  // A time jump may have made another deadline due before this time-out began.
  const isEarlyExcused = actor.jumpedMs > 0;
  if (isEarlyExcused && (endMs === 0 || fromMs === 0)) return;
  // Or while its bytes were in transit: for the server, such a client was silent.
  actor.checkReceived();
  if (isEarlyExcused && lastMs === 0) return;
  if (endMs === 0) actor.fail('deadlines', `${what}: it never ended`);
  else if (endMs < fromMs + limitMs - 1 && !isEarlyExcused) {
    actor.fail('deadlines', `${what}: ended after ${endMs - fromMs} ms, before its ${limitMs} ms were over`);
  } else if (endMs > lastMs + limitMs + LATE_MS + actor.jumpedMs) {
    actor.fail('deadlines', `${what}: ended after ${endMs - lastMs} ms instead of ${limitMs} ms`);
  }
}

/** Reports a client that was disconnected though its rate was high enough, or no rate is configured. */
export function checkSpared(actor: Actor, what: string): void {
  if (actor.isOver && actor.jumpedMs === 0 && !actor.isRejected && actor.client.socket.injectedFault === '') {
    actor.fail('deadlines', `${what}: ended though it was not too slow`);
  }
}
