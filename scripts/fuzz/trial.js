// One server's part of a round: it is warmed, asked single heavy requests, fuzzed by many clients beside a well-behaved
// one, left alone, and measured. The first thing that is wrong ends it.
import {
  COST_TRIES,
  costBound,
  GROWTH_BYTES,
  loadBound,
  OPEN_FILES,
  PEAK_BYTES,
  PROBE_EVERY_MS,
  PROBE_MS,
  SETTLE_MS,
} from './bounds.js';
import { Client } from './client.js';
import { bytesOf, COSTS, drawCostly, drawScript, LOAD, WARM_UP } from './scripts.js';

const WARM_SCRIPTS = 80;
const WARM_CLIENTS = 8;
const SETTLE_EVERY_MS = 100;
const IDLE_MS = 500;
const ABANDON_EVERY_MS = 50;
/** What is kept of what reached a server last. */
const MAX_KEPT = 100;
const MAX_KEPT_BYTES = 20_000_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const mib = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;

/** A request whose answer is known. */
function probeScript(sites) {
  const [target, content] = sites.includes('routes')
    ? ['/ignore', 'ignored']
    : sites.includes('files')
      ? ['/assets/mounted.txt', null]
      : ['/', null];
  return {
    isSound: true,
    expected: [{ method: 'GET', status: 200, content }],
    steps: [{ send: `GET ${target} HTTP/1.1\r\nHost: fuzz\r\n\r\n` }],
    reading: 'all',
    leave: 'answered',
    stayMs: 0,
    patienceMs: PROBE_MS,
  };
}

export class Trial {
  /** `{server, command, check, text, inputs}`; null while nothing is wrong. */
  failure = null;
  slowestProbeMs = 0;
  slowestCostSeconds = 0;
  #subject;
  #place;
  #random;
  #totals;
  #kept = [];
  #keptBytes = 0;
  #beganMs = performance.now();
  #clients = new Set();
  #isOver = false;
  #warm = null;
  #sent = { connections: 0, bytes: 0 };

  /** `random`: this server's own; `totals`: of the whole run. */
  constructor(subject, place, random, totals) {
    this.#subject = subject;
    this.#place = place;
    this.#random = random;
    this.#totals = totals;
  }

  get name() {
    return this.#subject.server.name;
  }

  /** All phases but the load and the end: returns when the server is warm and measured. */
  async prepare() {
    await this.#play(probeScript(this.#sites));
    this.#subject.serves();
    let next = 0;
    const one = async () => {
      while (next < WARM_SCRIPTS && this.failure === null) await this.#play(this.#warmScript(next++));
    };
    await Promise.all(Array.from({ length: WARM_CLIENTS }, one));
    await pause(IDLE_MS);
    this.#warm = { ...this.#subject.descriptors(), residentBytes: this.#subject.residentBytes() };
  }

  /** Single heavy requests, one after the other, from `first` on, until the time `until()`; returns how many. */
  async costs(until, first) {
    const source = this.#random.fork(COSTS);
    let number = first;
    while (performance.now() < until() && this.failure === null && this.#subject.server.isBusy !== true) {
      await this.#judgeCost(drawCostly(source, number++));
    }
    return number - first;
  }

  /** Many clients, until the time `until()`; `next()` gives the number of the next script. */
  async load(until, clients, next) {
    const source = this.#random.fork(LOAD);
    const probing = this.#probe();
    const cpuSeconds = this.#subject.cpuSeconds();
    this.#sent = { connections: 0, bytes: 0 };
    const one = async () => {
      while (performance.now() < until() && this.failure === null) {
        await this.#play(drawScript(source, next(), this.#sites));
      }
    };
    const lanes = Promise.all(Array.from({ length: clients }, one));
    const timer = setInterval(() => {
      if (performance.now() >= until()) this.#abandon();
    }, ABANDON_EVERY_MS);
    await lanes;
    clearInterval(timer);
    this.#isOver = true;
    await probing;
    this.#judgeLoad(this.#subject.cpuSeconds() - cpuSeconds);
  }

  /** The clients have left: descriptors and memory must come back. Ends the server. */
  async end() {
    if (this.failure === null) await this.#settle();
    const { unexpected } = this.#subject;
    this.#totals.peakBytes = Math.max(this.#totals.peakBytes, this.#subject.peakBytes());
    this.#totals.cpuSeconds += this.#subject.cpuSeconds();
    const problem = await this.#subject.stop();
    if (unexpected.length > 0) this.#fail('errors', `standard error has: ${unexpected.join('\n')}`);
    if (problem !== '') this.#fail('life', problem);
    const wrongLog = this.failure === null ? (this.#subject.server.verify?.(this.#place) ?? '') : '';
    if (wrongLog !== '') this.#fail('log', wrongLog);
  }

  get #sites() {
    return this.#subject.server.sites;
  }

  /** Right requests, as patient clients send them: what they load and compile is not what fuzzing costs. */
  #warmScript(number) {
    const source = this.#random.fork(WARM_UP);
    for (let i = 0; ; i++) {
      const script = drawScript(source, number * 100 + i, this.#sites);
      if (script.isSound) return { ...script, leave: 'answered', reading: 'all' };
    }
  }

