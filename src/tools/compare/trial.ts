// Measures one setting of a running contender. The load ramps up, then one window is measured, then another one counts
// system calls. Meanwhile a client of this process compares responses.

import { BackgroundClients, type Expected } from './background-clients.ts';
import type { RunningContender } from './contender.ts';
import { FIXED_QUERY, TARGETS } from './contender.ts';
import type { Counters } from './counters.ts';
import type { Load, LoadRun } from './load.ts';
import type { Workload } from './parameters.ts';
import type { ComparisonPlan } from './plan.ts';
import { machineBusySeconds, pidsOf, residentBytesOf, usageOf } from './processes.ts';
import { pause } from './program.ts';
import { StartupProbe } from './startup-probe.ts';
import { Unmeasurable } from './unmeasurable.ts';

/** The figures of one measurement, per request where that makes sense. */
export interface Figures {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  /** Processor time of the server's processes per request. */
  readonly userUs: number;
  readonly systemUs: number;
  /** Context switches per request. */
  readonly switches: number;
  /** System calls per request; null: not counted. */
  readonly systemCalls: number | null;
  readonly instructions: number | null;
  /** Memory of all its processes, shared memory counted once. */
  readonly residentBytes: number;
  /** Memory that one idle connection added; null: there was none. */
  readonly idleBytes: number | null;
  /** Responses other than 2xx, and connections that failed, broke or got no response for 2 s. */
  readonly badResponses: number;
  readonly failures: number;
  readonly checked: number;
  readonly wrong: number;
  /** Shares of a processor: of the load generator, and of other programs than it, the server and this one. */
  readonly loadShare: number;
  readonly otherShare: number;
}

export interface Bench {
  readonly plan: ComparisonPlan;
  readonly load: Load;
  readonly counters: Counters;
  readonly expected: Omit<Expected, 'response' | 'isFixed'>;
  readonly signal: AbortSignal;
}

/** How long a server without other clients may take for one response. */
const FIRST_RESPONSE_MS = 5_000;

const SAMPLE_INTERVAL_MS = 50;

/** How soon a server without other work responds. */
const FREE_MS = 1_000;

function expectedOf({ contender }: RunningContender, bench: Bench, response: Workload['response']): Expected {
  return { ...bench.expected, response, isFixed: contender.isFixed === true };
}

/** @throws Unmeasurable, or the failure of the server or the load generator. */
export async function measure(server: RunningContender, setting: Workload, bench: Bench): Promise<Figures> {
  const background = new BackgroundClients(server.port);
  try {
    return await measureWith(background, server, setting, bench);
  } finally {
    background.resetAll();
  }
}

/** Opens `idle` connections; resolves to the bytes of memory that each added. */
async function holdIdle(
  background: BackgroundClients,
  { program: { pid } }: RunningContender,
  idle: number,
  expected: Expected,
  { plan, signal }: Bench,
): Promise<number> {
  const emptyBytes = residentBytesOf(pid);
  const held = await background.hold(idle, expected, plan.stallMs, signal);
  if (held < idle) throw new Unmeasurable(`it served ${held} of ${idle} idle connections`);
  return (residentBytesOf(pid) - emptyBytes) / idle;
}

async function measureWith(
  background: BackgroundClients,
  server: RunningContender,
  setting: Workload,
  bench: Bench,
): Promise<Figures> {
  const { plan, load, signal } = bench;
  const { idle, slow, clients, keepAlive, response } = setting;
  const expected = expectedOf(server, bench, response);
  const problem = await background.checkOnce(expected, FIRST_RESPONSE_MS);
  if (problem !== '') throw new Error(problem);
  const idleBytes = idle === 0 ? null : await holdIdle(background, server, idle, expected, bench);
  await background.readSlowly(slow);
  const query = response === 'text' ? `?${FIXED_QUERY}` : '';
  const url = `http://127.0.0.1:${server.port}${TARGETS[response]}${query}`;
  const run = load.start({ url, clients, keepAlive });
  try {
    await ramp(server, run, plan, signal);
    const checking = background.check(expected, keepAlive);
    const window = await watch(server, run, plan.windowMs, signal);
    const residentBytes = residentBytesOf(server.program.pid);
    const counted = await count(server, run, bench);
    const { checked, wrong, example } = await checking.stop();
    const { totals, perSent } = await run.stop();
    if (totals.requests === 0) throw new Error('no request got a response');
    if (wrong > 0) throw new Error(`${wrong} of ${checked} responses under load were wrong: ${example}`);
    const requests = window.sent * perSent;
    return {
      ...perRequest(window, requests, 1 - totals.badResponses / totals.requests),
      p50Us: totals.p50Us,
      p99Us: totals.p99Us,
      p999Us: totals.p999Us,
      systemCalls: per(counted.systemCalls, counted.sent * perSent),
      instructions: per(counted.instructions, counted.sent * perSent),
      residentBytes,
      idleBytes,
      badResponses: totals.badResponses,
      failures: totals.failures,
      checked,
      wrong,
    };
  } finally {
    await run.stop().catch(() => {});
  }
}

function per(count: number | null, requests: number): number | null {
  return count === null || requests < 1 ? null : count / requests;
}

/** Samples with growth to wait for: the first requests need no earlier response, those of the next sample do. */
const ENOUGH_GROWTHS = 2;

