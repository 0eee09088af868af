// The behaviours of simulated clients, each a short script. A correct client must get every response. A faulty one must
// be disconnected in time, without effects on the others.

import type { Actor } from './actor.ts';
import { contentOfRequest } from './content.ts';
import { checkDeadline } from './deadlines.ts';
import { drawGarbage } from './garbage.ts';
import {
  type PlannedRequest,
  planEcho,
  planHeld,
  planNever,
  planRequest,
  planResponse,
  planTalk,
  planUnread,
  planUpgrade,
} from './plan.ts';
import type { RunContext } from './run-context.ts';
import { askForMuch, bytesIn, drip, sip } from './slow-clients.ts';

type Behaviour = (actor: Actor, context: RunContext) => Promise<void>;

/** Requested by two of three clients that leave in the middle of a request: the response does not wait for the body. */
const UNREAD = ['/ignore', '/taste'] as const;

/** Conspiring clients act at multiples of this. */
const MEETING_MS = 10;

/** Clients wait this long before they disconnect, so that the server's own time-outs come first. */
const MAX_WAIT_MS = 400_000;

function plansOf(actor: Actor, { requests, maxRequests }: RunContext): PlannedRequest[] {
  const count = actor.random.magnitude(1, maxRequests);
  return Array.from({ length: count }, (_, i) => planRequest(actor.random, requests, actor.index, i));
}

/** Closes the connection by FIN, or by RST when all responses came. */
async function closeConnection(actor: Actor): Promise<void> {
  if (actor.isOver) return;
  if (actor.random.chance(0.3)) {
    actor.leave();
    return;
  }
  actor.client.finish();
  await actor.ended();
}

/** Waits as long as the longest response may take, and no longer for handlers that never respond. */
async function awaitResponses(actor: Actor, plans: readonly PlannedRequest[]): Promise<void> {
  if (plans.some(({ outcome }) => outcome.kind === 'none')) {
    const isOther = ({ outcome }: PlannedRequest): boolean => outcome.kind !== 'none';
    const before = plans.findIndex((plan) => !isOther(plan));
    await actor.answered(actor.requests - plans.length + before);
    await actor.sleep(500);
    if (!actor.isOver) actor.leave();
    return;
  }
  await actor.answered();
}

/** The names of all behaviours; stored seeds use them. */
export const BEHAVIOUR_NAMES = [
  'steady',
  'tireless',
  'pipelining',
  'trickling',
  'slowReading',
  'halfClosing',
  'neverReading',
  'leavingMidRequest',
  'leavingMidResponse',
  'garbling',
  'silent',
  'loris',
  'stalling',
  'idling',
  'dripping',
  'sipping',
  'unanswered',
  'conspiring',
  'talkative',
  'upgrading',
] as const;

/** One of {@link BEHAVIOUR_NAMES}: how a simulated client behaves. */
export type BehaviourName = (typeof BEHAVIOUR_NAMES)[number];

/** A handler that never responds must be aborted in time, once the server could detect that its client has finished. */
async function expectAbort(actor: Actor, { limits }: RunContext): Promise<void> {
  await actor.sleep(limits.halfClosedTimeoutMs * 4);
  if (actor.isOver) return;
  const isKnown = actor.client.socket.hangupReported && !actor.isExcused;
  if (isKnown) actor.fail('deadlines', `half-closed: not ended after ${limits.halfClosedTimeoutMs * 4} ms`);
  else actor.leave();
}

