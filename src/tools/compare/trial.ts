// One setting of the dials, measured once on a contender that runs: the load ramps up, a window is measured, another
// one counts system calls, and a client of our own compares answers all the while.

import { BackgroundClients, type Expected } from './background-clients.ts';
import type { RunningContender } from './contender.ts';
import { FIXED_QUERY, TARGETS } from './contender.ts';
import type { Counters } from './counters.ts';
import type { Workload } from './dials.ts';
import type { Load, LoadRun } from './load.ts';
import type { ComparisonPlan } from './plan.ts';
import { machineBusySeconds, pidsOf, residentBytesOf, usageOf } from './processes.ts';
import { pause } from './program.ts';
import { StartupProbe } from './startup-probe.ts';
import { Unmeasurable } from './unmeasurable.ts';

/** What one measurement found; per request where it can be. */
export interface Figures {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  /** Processor time of a request, of the server's processes. */
  readonly userUs: number;
  readonly systemUs: number;
  /** Context switches of a request. */
  readonly switches: number;
  /** Of a request; null: not counted. */
  readonly systemCalls: number | null;
  readonly instructions: number | null;
  /** Of all its processes, what they share counted once. */
  readonly residentBytes: number;
  /** What an idle connection added; null: there was none. */
  readonly idleBytes: number | null;
  /** Answers that were not 2xx, and connections that failed, broke or heard nothing for 2 s. */
  readonly badAnswers: number;
  readonly failures: number;
  readonly checked: number;
  readonly wrong: number;
  /** Of a processor: what the load generator took, and what neither it, the server nor this program did. */
  readonly loadShare: number;
  readonly strangerShare: number;
}

export interface Bench {
  readonly plan: ComparisonPlan;
  readonly load: Load;
  readonly counters: Counters;
  readonly expected: Omit<Expected, 'answer' | 'isFixed'>;
  readonly signal: AbortSignal;
}

/** How long one answer may take a server that has no other client. */
const PROOF_MS = 5_000;

const LOOK_MS = 50;

/** How soon a server answers that has nothing else to do. */
const FREE_MS = 1_000;

export function expectedOf({ contender }: RunningContender, bench: Bench, answer: Workload['answer']): Expected {
  return { ...bench.expected, answer, isFixed: contender.isFixed === true };
}

