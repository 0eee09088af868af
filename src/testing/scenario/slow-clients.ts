// Clients that give or take bytes too slowly for the rates of the server, or just fast enough.

import type { Actor } from './actor.ts';
import { checkDeadline, checkSpared } from './deadlines.ts';
import { planAnswer, planBody } from './plan.ts';
import type { Stage } from './stage.ts';

/** How many bytes `bytesPerSecond` are in `ms`. */
export function bytesIn(ms: number, bytesPerSecond: number): number {
  return Math.ceil((ms * bytesPerSecond) / 1_000);
}

/** Asks for more than the kernel and the server hold for a client, and `more` bytes. */
export async function askForMuch(actor: Actor, { requests, sendCapacity, limits }: Stage, more: number): Promise<void> {
  const length = Math.max(requests.maxContentBytes >> 2, 64);
  const enough = Math.ceil((sendCapacity + limits.maxUnsentBytes * 3 + more) / length) + 400;
  for (let i = 0; i < enough && !actor.isOver; i++) await actor.send(planAnswer(actor.random, actor.index, i, length));
}

/** Clients that keep no pause too long, and are too slow all the same: a quarter of the rate uses time up. */
const SHARE_OF_RATE = 4;

/** How much later than at its first byte a client's time is over when it earns a quarter back. */
const STRETCH = SHARE_OF_RATE / (SHARE_OF_RATE - 1) - 1;

/** A body below the rate; without a rate any byte gives the whole time back. */
export async function drip(
  actor: Actor,
  { limits: { bodyTimeoutMs, minReceiveBytesPerSecond: rate } }: Stage,
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

/** Takes its answers below the rate; without a rate any byte will do. */
export async function sip(actor: Actor, stage: Stage): Promise<void> {
  const { sendTimeoutMs, minSendBytesPerSecond: rate } = stage.limits;
  const everyMs = sendTimeoutMs / (rate > 0 ? 20 : 2);
  const bytes = Math.max(Math.floor((everyMs * rate) / SHARE_OF_RATE / 1_000), 1);
  actor.client.readRate = { bytes, everyMs };
  actor.isDeaf = true;
  await askForMuch(actor, stage, bytesIn(sendTimeoutMs * 2, rate));
  await actor.sleep(sendTimeoutMs * 3);
  const { endedMs, lastSentMs, acceptedMs } = actor.client.socket;
  // A small buffer of the kernel has room for all that is owed now and then: that is progress, and gives time.
  const isJudged = stage.sendCapacity > bytesIn(sendTimeoutMs, rate);
  if (rate === 0) checkSpared(actor, 'an answer in sips');
  else if (isJudged) {
    const stretchedMs = Math.min(lastSentMs, acceptedMs + 5_000) + sendTimeoutMs * STRETCH + everyMs;
    const lastMs = lastSentMs === 0 ? 0 : stretchedMs;
    checkDeadline(actor, 'an answer in sips', endedMs, sendTimeoutMs, acceptedMs, lastMs);
  }
  actor.leave();
}
