// The clients that a server meets, each a short story. Who behaves well must get everything; who does not
// must be ended in time, and harm nobody.

import type { Actor } from './actor.ts';
import { contentOfRequest } from './content.ts';
import { checkDeadline } from './deadlines.ts';
import { drawGarbage } from './garbage.ts';
import {
  type PlannedRequest,
  planAnswer,
  planEcho,
  planHeld,
  planNever,
  planRequest,
  planTalk,
  planUnread,
  planUpgrade,
} from './plan.ts';
import { askForMuch, bytesIn, drip, sip } from './slow-clients.ts';
import type { Stage } from './stage.ts';

type Behaviour = (actor: Actor, stage: Stage) => Promise<void>;

/** What two of three clients ask that leave in the middle of a request: its answer does not wait for the body. */
const UNREAD = ['/ignore', '/taste'] as const;

/** Conspirators act at multiples of this. */
const MEETING_MS = 10;

/** Clients do not leave before what the server does by itself has had its time. */
const PATIENCE_MS = 400_000;

function plansOf(actor: Actor, { requests, maxRequests }: Stage): PlannedRequest[] {
  const count = actor.random.magnitude(1, maxRequests);
  return Array.from({ length: count }, (_, i) => planRequest(actor.random, requests, actor.index, i));
}

/** A connection ends by its client's FIN, or by its RST when everything was answered. */
async function goodbye(actor: Actor): Promise<void> {
  if (actor.isOver) return;
  if (actor.random.chance(0.3)) {
    actor.leave();
    return;
  }
  actor.client.finish();
  await actor.ended();
}

