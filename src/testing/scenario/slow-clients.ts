// Clients that send or read bytes below the minimum rates of the server, or just above them.

import type { Actor } from './actor.ts';
import { checkDeadline, checkSpared } from './deadlines.ts';
import { planBody, planResponse } from './plan.ts';
import type { RunContext } from './run-context.ts';

/** The number of bytes in `ms` at `bytesPerSecond`. */
export function bytesIn(ms: number, bytesPerSecond: number): number {
  return Math.ceil((ms * bytesPerSecond) / 1_000);
}

/** Requests more than the kernel and the server buffer for a client, plus `more` bytes. */
export async function askForMuch(
  actor: Actor,
  { requests, sendCapacity, limits }: RunContext,
  more: number,
): Promise<void> {
  const length = Math.max(requests.maxContentBytes >> 2, 64);
  const enough = Math.ceil((sendCapacity + limits.maxUnsentBytes * 3 + more) / length) + 400;
  for (let i = 0; i < enough && !actor.isOver; i++)
    await actor.send(planResponse(actor.random, actor.index, i, length));
}

/** These clients never pause too long, but are too slow: at a quarter of the rate the time-out runs out. */
const SHARE_OF_RATE = 4;

/**
 * How much later than from its first byte the time-out of such a client ends, since its bytes extend it by a quarter.
 */
const STRETCH = SHARE_OF_RATE / (SHARE_OF_RATE - 1) - 1;

/** Sends a body below the rate. Without a rate, any byte restarts the time-out. */
export async function drip(
  actor: Actor,
  { limits: { bodyTimeoutMs, minReceiveBytesPerSecond: rate } }: RunContext,
): Promise<void> {
  const everyMs = rate > 0 ? bodyTimeoutMs / 20 : bodyTimeoutMs * 0.75;
  const size = Math.max(Math.floor((everyMs * rate) / SHARE_OF_RATE / 1_000), 1);
  const drips = rate > 0 ? 40 : 3;
  const plan = { ...planBody(actor.random, actor.index, 0, size * drips * 2), awaitsContinue: false };
  const outcome = { kind: 'refused', statuses: [408], content: null, closes: 'yes' } as const;
  await actor.send(rate > 0 ? { ...plan, outcome } : plan, 1, plan.headBytes);
  let at = plan.headBytes;
  for (let i = 0; i < drips && actor.answers === 0 && !actor.isOver; i++) {
    await actor.sleep(everyMs);
    actor.client.send(plan.bytes.subarray(at, at + size));
    at += size;
  }
  if (rate === 0) {
    checkSpared(actor, 'a body in drops');
    actor.client.send(plan.bytes.subarray(at));
  }
  await actor.answered();
  if (rate === 0) return;
  const { lastSentMs, firstReceivedMs } = actor.client.socket;
  const lastMs = firstReceivedMs + bodyTimeoutMs * STRETCH + everyMs;
  checkDeadline(actor, 'a dripping body', lastSentMs, bodyTimeoutMs, firstReceivedMs, lastMs);
  await actor.ended();
}

/** Reads its responses below the rate. Without a rate, any byte is enough. */
export async function sip(actor: Actor, context: RunContext): Promise<void> {
  const { sendTimeoutMs, minSendBytesPerSecond: rate } = context.limits;
  const everyMs = sendTimeoutMs / (rate > 0 ? 20 : 2);
  const bytes = Math.max(Math.floor((everyMs * rate) / SHARE_OF_RATE / 1_000), 1);
  actor.client.readRate = { bytes, everyMs };
  actor.doesNotRead = true;
  await askForMuch(actor, context, bytesIn(sendTimeoutMs * 2, rate));
  await actor.sleep(sendTimeoutMs * 3);
  const { endedMs, lastTransmittedMs, acceptedMs, resetsOnClose } = actor.client.socket;
  if (rate === 0) checkSpared(actor, 'a slowly read response');
  // Nothing was pending when the server ended it with FIN: the socket had accepted all, and it was idle.
  else if (resetsOnClose || endedMs === 0) {
    // What it reads at once makes room in the kernel later, at the beginning of its time and at the end.
    const stretchedMs = Math.min(lastTransmittedMs, acceptedMs + 5_000) + sendTimeoutMs * STRETCH + everyMs * 2;
    const lastMs = lastTransmittedMs === 0 ? 0 : stretchedMs;
    checkDeadline(actor, 'a slowly read response', endedMs, sendTimeoutMs, acceptedMs, lastMs);
  }
  actor.leave();
}
