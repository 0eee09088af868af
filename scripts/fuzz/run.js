// A whole fuzz run: rounds of servers that are fuzzed at the same time, their progress, and the summary.

import { Progress } from './progress.js';
import { reportFailure } from './replay.js';
import { randomOf } from './scripts.js';
import { Subject } from './subject.js';
import { makeTestSite } from './test-site.js';
import { Trial } from './trial.js';

/** Servers are restarted after this long, so that logs and folders stay small. */
const MAX_ROUND_MS = 60_000;
/** The share of a round in which single requests are measured. */
const COSTS_PART = 0.3;
const INTERRUPTED = 130;

/** Returns the exit code. */
export async function runFuzz(options) {
  const run = new Run(options);
  return run.play();
}

class Run {
  #options;
  #progress;
  #totals = {
    connections: 0,
    requests: 0,
    bytesSent: 0,
    bytesReceived: 0,
    classes: {},
    peakBytes: 0,
    cpuSeconds: 0,
    slowestProbeMs: 0,
    slowestCostSeconds: 0,
  };
  /** The number of scripts of each server, of the load and of the costs. */
  #counts = new Map();
  #failures = [];
  #isInterrupted = false;

  constructor(options) {
    this.#options = options;
    this.#progress = new Progress(() => this.#state());
  }

  async play() {
    const { seed, seconds, servers } = this.#options;
    const interrupt = () => {
      this.#isInterrupted = true;
    };
    process.once('SIGINT', interrupt);
    process.once('SIGTERM', interrupt);
    process.stderr.write(`fuzz: seed ${seed}, ${servers.length} servers, ${seconds} s of load\n`);
    const rounds = [...new Set(servers.map(({ round }) => round))];
    let leftMs = seconds * 1_000;
    while (leftMs > 0 && !this.#isOver) {
      const roundMs = Math.min(Math.max(leftMs / rounds.length, 1_000), MAX_ROUND_MS);
      for (const round of rounds) {
        if (leftMs <= 0 || this.#isOver) break;
        await this.#round(
          servers.filter((each) => each.round === round),
          roundMs,
        );
        leftMs -= roundMs;
      }
    }
    this.#progress.end();
    return this.#summary();
  }

  get #isOver() {
    return this.#isInterrupted || this.#failures.length > 0;
  }

  async #round(servers, roundMs) {
    const testSite = makeTestSite();
    const subjects = servers.map((server) => new Subject(server, testSite));
    try {
      const isStarted = await Promise.all(subjects.map((subject) => this.#start(subject)));
      if (isStarted.includes(false)) return;
      const trials = subjects.map((subject) => this.#trialOf(subject, testSite));
      await Promise.all(trials.map((trial) => trial.prepare()));
      const beginMs = performance.now();
      const clients = Math.max(Math.floor(this.#options.connections / servers.length), 1);
      await Promise.all(trials.map((trial) => this.#fuzz(trial, beginMs, roundMs, clients)));
    } finally {
      await Promise.all(subjects.map((subject) => subject.stop()));
      testSite.remove();
    }
  }

  async #start(subject) {
    if (await subject.started()) return true;
    const { name, command } = subject.server;
    this.#fail({
      server: name,
      command,
      check: 'life',
      text: `the server did not start: ${subject.lastLine}`,
      inputs: [],
    });
    return false;
  }

  #trialOf(subject, testSite) {
    return new Trial(subject, testSite, randomOf(this.#options.seed, subject.server.name), this.#totals);
  }

  async #fuzz(trial, beginMs, roundMs, clients) {
    const count = this.#counts.get(trial.name) ?? { load: 0, costs: 0 };
    this.#counts.set(trial.name, count);
    const until = (part) => (this.#isOver ? 0 : beginMs + roundMs * part);
    count.costs += await trial.costs(() => until(COSTS_PART), count.costs);
    await trial.load(
      () => until(1),
      clients,
      () => count.load++,
    );
    await trial.end();
    const totals = this.#totals;
    totals.slowestProbeMs = Math.max(totals.slowestProbeMs, trial.slowestProbeMs);
    totals.slowestCostSeconds = Math.max(totals.slowestCostSeconds, trial.slowestCostSeconds);
    if (trial.failure !== null) this.#fail(trial.failure);
  }

  #fail(failure) {
    this.#failures.push(failure);
    this.#progress.clear();
    reportFailure(this.#options.seed, failure);
  }

  #state() {
    const { connections, requests, bytesSent } = this.#totals;
    return `fuzz: ${connections} connections, ${requests} requests, ${(bytesSent / 2 ** 20).toFixed(1)} MiB sent`;
  }

  #summary() {
    const { connections, requests, bytesSent, bytesReceived, classes, peakBytes, cpuSeconds } = this.#totals;
    const { slowestProbeMs, slowestCostSeconds } = this.#totals;
    const mib = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;
    const responses = Object.entries(classes)
      .sort()
      .map(([name, count]) => `${count} ${name}`);
    process.stdout.write(
      `fuzz: seed ${this.#options.seed}: ${this.#isInterrupted ? 'interrupted, ' : ''}${this.#failures.length} failures; ` +
        `${this.#counts.size} servers, ` +
        `${connections} connections, ${requests} requests, ${mib(bytesSent)} sent, ${mib(bytesReceived)} received, ` +
        `responses: ${responses.join(', ')}; peak ${mib(peakBytes)}, ${cpuSeconds.toFixed(1)} s of processor time, ` +
        `${(slowestCostSeconds * 1_000).toFixed(0)} ms of it for one request, slowest probe ${slowestProbeMs.toFixed(0)} ms\n`,
    );
    if (this.#failures.length > 0) return 1;
    return this.#isInterrupted ? INTERRUPTED : 0;
  }
}
