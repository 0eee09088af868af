// One round of one server: exact checks, warm-up, the measured run, a varied and checked run, checks again.

import { startServer } from './cases.js';
import { checkAnswers } from './checks.js';
import { cpuOf, pause } from './children.js';
import { countInstructions } from './instructions.js';

const WARM_UP_SECONDS = 1;
/** When the load counts as running, and how long it may take to start. */
const ENOUGH_REQUESTS = 256;
const START_MS = 5000;

/**
 * The figures of one round with one kind of heads, of a server that was started for it: code that was compiled for mixed
 * heads would serve identical ones otherwise.
 */
export async function measure(server, heads, load, seconds, perf) {
  const talker = await startServer(server);
  try {
    await checkAnswers(talker.port, server, heads);
    await load.recorded(talker.port, server.requests[heads], Math.min(WARM_UP_SECONDS, seconds * 2));
    const figures = await measuredRun(talker, server, heads, load, seconds, perf);
    // The load checks no mixed heads.
    const varied =
      heads === 'mixed' ? { checked: 0 } : await load.varied(talker.port, server, Math.max(seconds / 2, 0.1));
    await checkAnswers(talker.port, server, heads);
    return { ...figures, checked: varied.checked };
  } finally {
    await talker.end();
  }
}

/** A run with recorded requests between two looks at the processor's clock. */
export async function measuredRun(talker, server, heads, load, seconds, perf = null) {
  const statsBefore = server.counts ? await talker.ask('stats') : null;
  const steady = server.counts ? steadyCounters(talker, statsBefore, seconds) : null;
  steady?.catch(() => {});
  const instructions = perf === null ? null : countInstructions(perf, talker.pid);
  const before = cpuOf(talker.pid);
  const result = await load.recorded(talker.port, server.requests[heads], seconds);
  const after = cpuOf(talker.pid);
  const counted = instructions === null ? null : await instructions.stop();
  const user = after.user - before.user;
  const system = after.system - before.system;
  return {
    requests: result.requests,
    perSecond: result.requests / result.seconds,
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    userUs: (user * 1e6) / result.requests,
    systemUs: (system * 1e6) / result.requests,
    perCpuSecond: result.requests / Math.max(user + system, 0.001),
    instructions: counted === null ? null : counted / result.requests,
    counters:
      steady === null ? null : { ...(await steady), ...connectionCounters(statsBefore, await talker.ask('stats')) },
  };
}

/** System calls per request in the middle of a run, when nobody comes or goes. */
async function steadyCounters(talker, statsBefore, seconds) {
  const deadline = Date.now() + seconds * 1000 + START_MS;
  let before = statsBefore;
  // The load generator takes its time to start.
  while (before.requests.handled < statsBefore.requests.handled + ENOUGH_REQUESTS && Date.now() < deadline) {
    await pause(20);
    before = await talker.ask('stats');
  }
  await pause(seconds * 100);
  before = await talker.ask('stats');
  await pause(seconds * 300);
  const after = await talker.ask('stats');
  const requests = after.requests.handled - before.requests.handled;
  const per = (name) => (after.systemCalls[name] - before.systemCalls[name]) / requests;
  return {
    recv: per('receives'),
    send: per('sends'),
    wait: per('waits'),
    accept: per('accepts'),
    registrationsPerRequest: per('registrations'),
  };
}

/** Over the whole run, in which all its clients came and left. */
function connectionCounters(before, after) {
  return {
    registrationsPerConnection:
      (after.systemCalls.registrations - before.systemCalls.registrations) /
      (after.connections.accepted - before.connections.accepted),
  };
}
