// Plays runs of the simulation from seeds for a given time, and prints what they covered.
//   npm run simulate -- --minutes 30 --seed 1
//   npm run simulate -- --seed 4711 --runs 1 --trace 40     one run, with its last turns
//   npm run simulate -- --seed 4711 --runs 1 --shrink       the smallest run that fails in the same way
//   npm run simulate -- --exhaustive 2                      one fault, and two, at every point of small runs
//   npm run simulate -- --canary lose-last-chunk            with a planted bug: must fail
import { Session } from 'node:inspector/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions } from './arguments.js';
import { plantCanary, readCanaries } from './canary.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROGRESS_MS = 10_000;
/** Folders whose code a long run has to cover. */
const COVERED = /build\/modules\/(?:reactor|connection|http1)\/[\w-]+\.js$/;

const values = readOptions(import.meta.url, {
  minutes: { type: 'string' },
  seed: { type: 'string', default: '1' },
  runs: { type: 'string' },
  clients: { type: 'string' },
  trace: { type: 'string' },
  exhaustive: { type: 'string' },
  canary: { type: 'string' },
  shrink: { type: 'boolean', default: false },
  'keep-going': { type: 'boolean', default: false },
});

function number(name) {
  if (values[name] === undefined) return undefined;
  const value = Number(values[name]);
  if (Number.isFinite(value) && value >= 0) return value;
  process.stderr.write(`--${name} must be a number, not "${values[name]}"\n`);
  process.exit(2);
}

const canary = values.canary === undefined ? null : readCanaries().find(({ name }) => name === values.canary);
if (canary === undefined) {
  process.stderr.write(
    `no canary "${values.canary}": ${readCanaries()
      .map(({ name }) => name)
      .join(', ')}\n`,
  );
  process.exit(2);
}
const modules = canary === null ? new URL('../build/modules/', import.meta.url) : plantCanary(canary);
const testing = await import(new URL('testing/index.js', modules));
const { BEHAVIOUR_NAMES, CHECKERS, FAULT_NAMES, drawRun, everyFault, play, playDrain, shrink, smallRun, TRANSITIONS } =
  testing;

const firstSeed = number('seed');
const minutes = number('minutes');
const maxRuns = number('runs') ?? (minutes === undefined ? 1_000 : Infinity);
const untilMs = minutes === undefined ? Infinity : Date.now() + minutes * 60_000;
const scale = values.clients === undefined ? {} : { maxClients: number('clients') };

const totals = { runs: 0, drains: 0, requests: 0, turns: 0, virtualMs: 0, failures: 0 };
const faults = new Map();
const transitions = new Map();

function addTo(map, counts) {
  for (const [key, count] of counts) map.set(key, (map.get(key) ?? 0) + count);
}

let seed = firstSeed;
process.on('unhandledRejection', (error) => {
  process.stderr.write(`seed ${seed}: unhandled rejection: ${error?.stack ?? error}\n`);
  process.exit(1);
});

function summary() {
  const hours = (totals.virtualMs / 3_600_000).toFixed(1);
  return `${totals.runs} runs and ${totals.drains} drains (seeds ${firstSeed} to ${seed}), ${totals.requests} requests, ${totals.turns} turns, ${hours} simulated hours, ${totals.failures} failures`;
}

/** Prints a failed run: how to replay it, and its last turns. */
async function printFailure(settings, failure) {
  const lines = [];
  const { fingerprint } = await play(settings, (line) => lines.push(line));
  process.stdout.write(`\nFAILED: seed ${settings.seed}: ${failure.message}\n  rule: ${CHECKERS[failure.checker]}\n`);
  process.stdout.write(`  again: npm run simulate -- --seed ${settings.seed} --runs 1 --trace 100\n`);
  process.stdout.write(`  fingerprint ${fingerprint}, settings ${JSON.stringify(settings)}\n`);
  for (const line of lines.slice(-(number('trace') ?? 15))) process.stdout.write(`  ${line}\n`);
}

async function shrunken(settings, failure) {
  process.stdout.write('shrinking');
  const smaller = await shrink(settings, failure.checker, () => process.stdout.write('.'));
  const again = await play(smaller);
  await printFailure(smaller, again.failure);
}

