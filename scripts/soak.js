// The soak: three servers for hours under a light load of all adapters, good clients and bad ones. Meanwhile workers are
// reloaded and killed, log files are rotated, files of the site replaced, the clock of the day is stepped back and forth,
// and accepting fails now and then. Resident memory, collected heap and descriptors must not grow, and no request may be
// lost but those of a killed worker.
//   npm run soak [-- --minutes N]     default 120
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readOptions } from './arguments.js';
import { freePorts } from './programs.js';
import { Clients } from './soak/clients.js';
import { trendOf } from './soak/trend.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COMMAND = join(ROOT, 'dist', 'epoll-server.js');
const APPLICATIONS = join(ROOT, 'scripts', 'soak', 'applications');
const PRELOADED = join(ROOT, 'scripts', 'soak', 'collect.js');

const MIB = 2 ** 20;
const SAMPLE_MS = 10_000;
const REPORT_MS = 300_000;
const START_MS = 60_000;
/** How long clients of a worker that was killed may fail. */
const FORGIVING_MS = 5_000;
/** From the middle third of the time to the last one. */
const MAX_GROWTH = { resident: 4 * MIB, heap: MIB, descriptors: 4 };

/** Where the clock of the day goes, in seconds. */
const CLOCK_STEPS = [3_600, -3_600, 86_400, 0, -86_400, 1, -1, 0];

const folder = mkdtempSync(join(tmpdir(), 'epoll-soak-'));
const clockFile = join(folder, 'clock');
const done = { reloads: 0, kills: 0, rotations: 0, clockSteps: 0, replacedFiles: 0 };

const all = new Set();

/** A server that is watched. */
class Subject {
  samples = { resident: [], heap: [], descriptors: [] };
  killedAtMs = Number.NEGATIVE_INFINITY;
  #child;
  #said = '';