/** @throws Unmeasurable, or whatever befell the server or the load. */
export async function measure(server: RunningContender, setting: Workload, bench: Bench): Promise<Figures> {
  const background = new BackgroundClients(server.port);
  try {
    return await measureAmong(background, server, setting, bench);
  } finally {
    background.release();
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
  if (held < idle) throw new Unmeasurable(`it answered ${held} of ${idle} connections that were to be held`);
  return (residentBytesOf(pid) - emptyBytes) / idle;
}

async function measureAmong(
  background: BackgroundClients,
  server: RunningContender,
  setting: Workload,
  bench: Bench,
): Promise<Figures> {
  const { plan, load, signal } = bench;
  const { idle, slow, clients, keepAlive, answer } = setting;
  const expected = expectedOf(server, bench, answer);
  const proof = await background.prove(expected, PROOF_MS);
  if (proof !== '') throw new Error(proof);
  const idleBytes = idle === 0 ? null : await holdIdle(background, server, idle, expected, bench);
  await background.slow(slow);
  const query = answer === 'text' ? `?${FIXED_QUERY}` : '';
  const url = `http://127.0.0.1:${server.port}${TARGETS[answer]}${query}`;
  const run = load.start({ url, clients, keepAlive });
  try {
    await ramp(server, run, plan, signal);
    const checking = background.check(expected, keepAlive);
    const window = await watch(server, run, plan.windowMs, signal);
    const residentBytes = residentBytesOf(server.program.pid);
    const counted = await count(server, run, bench);
    const { checked, wrong, example } = await checking.stop();
    const { totals, perSent } = await run.stop();
    if (totals.requests === 0) throw new Error('nobody was answered');
    if (wrong > 0) throw new Error(`${wrong} of ${checked} answers under load were wrong: ${example}`);
    const requests = window.sent * perSent;
    return {
      ...perRequest(window, requests, 1 - totals.badAnswers / totals.requests),
      p50Us: totals.p50Us,
      p99Us: totals.p99Us,
      p999Us: totals.p999Us,
      systemCalls: per(counted.systemCalls, counted.sent * perSent),
      instructions: per(counted.instructions, counted.sent * perSent),
      residentBytes,
      idleBytes,
      badAnswers: totals.badAnswers,
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

/** Looks at which more had been asked than at the last one: the first requests wait for nobody, the next for answers. */
const ENOUGH_GROWTHS = 2;

/** Waits until clients are connected, children are spawned, and answers come. */
async function ramp(
  { program, port }: RunningContender,
  run: LoadRun,
  { rampMs, maxRampMs }: ComparisonPlan,
  signal: AbortSignal,
): Promise<void> {
  const begin = Date.now();
  const probe = new StartupProbe(program.pid, port);
  for (let [sent, growths] = [0, 0]; Date.now() - begin < maxRampMs; await pause(LOOK_MS, signal)) {
    const [isQuiet, nowSent] = [probe.isQuiet(), await run.sent()];
    if (nowSent > sent) growths++;
    sent = nowSent;
    if (isQuiet && growths >= ENOUGH_GROWTHS && Date.now() - begin >= rampMs) return;
  }
}

/** What a window of time saw. */
interface Window {
  readonly seconds: number;
  readonly sent: number;
  readonly user: number;
  readonly system: number;
  readonly switches: number;
  readonly load: number;
  readonly stranger: number;
}

async function look({ program }: RunningContender, run: LoadRun): Promise<Window> {
  const { userSeconds: user, systemSeconds: system, switches } = usageOf(program.pid);
  const own = process.cpuUsage();
  const load = run.cpuSeconds();
  const stranger = machineBusySeconds() - user - system - load - (own.user + own.system) / 1e6;
  return { seconds: performance.now() / 1_000, sent: await run.sent(), user, system, switches, load, stranger };
}

/** A window that saw fewer is held open, up to so many times its length: a few requests have no rate. */
const MIN_REQUESTS = 20;
const MAX_STRETCH = 4;

async function watch(server: RunningContender, run: LoadRun, ms: number, signal: AbortSignal): Promise<Window> {
  const before = await look(server, run);
  await pause(ms, signal);
  let after = await look(server, run);
  while (after.sent - before.sent < MIN_REQUESTS && after.seconds - before.seconds < (MAX_STRETCH * ms) / 1_000) {
    await pause(ms / 2, signal);
    after = await look(server, run);
  }
  return {
    seconds: after.seconds - before.seconds,
    sent: after.sent - before.sent,
    user: after.user - before.user,
    system: after.system - before.system,
    switches: after.switches - before.switches,
    load: after.load - before.load,
    stranger: after.stranger - before.stranger,
  };
}

function perRequest(window: Window, requests: number, goodShare: number) {
  const { seconds, user, system, switches, load, stranger } = window;
  if (requests < 1) throw new Error(`nobody was answered for ${Math.round(seconds * 1_000)} ms`);
  return {
    perSecond: (requests * goodShare) / seconds,
    userUs: (user * 1e6) / requests,
    systemUs: (system * 1e6) / requests,
    switches: Math.max(0, switches) / requests,
    loadShare: load / seconds,
    strangerShare: Math.max(0, stranger) / seconds,
  };
}

async function count(server: RunningContender, run: LoadRun, { counters, plan, signal }: Bench) {
  const counting = await counters.start(pidsOf(server.program.pid));
  const before = await run.sent();
  await pause(plan.countMs, signal).catch(() => {});
  const sent = (await run.sent()) - before;
  return { sent, ...(await counting.stop()) };
}

/** The share of a processor that a server takes while nobody is connected. */
export async function measureRest({ program }: RunningContender, { plan, signal }: Bench): Promise<number> {
  // What clients who have just left made it do is not rest.
  await pause(plan.restMs, signal);
  const before = usageOf(program.pid);
  const begin = performance.now();
  await pause(plan.restMs, signal);
  const after = usageOf(program.pid);
  const used = after.userSeconds + after.systemSeconds - before.userSeconds - before.systemSeconds;
  // The system's scaling of its ticks goes back a little now and then.
  return (Math.max(used, 0) * 1_000) / (performance.now() - begin);
}

/** How many clients a server takes at once, of those that the plan tries. */
export async function measureMost(server: RunningContender, bench: Bench): Promise<number> {
  const background = new BackgroundClients(server.port);
  try {
    const expected = expectedOf(server, bench, 'text');
    return await background.hold(bench.plan.mostClients, expected, bench.plan.stallMs, bench.signal);
  } finally {
    background.release();
  }
}

/** Enough for several to be ready at once, and not many where each needs a child. */
const WARMING_CLIENTS = 16;

/** Lets compilers do their work before anything counts. */
export async function warmUp(
  server: RunningContender,
  answer: Workload['answer'],
  { load, plan, signal }: Bench,
): Promise<void> {
  const query = answer === 'text' ? `?${FIXED_QUERY}` : '';
  const run = load.start({
    url: `http://127.0.0.1:${server.port}${TARGETS[answer]}${query}`,
    clients: WARMING_CLIENTS,
    keepAlive: true,
  });
  try {
    await pause(plan.warmUpMs, signal);
  } finally {
    await run.stop().catch(() => {});
  }
}

/** Whether a server answers soon: one that is still busy with clients who left is of no use for the next setting. */
export async function isFree(server: RunningContender, answer: Workload['answer'], bench: Bench): Promise<boolean> {
  const background = new BackgroundClients(server.port);
  const problem = await background.prove(expectedOf(server, bench, answer), FREE_MS);
  background.release();
  return problem === '';
}