/** Waits until clients are connected, children are spawned, and responses arrive. */
async function ramp(
  { program, port }: RunningContender,
  run: LoadRun,
  { rampMs, maxRampMs }: ComparisonPlan,
  signal: AbortSignal,
): Promise<void> {
  const begin = Date.now();
  const probe = new StartupProbe(program.pid, port);
  for (let [sent, growths] = [0, 0]; Date.now() - begin < maxRampMs; await pause(SAMPLE_INTERVAL_MS, signal)) {
    const [isSettled, nowSent] = [probe.isSettled(), await run.sent()];
    if (nowSent > sent) growths++;
    sent = nowSent;
    if (isSettled && growths >= ENOUGH_GROWTHS && Date.now() - begin >= rampMs) return;
  }
}

/** What was used in a window of time. */
interface Window {
  readonly seconds: number;
  readonly sent: number;
  readonly user: number;
  readonly system: number;
  readonly switches: number;
  readonly load: number;
  readonly other: number;
}

async function sample({ program }: RunningContender, run: LoadRun): Promise<Window> {
  const { userSeconds: user, systemSeconds: system, switches } = usageOf(program.pid);
  const own = process.cpuUsage();
  const load = run.cpuSeconds();
  const other = machineBusySeconds() - user - system - load - (own.user + own.system) / 1e6;
  return { seconds: performance.now() / 1_000, sent: await run.sent(), user, system, switches, load, other };
}

/** A window with fewer requests is extended, up to so many times its length: a few requests give no rate. */
const MIN_REQUESTS = 20;
const MAX_STRETCH = 4;

async function watch(server: RunningContender, run: LoadRun, ms: number, signal: AbortSignal): Promise<Window> {
  const before = await sample(server, run);
  await pause(ms, signal);
  let after = await sample(server, run);
  while (after.sent - before.sent < MIN_REQUESTS && after.seconds - before.seconds < (MAX_STRETCH * ms) / 1_000) {
    await pause(ms / 2, signal);
    after = await sample(server, run);
  }
  return {
    seconds: after.seconds - before.seconds,
    sent: after.sent - before.sent,
    user: after.user - before.user,
    system: after.system - before.system,
    switches: after.switches - before.switches,
    load: after.load - before.load,
    other: after.other - before.other,
  };
}

function perRequest(window: Window, requests: number, goodShare: number) {
  const { seconds, user, system, switches, load, other } = window;
  if (requests < 1) throw new Error(`no request got a response for ${Math.round(seconds * 1_000)} ms`);
  return {
    perSecond: (requests * goodShare) / seconds,
    userUs: (user * 1e6) / requests,
    systemUs: (system * 1e6) / requests,
    switches: Math.max(0, switches) / requests,
    loadShare: load / seconds,
    otherShare: Math.max(0, other) / seconds,
  };
}

async function count(server: RunningContender, run: LoadRun, { counters, plan, signal }: Bench) {
  const counting = await counters.start(pidsOf(server.program.pid));
  const before = await run.sent();
  await pause(plan.countMs, signal).catch(() => {});
  const sent = (await run.sent()) - before;
  return { sent, ...(await counting.stop()) };
}

/** The share of a processor that a server takes without any connection. */
export async function measureRest({ program }: RunningContender, { plan, signal }: Bench): Promise<number> {
  // Work that follows from closed connections does not count as rest.
  await pause(plan.restMs, signal);
  const before = usageOf(program.pid);
  const begin = performance.now();
  await pause(plan.restMs, signal);
  const after = usageOf(program.pid);
  const used = after.userSeconds + after.systemSeconds - before.userSeconds - before.systemSeconds;
  // The kernel's scaling of its ticks occasionally goes back a little.
  return (Math.max(used, 0) * 1_000) / (performance.now() - begin);
}

/** How many clients a server serves at once, of those that the plan tries. */
export async function measureMaxClients(server: RunningContender, bench: Bench): Promise<number> {
  const background = new BackgroundClients(server.port);
  try {
    const expected = expectedOf(server, bench, 'text');
    return await background.hold(bench.plan.mostClients, expected, bench.plan.stallMs, bench.signal);
  } finally {
    background.resetAll();
  }
}

/** Enough for several to be ready at once, but few enough for servers that spawn a child for each. */
const WARMING_CLIENTS = 16;

/** Gives compilers time before the first measurement. */
export async function warmUp(
  server: RunningContender,
  response: Workload['response'],
  { load, plan, signal }: Bench,
): Promise<void> {
  const query = response === 'text' ? `?${FIXED_QUERY}` : '';
  const run = load.start({
    url: `http://127.0.0.1:${server.port}${TARGETS[response]}${query}`,
    clients: WARMING_CLIENTS,
    keepAlive: true,
  });
  try {
    await pause(plan.warmUpMs, signal);
  } finally {
    await run.stop().catch(() => {});
  }
}

/** Whether a server responds soon. One that is still busy with earlier clients cannot be used for the next setting. */
export async function isFree(server: RunningContender, response: Workload['response'], bench: Bench): Promise<boolean> {
  const background = new BackgroundClients(server.port);
  const problem = await background.checkOnce(expectedOf(server, bench, response), FREE_MS);
  background.resetAll();
  return problem === '';
}