  /** One connection. */
  async #play(script) {
    const client = new Client(script, this.#subject.port);
    this.#clients.add(client);
    this.#keep(script);
    await client.play();
    this.#clients.delete(client);
    this.#count(client, script);
    // A process that has just ended is seen a moment later than by its clients.
    if (client.problem !== '') await pause(SETTLE_EVERY_MS);
    if (this.#subject.end !== '') this.#fail('life', `it ended: ${this.#subject.end}`);
    else if (client.problem !== '') this.#fail('answers', client.problem, [script]);
    else if (this.#subject.unexpected.length > 0) {
      this.#fail('errors', `standard error has: ${this.#subject.unexpected.join('\n')}`);
    }
    return client;
  }

  #count({ judge, bytesSent, bytesReceived }, { expected }) {
    const totals = this.#totals;
    totals.connections++;
    totals.requests += expected?.length ?? judge?.answers ?? 0;
    totals.bytesSent += bytesSent;
    totals.bytesReceived += bytesReceived;
    this.#sent.connections += judge?.answers ?? 0;
    this.#sent.connections++;
    this.#sent.bytes += bytesSent + bytesReceived;
    for (const [name, count] of Object.entries(judge?.classes ?? {})) {
      totals.classes[name] = (totals.classes[name] ?? 0) + count;
    }
  }

  #keep(script) {
    const bytes = bytesOf(script).length;
    this.#kept.push({ atMs: Math.round(performance.now() - this.#beganMs), bytes, script });
    this.#keptBytes += bytes;
    while (this.#kept.length > MAX_KEPT || this.#keptBytes > MAX_KEPT_BYTES) {
      this.#keptBytes -= this.#kept.shift().bytes;
    }
  }

  /** Clients that wait for no answer leave, or all of them. */
  #abandon(all = false) {
    for (const client of this.#clients) if (all || !client.isOwed) client.abandon();
  }

  /** A well-behaved client, until the load is over. */
  async #probe() {
    while (!this.#isOver && this.failure === null) {
      const begin = performance.now();
      const client = new Client(probeScript(this.#sites), this.#subject.port);
      await client.play();
      this.slowestProbeMs = Math.max(this.slowestProbeMs, performance.now() - begin);
      if (client.problem !== '') this.#fail('liveness', `a well-behaved client: ${client.problem}`);
      await pause(PROBE_EVERY_MS);
    }
  }

  /** Several times when it was too much. */
  async #judgeCost(script) {
    const bytes = bytesOf(script).length;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < COST_TRIES && least > costBound(bytes) && this.failure === null; i++) {
      const before = this.#subject.cpuSeconds();
      await this.#play(script);
      least = Math.min(least, this.#subject.cpuSeconds() - before);
    }
    if (this.failure !== null) return;
    this.slowestCostSeconds = Math.max(this.slowestCostSeconds, least);
    if (least <= costBound(bytes)) return;
    this.#fail('cost', `${bytes} bytes, ${COST_TRIES} times, took at least ${least.toFixed(2)} s of processor time`, [
      script,
    ]);
  }

  #judgeLoad(cpuSeconds) {
    const bound = loadBound(this.#sent);
    if (cpuSeconds <= bound || this.#subject.server.isBusy === true) return;
    const { connections, bytes } = this.#sent;
    const what = `${connections} connections and answers, ${mib(bytes)}`;
    this.#fail('cost', `${what} took ${cpuSeconds.toFixed(1)} s of processor time, not ${bound.toFixed(1)} s at most`);
  }

  async #settle() {
    let problems = [];
    for (let waited = 0; waited < SETTLE_MS && this.#subject.end === ''; waited += SETTLE_EVERY_MS) {
      await pause(SETTLE_EVERY_MS);
      problems = this.#leftovers();
      if (problems.length === 0 && waited >= IDLE_MS) break;
    }
    for (const [check, text] of problems) this.#fail(check, text);
    const peak = this.#subject.peakBytes();
    if (peak > PEAK_BYTES) this.#fail('memory', `a process had ${mib(peak)} at its worst`);
  }

  /** What has not come back yet. */
  #leftovers() {
    const { sockets, others } = this.#subject.descriptors();
    const warm = this.#warm;
    const grown = this.#subject.residentBytes() - warm.residentBytes;
    const problems = [];
    if (sockets > warm.sockets) problems.push(['descriptors', `${sockets - warm.sockets} sockets are left open`]);
    if (others > warm.others + OPEN_FILES) {
      problems.push(['descriptors', `${others - warm.others} descriptors of files are left open`]);
    }
    if (grown > GROWTH_BYTES * (this.#subject.server.heaps ?? 1)) {
      problems.push(['memory', `it is ${mib(grown)} larger than it was when it was warm`]);
    }
    return problems;
  }

  /** `scripts`: the input that did it, where that is known; else what reached the server last. */
  #fail(check, text, scripts = null) {
    if (this.failure !== null) return;
    const kept = scripts?.map((script) => ({ atMs: 0, script })) ?? this.#kept;
    const { name, command } = this.#subject.server;
    const inputs = kept.map(({ atMs, script }) => ({ atMs, script }));
    this.failure = { server: name, command, check, text, inputs };
    this.#abandon(true);
  }
}