/** Waits as long as the longest answer may take, then gives up on handlers that never answer. */
async function awaitAnswers(actor: Actor, plans: readonly PlannedRequest[]): Promise<void> {
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

/** Every behaviour's name; stored seeds use them. */
export const BEHAVIOUR_NAMES = [
  'steady',
  'tireless',
  'pipelining',
  'trickling',
  'slowReading',
  'halfClosing',
  'neverReading',
  'leavingMidRequest',
  'leavingMidAnswer',
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

export type BehaviourName = (typeof BEHAVIOUR_NAMES)[number];

/** A handler that never answers is told in time, once the server could see that its client has finished. */
async function expectAbort(actor: Actor, { limits }: Stage): Promise<void> {
  await actor.sleep(limits.halfClosedTimeoutMs * 4);
  if (actor.isOver) return;
  const isKnown = actor.client.socket.hangupReported && !actor.isExcused;
  if (isKnown) actor.fail('deadlines', `half-closed: not ended after ${limits.halfClosedTimeoutMs * 4} ms`);
  else actor.leave();
}

const BEHAVIOURS: Readonly<Record<BehaviourName, Behaviour>> = {
  /** One request after the other, with thinking between. */
  steady: async (actor, stage) => {
    for (const plan of plansOf(actor, stage)) {
      await actor.send(plan);
      await awaitAnswers(actor, [plan]);
      if (actor.isOver) return;
      await actor.sleep(actor.random.below(200));
    }
    await goodbye(actor);
  },

  /** Keep-alive for very many requests. */
  tireless: async (actor, stage) => {
    const count = stage.maxRequests * 20;
    for (let i = 0; i < count && !actor.isOver; i++) {
      await actor.send(planAnswer(actor.random, actor.index, i, actor.random.below(64)));
      await actor.answered();
    }
    await goodbye(actor);
  },

  /** Everything at once, cut anywhere. */
  pipelining: async (actor, stage) => {
    const plans = plansOf(actor, stage).map((plan) => ({ ...plan, awaitsContinue: false }));
    for (const plan of plans) await actor.send(plan, actor.random.chance(0.3) ? actor.random.between(1, 5) : 1);
    await awaitAnswers(actor, plans);
    await goodbye(actor);
  },

  /** One byte at a time. */
  trickling: async (actor, stage) => {
    for (let i = 0; i < 3 && !actor.isOver; i++) {
      const plan = planRequest(actor.random, { ...stage.requests, maxContentBytes: 200 }, actor.index, i);
      await actor.send(plan, plan.bytes.length);
      await awaitAnswers(actor, [plan]);
    }
    await goodbye(actor);
  },

  /** Reads a little now and then, and must get everything all the same. */
  slowReading: async (actor, stage) => {
    const everyMs = actor.random.magnitude(1, 300);
    const fewest = Math.max(
      stage.requests.maxContentBytes >> 4,
      bytesIn(everyMs * 2, stage.limits.minSendBytesPerSecond),
    );
    actor.client.readRate = { bytes: actor.random.between(fewest, Math.max(fewest, 65_536)) + 1, everyMs };
    const plans = plansOf(actor, { ...stage, maxRequests: 4, requests: { ...stage.requests, endingShare: 0 } });
    for (const plan of plans) await actor.send(plan);
    await actor.answered();
    await goodbye(actor);
  },

  /** Finishes sending at once, and still gets its answers. */
  halfClosing: async (actor, stage) => {
    const plans = plansOf(actor, { ...stage, maxRequests: 4 }).map((plan) => ({
      ...plan,
      awaitsContinue: false,
      // Its time is that of a client that has finished, or the handler's, whichever is over first.
      outcome: plan.outcome.statuses.includes(504) ? { ...plan.outcome, kind: 'none' as const } : plan.outcome,
    }));
    for (const plan of plans) await actor.send(plan);
    if (actor.random.chance(0.5)) await actor.sleep(actor.random.below(20));
    actor.client.finish();
    if (plans.some(({ outcome }) => outcome.kind === 'none')) await expectAbort(actor, stage);
    else await actor.ended();
  },

  /** Never reads: its answers pile up, and it is ended. */
  neverReading: async (actor, stage) => {
    actor.client.pauseReading();
    actor.isDeaf = true;
    await askForMuch(actor, stage, 0);
    await actor.sleep(PATIENCE_MS);
    // Its time began when the first byte was owed; what the kernel took later earned none.
    const { endedMs, lastSentMs, acceptedMs } = actor.client.socket;
    checkDeadline(actor, 'not reading', endedMs, stage.limits.sendTimeoutMs, acceptedMs, lastSentMs);
    actor.leave();
  },

  /** Leaves in the middle of a request: by FIN, by RST, or by silence. */
  leavingMidRequest: async (actor, stage) => {
    const path = UNREAD[actor.index % 3];
    const plan =
      path === undefined
        ? planEcho(actor.random, stage.requests, actor.index, 0)
        : planUnread(actor.random, stage.requests, actor.index, 0, path);
    const cut = actor.random.between(1, plan.bytes.length - 1);
    if (actor.random.chance(0.5)) {
      await actor.send(planAnswer(actor.random, actor.index, 1, 10));
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

  /** Leaves in the middle of an answer. */
  leavingMidAnswer: async (actor, stage) => {
    const plans = plansOf(actor, { ...stage, maxRequests: 4 }).map((plan) => ({ ...plan, awaitsContinue: false }));
    actor.world.clock.after(actor.random.magnitude(1, 500), () => actor.leave());
    for (const plan of plans) await actor.send(plan);
    await actor.ended();
  },

  /** Good requests, and then something that is none. */
  garbling: async (actor, stage) => {
    const count = actor.random.below(4);
    for (let i = 0; i < count; i++) {
      const plan = planAnswer(actor.random, actor.index, i, actor.random.below(stage.requests.maxContentBytes));
      await actor.send(plan);
    }
    const garbage = drawGarbage(actor.random, stage.limits.maxHeaderBytes, `${actor.index}.${count}`);
    actor.expectRefusal(garbage.statuses);
    await actor.sendPieces(garbage.bytes, actor.random.between(1, 3));
    if (actor.random.chance(0.3)) actor.client.send(planAnswer(actor.random, actor.index, 99, 9).bytes);
    await actor.answered();
    if (actor.random.chance(0.5)) actor.client.finish();
    await actor.ended();
  },

  /** Connects and says nothing. */
  silent: async (actor, stage) => {
    await actor.ended();
    const { endedMs, acceptedMs } = actor.client.socket;
    if (acceptedMs > 0) checkDeadline(actor, 'silence', endedMs, stage.limits.firstByteTimeoutMs, acceptedMs);
  },

  /** A head that takes longer than it may (slow-loris). */
  loris: async (actor, stage) => {
    actor.expectRefusal([408]);
    const { headerTimeoutMs } = stage.limits;
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
  stalling: async (actor, stage) => {
    const plan = { ...planEcho(actor.random, stage.requests, actor.index, 0), awaitsContinue: false };
    actor.expectRefusal([408]);
    const upTo = actor.random.chance(0.4)
      ? plan.headBytes
      : actor.random.between(plan.headBytes, plan.bytes.length - 6);
    await actor.sendPieces(plan.bytes.subarray(0, upTo), actor.random.between(1, 3));
    await actor.answered();
    // Its time began when the head had come; each byte behind that has earned some, at most all.
    const { lastSentMs, firstReceivedMs, receivedBeforeSendingMs } = actor.client.socket;
    const { bodyTimeoutMs } = stage.limits;
    checkDeadline(actor, 'a stalled body', lastSentMs, bodyTimeoutMs, firstReceivedMs, receivedBeforeSendingMs);
    await actor.ended();
  },

  /** Asks once and stays. */
  idling: async (actor, stage) => {
    await actor.send(planAnswer(actor.random, actor.index, 0, 50));
    await actor.answered();
    await actor.ended();
    const { endedMs, receivedBeforeSendingMs, lastSentMs } = actor.client.socket;
    checkDeadline(actor, 'idling', endedMs, stage.limits.keepAliveTimeoutMs, receivedBeforeSendingMs, lastSentMs);
  },

  /** Its body comes, but too slowly. */
  dripping: async (actor, stage) => {
    await drip(actor, stage);
    await goodbye(actor);
  },

  /** Takes its answers, but too slowly. */
  sipping: sip,

  /** Has others' requests answered in the middle of its own turn: all of them ask at the same moments. */
  conspiring: async (actor, stage) => {
    const large = { ...stage.requests, maxContentBytes: Math.max(stage.requests.maxContentBytes, 50_000) };
    for (let i = 0; i < stage.maxRequests && !actor.isOver; i++) {
      await actor.sleep(MEETING_MS - (actor.world.clock.nowMs % MEETING_MS));
      const path = actor.random.pick(['/held', '/release', '/held-files'] as const);
      await actor.send(
        planAnswer(actor.random, actor.index, 2 * i, actor.random.below(stage.requests.maxContentBytes)),
      );
      await actor.send(planHeld(actor.random, large, actor.index, 2 * i + 1, path));
      await actor.answered();
    }
    await goodbye(actor);
  },

  /** Asks for answers that say more than content, one after the other or all at once. */
  talkative: async (actor, stage) => {
    const count = actor.random.magnitude(1, stage.maxRequests);
    const plans = Array.from({ length: count }, (_, i) => planTalk(actor.random, stage.requests, actor.index, i));
    const isPipelining = actor.random.chance(0.5);
    for (const plan of plans) {
      await actor.send(plan, actor.random.chance(0.2) ? actor.random.between(1, 4) : 1);
      if (!isPipelining) await actor.answered();
      if (actor.isOver) return;
    }
    await actor.answered();
    await goodbye(actor);
  },

  /** Changes its protocol, behind requests that are still answered, and then sends as much as it gets back. */
  upgrading: async (actor, stage) => {
    const before = actor.random.below(3);
    for (let i = 0; i < before; i++) {
      await actor.send(planAnswer(actor.random, actor.index, i, actor.random.below(stage.requests.maxContentBytes)));
    }
    const echo = contentOfRequest(actor.index, before, actor.random.magnitude(1, stage.requests.maxContentBytes * 2));
    const atOnce = actor.random.chance(0.6) ? actor.random.below(echo.length + 1) : 0;
    if (actor.random.chance(0.2)) actor.world.clock.after(actor.random.magnitude(1, 300), () => actor.leave());
    await actor.upgrade(planUpgrade(actor.random, actor.index, before), echo, atOnce);
    if (actor.random.chance(0.5)) await actor.echoed();
    if (actor.isOver) return;
    actor.client.finish();
    await actor.ended();
  },

  /** Asks for what nobody will answer. */
  unanswered: async (actor, stage) => {
    const { handlerTimeoutMs } = stage.limits;
    const plan = planNever(actor.random, stage.requests, actor.index, 0);
    await actor.send(plan);
    await awaitAnswers(actor, [plan]);
    if (handlerTimeoutMs === 0) return;
    const { lastSentMs, receivedBeforeSendingMs } = actor.client.socket;
    checkDeadline(actor, 'a handler', lastSentMs, handlerTimeoutMs, receivedBeforeSendingMs);
    await actor.ended();
  },
};

/** Plays `name`; what it throws, the run hears of. */
export function behave(name: BehaviourName, actor: Actor, stage: Stage): Promise<void> {
  return BEHAVIOURS[name](actor, stage);
}