const BEHAVIOURS: Readonly<Record<BehaviourName, Behaviour>> = {
  /** One request after the other, with pauses. */
  steady: async (actor, context) => {
    for (const plan of plansOf(actor, context)) {
      await actor.send(plan);
      await awaitResponses(actor, [plan]);
      if (actor.isOver) return;
      await actor.sleep(actor.random.below(200));
    }
    await closeConnection(actor);
  },

  /** Very many requests on one connection. */
  tireless: async (actor, context) => {
    const count = context.maxRequests * 20;
    for (let i = 0; i < count && !actor.isOver; i++) {
      await actor.send(planResponse(actor.random, actor.index, i, actor.random.below(64)));
      await actor.answered();
    }
    await closeConnection(actor);
  },

  /** All requests at once, split anywhere. */
  pipelining: async (actor, context) => {
    const plans = plansOf(actor, context).map((plan) => ({ ...plan, awaitsContinue: false }));
    for (const plan of plans) await actor.send(plan, actor.random.chance(0.3) ? actor.random.between(1, 5) : 1);
    await awaitResponses(actor, plans);
    await closeConnection(actor);
  },

  /** One byte at a time. */
  trickling: async (actor, context) => {
    for (let i = 0; i < 3 && !actor.isOver; i++) {
      const plan = planRequest(actor.random, { ...context.requests, maxContentBytes: 200 }, actor.index, i);
      await actor.send(plan, plan.bytes.length);
      await awaitResponses(actor, [plan]);
    }
    await closeConnection(actor);
  },

  /** Reads a little from time to time, and must get everything. */
  slowReading: async (actor, context) => {
    const everyMs = actor.random.magnitude(1, 300);
    const fewest = Math.max(
      context.requests.maxContentBytes >> 4,
      bytesIn(everyMs * 2, context.limits.minSendBytesPerSecond),
    );
    actor.client.readRate = { bytes: actor.random.between(fewest, Math.max(fewest, 65_536)) + 1, everyMs };
    const plans = plansOf(actor, { ...context, maxRequests: 4, requests: { ...context.requests, endingShare: 0 } });
    for (const plan of plans) await actor.send(plan);
    await actor.answered();
    await closeConnection(actor);
  },

  /** Sends FIN at once, and must get its responses. */
  halfClosing: async (actor, context) => {
    const plans = plansOf(actor, { ...context, maxRequests: 4 }).map((plan) => ({
      ...plan,
      awaitsContinue: false,
      // Ended by the time-out for half-closed clients, or by the handler's, whichever comes first.
      outcome: plan.outcome.statuses.includes(504) ? { ...plan.outcome, kind: 'none' as const } : plan.outcome,
    }));
    for (const plan of plans) await actor.send(plan);
    if (actor.random.chance(0.5)) await actor.sleep(actor.random.below(20));
    actor.client.finish();
    if (plans.some(({ outcome }) => outcome.kind === 'none')) await expectAbort(actor, context);
    else await actor.ended();
  },

  /** Never reads: its responses accumulate, and the server must end it. */
  neverReading: async (actor, context) => {
    actor.client.pauseReading();
    actor.doesNotRead = true;
    await askForMuch(actor, context, 0);
    await actor.sleep(MAX_WAIT_MS);
    // Its time-out began when the first byte was pending; bytes that the kernel accepted later do not extend it.
    const { endedMs, lastTransmittedMs, acceptedMs } = actor.client.socket;
    checkDeadline(actor, 'not reading', endedMs, context.limits.sendTimeoutMs, acceptedMs, lastTransmittedMs);
    actor.leave();
  },

  /** Leaves in the middle of a request: by FIN, by RST, or by silence. */
  leavingMidRequest: async (actor, context) => {
    const path = UNREAD[actor.index % 3];
    const plan =
      path === undefined
        ? planEcho(actor.random, context.requests, actor.index, 0)
        : planUnread(actor.random, context.requests, actor.index, 0, path);
    const cut = actor.random.between(1, plan.bytes.length - 1);
    if (actor.random.chance(0.5)) {
      await actor.send(planResponse(actor.random, actor.index, 1, 10));
    }
    actor.expectRefusal(path === undefined ? [400, 408] : [200, 400, 408], 'may');
    await actor.sendPieces(plan.bytes.subarray(0, cut), actor.random.between(1, 4));
    await actor.sleep(actor.random.below(50));
    if (actor.random.chance(0.5)) {
      actor.client.finish();
      await actor.ended();
    } else {
      actor.leave();
    }
  },

  /** Leaves in the middle of a response. */
  leavingMidResponse: async (actor, context) => {
    const plans = plansOf(actor, { ...context, maxRequests: 4 }).map((plan) => ({ ...plan, awaitsContinue: false }));
    actor.world.clock.after(actor.random.magnitude(1, 500), () => actor.leave());
    for (const plan of plans) await actor.send(plan);
    await actor.ended();
  },

  /** Valid requests, followed by invalid bytes. */
  garbling: async (actor, context) => {
    const count = actor.random.below(4);
    for (let i = 0; i < count; i++) {
      const plan = planResponse(actor.random, actor.index, i, actor.random.below(context.requests.maxContentBytes));
      await actor.send(plan);
    }
    const garbage = drawGarbage(actor.random, context.limits.maxHeaderBytes, `${actor.index}.${count}`);
    const isMisdirected = garbage.isHandshake && count === 0 && actor.world.kernel.encryption === null;
    if (isMisdirected) actor.expect({ kind: 'none', statuses: [], content: null, closes: 'yes' });
    else actor.expectRefusal(garbage.statuses);
    await actor.sendPieces(garbage.bytes, actor.random.between(1, 3));
    if (actor.random.chance(0.3)) actor.client.send(planResponse(actor.random, actor.index, 99, 9).bytes);
    await actor.answered();
    if (actor.random.chance(0.5)) actor.client.finish();
    await actor.ended();
  },

  /** Connects and sends nothing. */
  silent: async (actor, context) => {
    await actor.ended();
    const { endedMs, acceptedMs } = actor.client.socket;
    const { firstByteTimeoutMs, handshakeTimeoutMs } = context.limits;
    // A client may be silent for the whole time of its handshake before that of the first byte begins.
    const limitMs = firstByteTimeoutMs + (actor.world.kernel.encryption === null ? 0 : handshakeTimeoutMs);
    if (acceptedMs > 0) checkDeadline(actor, 'silence', endedMs, limitMs, acceptedMs);
  },

  /** A head that takes too long (slow-loris). */
  loris: async (actor, context) => {
    actor.expectRefusal([408]);
    const { headerTimeoutMs } = context.limits;
    actor.client.send('GET /now HTTP/1.1\r\nHost: simulated\r\n');
    for (let spentMs = 0; spentMs < headerTimeoutMs * 2 && !actor.isOver; spentMs += headerTimeoutMs / 8) {
      await actor.sleep(headerTimeoutMs / 8);
      if (actor.answers > 0) break;
      actor.client.send('X: y\r\n');
    }
    await actor.answered();
    const { lastSentMs, firstReceivedMs } = actor.client.socket;
    checkDeadline(actor, 'a slow head', lastSentMs, headerTimeoutMs, firstReceivedMs);
    actor.client.finish();
    await actor.ended();
  },

  /** A body that stops in the middle. */
  stalling: async (actor, context) => {
    const plan = { ...planEcho(actor.random, context.requests, actor.index, 0), awaitsContinue: false };
    actor.expectRefusal([408]);
    const upTo = actor.random.chance(0.4)
      ? plan.headBytes
      : actor.random.between(plan.headBytes, plan.bytes.length - 6);
    await actor.sendPieces(plan.bytes.subarray(0, upTo), actor.random.between(1, 3));
    await actor.answered();
    // Its time-out began when the head was complete; each later byte has extended it, up to the full time.
    const { lastSentMs, firstReceivedMs, receivedBeforeSendingMs } = actor.client.socket;
    const { bodyTimeoutMs } = context.limits;
    checkDeadline(actor, 'a stalled body', lastSentMs, bodyTimeoutMs, firstReceivedMs, receivedBeforeSendingMs);
    await actor.ended();
  },

  /** Sends one request and stays connected. */
  idling: async (actor, context) => {
    await actor.send(planResponse(actor.random, actor.index, 0, 50));
    await actor.answered();
    await actor.ended();
    const { endedMs, receivedBeforeSendingMs, lastSentMs } = actor.client.socket;
    checkDeadline(actor, 'idling', endedMs, context.limits.keepAliveTimeoutMs, receivedBeforeSendingMs, lastSentMs);
  },

  /** Sends its body too slowly. */
  dripping: async (actor, context) => {
    await drip(actor, context);
    await closeConnection(actor);
  },

  /** Reads its responses too slowly. */
  sipping: sip,

  /** Makes requests of others complete during its own turn: all such clients act at the same times. */
  conspiring: async (actor, context) => {
    const large = { ...context.requests, maxContentBytes: Math.max(context.requests.maxContentBytes, 50_000) };
    for (let i = 0; i < context.maxRequests && !actor.isOver; i++) {
      await actor.sleep(MEETING_MS - (actor.world.clock.nowMs % MEETING_MS));
      const path = actor.random.pick(['/held', '/release', '/held-files'] as const);
      await actor.send(
        planResponse(actor.random, actor.index, 2 * i, actor.random.below(context.requests.maxContentBytes)),
      );
      await actor.send(planHeld(actor.random, large, actor.index, 2 * i + 1, path));
      await actor.answered();
    }
    await closeConnection(actor);
  },

  /** Requests responses with more than content, one after the other or all at once. */
  talkative: async (actor, context) => {
    const count = actor.random.magnitude(1, context.maxRequests);
    const plans = Array.from({ length: count }, (_, i) => planTalk(actor.random, context.requests, actor.index, i));
    const isPipelining = actor.random.chance(0.5);
    for (const plan of plans) {
      await actor.send(plan, actor.random.chance(0.2) ? actor.random.between(1, 4) : 1);
      if (!isPipelining) await actor.answered();
      if (actor.isOver) return;
    }
    await actor.answered();
    await closeConnection(actor);
  },

  /** Upgrades behind requests that are still pending, and then sends as much as it gets back. */
  upgrading: async (actor, context) => {
    const before = actor.random.below(3);
    for (let i = 0; i < before; i++) {
      await actor.send(
        planResponse(actor.random, actor.index, i, actor.random.below(context.requests.maxContentBytes)),
      );
    }
    const echo = contentOfRequest(actor.index, before, actor.random.magnitude(1, context.requests.maxContentBytes * 2));
    const atOnce = actor.random.chance(0.6) ? actor.random.below(echo.length + 1) : 0;
    if (actor.random.chance(0.2)) actor.world.clock.after(actor.random.magnitude(1, 300), () => actor.leave());
    await actor.upgrade(planUpgrade(actor.random, actor.index, before), echo, atOnce);
    if (actor.random.chance(0.5)) await actor.echoed();
    if (actor.isOver) return;
    actor.client.finish();
    await actor.ended();
  },

  /** Requests a response that never comes. */
  unanswered: async (actor, context) => {
    const { handlerTimeoutMs } = context.limits;
    const plan = planNever(actor.random, context.requests, actor.index, 0);
    await actor.send(plan);
    await awaitResponses(actor, [plan]);
    if (handlerTimeoutMs === 0) return;
    const { lastSentMs, receivedBeforeSendingMs } = actor.client.socket;
    checkDeadline(actor, 'a handler', lastSentMs, handlerTimeoutMs, receivedBeforeSendingMs);
    await actor.ended();
  },
};

/** Runs the behaviour `name`; the run handles its errors. */
export function behave(name: BehaviourName, actor: Actor, context: RunContext): Promise<void> {
  return BEHAVIOURS[name](actor, context);
}