  constructor(name, args) {
    this.name = name;
    this.log = join(folder, `${name}.log`);
    this.errorLog = join(folder, `${name}.errors`);
    const logs = ['--access-log', this.log, '--log-format', 'json', '--error-log', this.errorLog];
    const flags = [...args, ...logs, '--request-ids', '--admin', `unix:${join(folder, name)}.sock`];
    this.#child = spawn(process.execPath, ['--expose-gc', '--import', PRELOADED, COMMAND, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...shimmed(), SOAK_HEAP: join(folder, 'heap-'), XDG_DATA_HOME: folder },
    });
    all.add(this);
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on('data', (text) => (this.#said += text));
  }

  get pid() {
    return this.#child.pid;
  }

  kill() {
    this.#child.kill('SIGKILL');
  }

  async started() {
    for (const end = performance.now() + START_MS; !this.#said.includes('admin listener'); await sleep(50)) {
      if (performance.now() > end || this.#child.exitCode !== null)
        throw new Error(`${this.name} does not start: ${this.#said}`);
    }
  }

  signal(name) {
    this.#child.kill(name);
  }

  workers() {
    const text = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  }

  rotateLogs() {
    for (const path of [this.log, this.errorLog]) {
      try {
        renameSync(path, `${path}.1`);
      } catch {
        // It has written no line yet.
      }
    }
    this.signal('SIGUSR1');
  }

  sample(seconds) {
    if (this.#child.exitCode !== null) throw new Error(`${this.name} has ended: ${this.#said}`);
    const [, resident] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'));
    this.samples.resident.push([seconds, 1_024 * Number(resident)]);
    this.samples.descriptors.push([seconds, readdirSync(`/proc/${this.pid}/fd`).length]);
    const heap = readOrNothing(join(folder, `heap-${this.pid}`));
    if (heap !== '') this.samples.heap.push([seconds, Number(heap)]);
  }

  /** Ends it in order; returns the exit code. */
  async end() {
    this.signal('SIGTERM');
    for (const end = performance.now() + START_MS; this.#child.exitCode === null; await sleep(50)) {
      if (performance.now() > end) this.#child.kill('SIGKILL');
      if (this.#child.signalCode !== null) return this.#child.signalCode;
    }
    return this.#child.exitCode;
  }
}

function readOrNothing(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

let shim;

/** The variables that load test/shims/clock.cc; none without a compiler. */
function shimmed() {
  if (shim === undefined) {
    const library = join(folder, 'clock.so');
    const source = join(ROOT, 'test', 'shims', 'clock.cc');
    const { status } = spawnSync('g++', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'], {
      stdio: 'inherit',
    });
    if (status !== 0) process.stdout.write('NOT TRIED: clock steps and failing accepts, without g++\n');
    shim = status === 0 ? { LD_PRELOAD: library, SHIM_CLOCK: clockFile, SHIM_ACCEPT_EVERY: '97' } : {};
  }
  return shim;
}

function stepClock(seconds) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(seconds);
  // In place: the servers have mapped the file.
  writeFileSync(clockFile, bytes, { flag: 'r+' });
}

function writeSite(site) {
  mkdirSync(site);
  writeFileSync(join(site, 'index.html'), '<!doctype html><title>soak</title>'.padEnd(2_000));
  writeFileSync(join(site, 'large.bin'), Buffer.alloc(2 * MIB, 'x'));
  replaceFile(site, 0);
}

function replaceFile(site, count) {
  const path = join(site, 'changing.txt');
  writeFileSync(`${path}.new`, String(count).padStart(1_000));
  renameSync(`${path}.new`, path);
}

const FILES = [
  { path: '/', bytes: 2_000 },
  { path: '/changing.txt', bytes: 1_000 },
  { path: '/large.bin', bytes: 2 * MIB },
  { path: '/missing', status: 404 },
];
const ECHO = { method: 'POST', body: 'e'.repeat(3_000), bytes: 3_000 };

async function startAll() {
  writeFileSync(clockFile, Buffer.alloc(8));
  const site = join(folder, 'site');
  writeSite(site);
  const [plain, secure, ofWorkers, ofThreads] = await freePorts(4);
  const socket = join(folder, 'alone-public.sock');
  const application = (name) => join(APPLICATIONS, `${name}.mjs`);
  const alone = new Subject('alone', [
    ...[site, '--tls-self-signed', '--listen', `127.0.0.1:${secure}`, '--listen', `127.0.0.1:${plain}?tls=off`],
    ...['--listen', `unix:${socket}?tls=off`, '--max-connections', '200'],
    ...['fetch', 'wsgi', 'node'].flatMap((name) => ['--app', `/${name}=${application(name)}`]),
  ]);
  const workers = new Subject('workers', [
    ...[site, '--app', application('raw'), '--adapter', 'raw', '--workers', '2'],
    ...['--listen', `127.0.0.1:${ofWorkers}`],
  ]);
  const threads = new Subject('threads', [
    ...['--app', `/fetch=${application('fetch')}`, '--offload', '2', '--listen', `127.0.0.1:${ofThreads}`],
  ]);
  await Promise.all([alone, workers, threads].map((subject) => subject.started()));
  const mixed = [
    ...FILES,
    { path: '/fetch/', bytes: 5 },
    { path: '/fetch/stream', bytes: 200_000 },
    { path: '/fetch/wait', bytes: 6 },
    { path: '/fetch/throw', status: 500 },
    { ...ECHO, path: '/fetch/echo' },
    { path: '/wsgi/', bytes: 13 },
    { ...ECHO, path: '/node/', bytes: 9 },
  ];
  const host = '127.0.0.1';
  const raw = [
    { path: '/raw/' },
    { path: '/raw/wait' },
    { path: '/raw/throw', status: 500 },
    { ...ECHO, path: '/raw/echo' },
  ];
  const targets = [
    { name: 'alone', options: { host, port: plain }, requests: mixed },
    { name: 'alone', options: { socketPath: socket }, requests: mixed },
    { name: 'alone', isSecure: true, options: { host, port: secure }, requests: mixed },
    { name: 'workers', options: { host, port: ofWorkers }, requests: [...FILES.slice(0, 3), ...raw] },
    {
      name: 'threads',
      options: { host, port: ofThreads },
      requests: mixed.filter(({ path }) => path.startsWith('/fetch')),
    },
  ];
  return { subjects: { alone, workers, threads }, targets, ports: [plain, secure, ofWorkers, ofThreads], site };
}

/** What happens beside the load: each every so many seconds. */
function schedule({ alone, workers, threads }, site) {
  const steps = CLOCK_STEPS.length;
  return [
    [45, () => workers.signal('SIGHUP'), 'reloads'],
    [170, () => killWorker(workers), 'kills'],
    [60, () => rotateLogs([alone, workers, threads]), 'rotations'],
    [100, () => stepClock(CLOCK_STEPS[done.clockSteps % steps]), 'clockSteps'],
    [20, () => replaceFile(site, done.replacedFiles), 'replacedFiles'],
  ];
}

function rotateLogs(subjects) {
  for (const subject of subjects) subject.rotateLogs();
}

function killWorker(workers) {
  const [victim] = workers.workers();
  if (victim === undefined) return;
  workers.killedAtMs = performance.now();
  process.kill(victim, 'SIGKILL');
}

function rowsOf(subjects) {
  return Object.values(subjects).flatMap(({ name, samples }) =>
    Object.entries(samples).flatMap(([what, of]) => {
      const trend = trendOf(of);
      return trend === null ? [] : [{ name, what, ...trend, isGood: trend.growth <= MAX_GROWTH[what] }];
    }),
  );
}

/** `isLast`: earlier figures judge nothing, since a short time has a slope. */
function textOf({ name, what, before, after, slopePerHour, isGood }, isLast) {
  const shown = (value) => (what === 'descriptors' ? value.toFixed(0) : `${(value / MIB).toFixed(2)} MiB`);
  const slope = what === 'descriptors' ? slopePerHour.toFixed(1) : `${(slopePerHour / MIB).toFixed(2)} MiB`;
  const judged = isGood ? 'ok' : 'FAILED';
  return `${isLast ? judged : 'so far'}: ${name}, ${what}: ${shown(before)} then ${shown(after)}, ${slope} an hour\n`;
}

function report(clients, subjects, seconds, isLast) {
  const { answered, forgiven, problems } = clients;
  const lines = rowsOf(subjects)
    .map((row) => textOf(row, isLast))
    .join('');
  const failed = [...problems].map(([text, count]) => `FAILED: ${count} times ${text}\n`).join('');
  const happened = Object.entries(done).map(([name, count]) => `${count} ${name}`);
  process.stdout.write(
    `${Math.round(seconds)} s: ${answered} requests, ${forgiven} lost by kills; ${happened.join(', ')}\n${failed}${lines}`,
  );
}

async function soak(minutes) {
  const { subjects, targets, ports, site } = await startAll();
  const clients = new Clients((name) => performance.now() - subjects[name].killedAtMs < FORGIVING_MS);
  for (const target of targets) clients.add(target);
  clients.addHostile(ports);
  const timers = schedule(subjects, site).map(([seconds, happen, counter]) =>
    setInterval(() => {
      happen();
      done[counter]++;
    }, 1_000 * seconds),
  );
  const beganMs = performance.now();
  const seconds = () => (performance.now() - beganMs) / 1_000;
  let isCut = false;
  process.once('SIGTERM', () => (isCut = true));
  let reportedMs = beganMs;
  while (seconds() < 60 * minutes && !isCut) {
    await sleep(SAMPLE_MS);
    for (const subject of Object.values(subjects)) subject.sample(seconds());
    if (performance.now() - reportedMs < REPORT_MS) continue;
    reportedMs = performance.now();
    report(clients, subjects, seconds(), false);
  }
  timers.forEach(clearInterval);
  await clients.end();
  report(clients, subjects, seconds(), true);
  let isGood = clients.problems.size === 0 && rowsOf(subjects).every((row) => row.isGood);
  for (const subject of Object.values(subjects)) {
    const exit = await subject.end();
    if (exit === 0) continue;
    isGood = false;
    process.stdout.write(`FAILED: ${subject.name} ended with ${exit}\n`);
  }
  return isGood;
}

const values = readOptions(import.meta.url, { minutes: { type: 'string', default: '120' } });
let isGood = false;
try {
  isGood = await soak(Number(values.minutes));
} finally {
  for (const subject of all) subject.kill();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(isGood ? 0 : 1);