async function playSeed() {
  const settings = drawRun(seed, scale);
  const report = await play(settings);
  totals.runs++;
  totals.requests += report.requests;
  totals.turns += report.turns;
  totals.virtualMs += report.virtualMs;
  addTo(faults, report.faults);
  addTo(transitions, report.transitions);
  // Every hundredth run is played twice: the same seed must produce the same calls.
  if (seed % 100 === 0 && (await play(settings)).fingerprint !== report.fingerprint) {
    totals.failures++;
    process.stdout.write(`FAILED: seed ${seed}: the second run of the same seed differed\n`);
  }
  if (report.failure === null) return playDrainOfSeed();
  totals.failures++;
  await printFailure(settings, report.failure);
  if (values.shrink) await shrunken(settings, report.failure);
}

/** The same seed, as a run in which the server ends or is replaced while clients come and go. */
async function playDrainOfSeed() {
  const { failure, served } = await playDrain(seed);
  totals.drains++;
  totals.requests += served;
  if (failure === null) return;
  totals.failures++;
  process.stdout.write(`\nFAILED: seed ${seed}, a drain: ${failure.message}\n  rule: ${CHECKERS[failure.checker]}\n`);
}

/** Functions of the covered folders, by file, that no run has called. */
async function uncovered(inspector) {
  const { result } = await inspector.post('Profiler.takePreciseCoverage');
  const missing = [];
  let functions = 0;
  for (const { url, functions: list } of result.filter(({ url }) => COVERED.test(url))) {
    for (const { functionName, ranges } of list) {
      functions++;
      if (ranges[0].count === 0) missing.push(`${relative(ROOT, fileURLToPath(url))}: ${functionName || 'a callback'}`);
    }
  }
  return { functions, missing };
}

/** For runs with more points than this only single faults are tried: pairs of a thousand points would take hours. */
const MAX_PLACES = 150;

/** Plays every run of one kind of client with `maxFaults` faults at most. Returns the number of runs. */
async function exhaustOne(behaviour, maxFaults) {
  let runs = 0;
  for await (const { faultsAt, report } of everyFault(smallRun(behaviour), maxFaults)) {
    runs++;
    if (report.failure === null) continue;
    const faults = [...report.faults.keys()].join(', ');
    process.stdout.write(
      `FAILED: ${behaviour}, faults at ${faultsAt.join(', ')} (${faults}): ${report.failure.message}\n`,
    );
    process.exit(1);
  }
  return runs;
}

/** Prints one line for each kind of client; stops at the first run that fails. */
async function exhaust(maxFaults) {
  for (const behaviour of BEHAVIOUR_NAMES) {
    const single = await exhaustOne(behaviour, 1);
    const isSmall = maxFaults > 1 && single <= MAX_PLACES;
    const runs = isSmall ? await exhaustOne(behaviour, maxFaults) : single;
    process.stdout.write(`${behaviour.padEnd(18)} ${runs} runs, ${isSmall ? maxFaults : 1} faults at most\n`);
  }
  process.exit(0);
}

if (values.exhaustive !== undefined) await exhaust(number('exhaustive'));

const inspector = new Session();
inspector.connect();
await inspector.post('Profiler.enable');
await inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

let toldMs = Date.now();
for (; totals.runs < maxRuns && Date.now() < untilMs; seed++) {
  await playSeed();
  if (totals.failures > 0 && !values['keep-going']) break;
  if (Date.now() - toldMs > PROGRESS_MS) {
    toldMs = Date.now();
    process.stdout.write(`${summary()}\n`);
  }
}

process.stdout.write(`\n${summary()}\n\nfaults injected:\n`);
for (const name of FAULT_NAMES) process.stdout.write(`  ${name.padEnd(16)} ${faults.get(name) ?? 0}\n`);
process.stdout.write('connection machine:\n');
for (const name of TRANSITIONS) process.stdout.write(`  ${name.padEnd(34)} ${transitions.get(name) ?? 0}\n`);
for (const name of transitions.keys()) if (!TRANSITIONS.includes(name)) process.stdout.write(`  UNKNOWN: ${name}\n`);
const { functions, missing } = await uncovered(inspector);
process.stdout.write(
  `functions of reactor, connection and http1: ${functions - missing.length} of ${functions} called\n`,
);
for (const line of missing) process.stdout.write(`  not called: ${line}\n`);
const isIncomplete = minutes !== undefined && TRANSITIONS.some((name) => !transitions.has(name));
if (isIncomplete) process.stdout.write('some transitions were not reached\n');
process.exit(totals.failures > 0 || isIncomplete ? 1 : 0);
