// One server's part of a round. It is warmed up, gets single heavy requests, is fuzzed by many clients beside a
// well-behaved one, rests, and is measured. The first problem ends it.
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
/** The number of recent scripts that are kept for the report of a failure. */
const MAX_KEPT = 100;
const MAX_KEPT_BYTES = 20_000_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const mib = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;

/** A request with a known response. */
function probeScript(sites) {
  const [target, content] = sites.includes('routes')
    ? ['/ignore', 'ignored']
    : sites.includes('files')
      ? ['/assets/mounted.txt', null]
      : ['/', null];
  return {
    isValid: true,
    expected: [{ method: 'GET', status: 200, content }],
    steps: [{ send: `GET ${target} HTTP/1.1\r\nHost: fuzz\r\n\r\n` }],
    reading: 'all',
    ending: 'complete',
    stayMs: 0,
    limitMs: PROBE_MS,
  };
}

export class Trial {
  /** `{server, command, check, text, inputs}`; null while nothing is wrong. */
  failure = null;
  slowestProbeMs = 0;
  slowestCostSeconds = 0;
  #subject;
  #testSite;
  #random;
  #totals;
  #kept = [];
  #keptBytes = 0;
  #beganMs = performance.now();
  #clients = new Set();
  #isOver = false;
  #warm = null;
  #sent = { connections: 0, bytes: 0 };

  /** `random`: the random numbers of this server; `totals`: of the whole run. */
  constructor(subject, testSite, random, totals) {
    this.#subject = subject;
    this.#testSite = testSite;
    this.#random = random;
    this.#totals = totals;
  }

  get name() {
    return this.#subject.server.name;
  }

  /** Warms the server up and measures it. */
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

  /**
   * Sends single heavy requests, one after the other from number `first`, until the time `until()`; returns how many.
   */
  async costs(until, first) {
    const source = this.#random.fork(COSTS);
    let number = first;
    while (performance.now() < until() && this.failure === null && this.#subject.server.isBusy !== true) {
      await this.#judgeCost(drawCostly(source, number++));
    }
    return number - first;
  }

  /** Runs many clients until the time `until()`; `next()` returns the number of the next script. */
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

  /** After the clients: waits until descriptors and memory are released, then ends the server. */
  async end() {
    if (this.failure === null) await this.#settle();
    const { unexpected } = this.#subject;
    this.#totals.peakBytes = Math.max(this.#totals.peakBytes, this.#subject.peakBytes());
    this.#totals.cpuSeconds += this.#subject.cpuSeconds();
    const problem = await this.#subject.stop();
    if (unexpected.length > 0) this.#fail('errors', `unexpected output on standard error: ${unexpected.join('\n')}`);
    if (problem !== '') this.#fail('life', problem);
    const wrongLog = this.failure === null ? (this.#subject.server.verify?.(this.#testSite) ?? '') : '';
    if (wrongLog !== '') this.#fail('log', wrongLog);
  }

  get #sites() {
    return this.#subject.server.sites;
  }

  /** Valid requests of patient clients: what they load and compile is not a cost of fuzzing. */
  #warmScript(number) {
    const source = this.#random.fork(WARM_UP);
    for (let i = 0; ; i++) {
      const script = drawScript(source, number * 100 + i, this.#sites);
      if (script.isValid) return { ...script, ending: 'complete', reading: 'all' };
    }
  }

  /** Plays one connection. */
  async #play(script) {
    const client = new Client(script, this.#subject.port);
    this.#clients.add(client);
    this.#keep(script);
    await client.play();
    this.#clients.delete(client);
    this.#count(client, script);
    // The end of a process is visible a moment later than to its clients.
    if (client.problem !== '') await pause(SETTLE_EVERY_MS);
    if (this.#subject.end !== '') this.#fail('life', `the server ended: ${this.#subject.end}`);
    else if (client.problem !== '') this.#fail('responses', client.problem, [script]);
    else if (this.#subject.unexpected.length > 0) {
      this.#fail('errors', `unexpected output on standard error: ${this.#subject.unexpected.join('\n')}`);
    }
    return client;
  }

  #count({ judge, bytesSent, bytesReceived }, { expected }) {
    const totals = this.#totals;
    totals.connections++;
    totals.requests += expected?.length ?? judge?.responses ?? 0;
    totals.bytesSent += bytesSent;
    totals.bytesReceived += bytesReceived;
    this.#sent.connections += judge?.responses ?? 0;
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

  /** Resets the clients that do not wait for a response, or all clients. */
  #abandon(all = false) {
    for (const client of this.#clients) if (all || !client.isWaiting) client.abandon();
  }

  /** Runs a well-behaved client until the load ends. */
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

  /** Repeats a request that was too costly. */
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
    this.#fail(
      'cost',
      `${bytes} bytes took at least ${least.toFixed(2)} s of processor time in each of ${COST_TRIES} attempts`,
      [script],
    );
  }

  #judgeLoad(cpuSeconds) {
    const bound = loadBound(this.#sent);
    if (cpuSeconds <= bound || this.#subject.server.isBusy === true) return;
    const { connections, bytes } = this.#sent;
    const what = `${connections} connections and responses, ${mib(bytes)}`;
    this.#fail('cost', `${what} took ${cpuSeconds.toFixed(1)} s of processor time (limit ${bound.toFixed(1)} s)`);
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
    if (peak > PEAK_BYTES) this.#fail('memory', `the peak of a process was ${mib(peak)}`);
  }

  /** The resources that are not released yet. */
  #leftovers() {
    const { sockets, others } = this.#subject.descriptors();
    const warm = this.#warm;
    const grown = this.#subject.residentBytes() - warm.residentBytes;
    const problems = [];
    if (sockets > warm.sockets) problems.push(['descriptors', `${sockets - warm.sockets} sockets are still open`]);
    if (others > warm.others + OPEN_FILES) {
      problems.push(['descriptors', `${others - warm.others} file descriptors are still open`]);
    }
    if (grown > GROWTH_BYTES * (this.#subject.server.heaps ?? 1)) {
      problems.push(['memory', `the process grew by ${mib(grown)} after the warm-up`]);
    }
    return problems;
  }

  /** `scripts`: the input that caused the failure if it is known, otherwise the most recent scripts. */
  #fail(check, text, scripts = null) {
    if (this.failure !== null) return;
    const kept = scripts?.map((script) => ({ atMs: 0, script })) ?? this.#kept;
    const { name, command } = this.#subject.server;
    const inputs = kept.map(({ atMs, script }) => ({ atMs, script }));
    this.failure = { server: name, command, check, text, inputs };
    this.#abandon(true);
  }
}
