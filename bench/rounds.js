// One round of one server: exact checks, warm-up, the measured run, a varied and checked run, exact checks again.

import { startServer } from './cases.js';
import { checkResponses } from './checks.js';
import { cpuOf, pause } from './children.js';
import { countInstructions } from './instructions.js';

const WARM_UP_SECONDS = 1;
/** The number of requests after which the load counts as running, and how long it may take to start. */
const ENOUGH_REQUESTS = 256;
const START_MS = 5000;

/**
 * The figures of one round with one kind of heads. Each kind needs a fresh server: code that V8 compiled for mixed
 * heads would serve the identical ones otherwise.
 */
export async function measure(server, heads, load, seconds, perf) {
  const child = await startServer(server);
  try {
    await checkResponses(child.port, server, heads);
    await load.recorded(child.port, server.requests[heads], Math.min(WARM_UP_SECONDS, seconds * 2));
    const figures = await measuredRun(child, server, heads, load, seconds, perf);
    // The load generator does not check mixed heads.
    const varied =
      heads === 'mixed' ? { checked: 0 } : await load.varied(child.port, server, Math.max(seconds / 2, 0.1));
    await checkResponses(child.port, server, heads);
    return { ...figures, checked: varied.checked };
  } finally {
    await child.end();
  }
}

/** A run with recorded requests between two readings of the processor time. */
export async function measuredRun(child, server, heads, load, seconds, perf = null) {
  const statsBefore = server.counts ? await child.query('stats') : null;
  const steady = server.counts ? steadyCounters(child, statsBefore, seconds) : null;
  steady?.catch(() => {});
  const instructions = perf === null ? null : countInstructions(perf, child.pid);
  const before = cpuOf(child.pid);
  const result = await load.recorded(child.port, server.requests[heads], seconds);
  const after = cpuOf(child.pid);
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
      steady === null ? null : { ...(await steady), ...connectionCounters(statsBefore, await child.query('stats')) },
  };
}

/** System calls per request in the middle of a run, while no client connects or closes. */
async function steadyCounters(child, statsBefore, seconds) {
  const deadline = Date.now() + seconds * 1000 + START_MS;
  let before = statsBefore;
  // The load generator takes time to start.
  while (before.requests.handled < statsBefore.requests.handled + ENOUGH_REQUESTS && Date.now() < deadline) {
    await pause(20);
    before = await child.query('stats');
  }
  await pause(seconds * 100);
  before = await child.query('stats');
  await pause(seconds * 300);
  const after = await child.query('stats');
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

/** Counters over the whole run, in which all its clients connected and closed. */
function connectionCounters(before, after) {
  return {
    registrationsPerConnection:
      (after.systemCalls.registrations - before.systemCalls.registrations) /
      (after.connections.accepted - before.connections.accepted),
  };
}
