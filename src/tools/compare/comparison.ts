// Runs a comparison: every contender in every round, in shuffled order, at every setting. The failure of one contender
// stands in its rows; the others continue.

import { EventEmitter } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shuffle } from 'd3-array';
import { messageOf } from '../../errors.ts';
import { type Contender, type LaunchOptions, type RunningContender, responseSourceOf } from './contender.ts';
import { ContenderRun } from './contender-run.ts';
import { findCounters } from './counters.ts';
import { findLoad } from './load.ts';
import { connectionLimit, type Machine } from './machine.ts';
import type { Variation } from './parameters.ts';
import { countBurnSteps } from './peers/work.ts';
import { findPeer } from './peers.ts';
import { type ComparisonPlan, type PlanRequest, planFor, skippedFor } from './plan.ts';
import { pause } from './program.ts';
import { type ComparisonResult, type Entry, type Row, SCHEMA } from './result.ts';
import { type Bench, type Figures, measure, measureMaxClients, measureRest } from './trial.ts';
import { Unmeasurable } from './unmeasurable.ts';
import { warningsOf } from './warnings.ts';

export interface Comparison extends PlanRequest {
  readonly models: readonly Contender[];
  /** Names of peers. */
  readonly against: readonly string[];
  /** The port of all servers, one after the other; 0: the system chooses. */
  readonly port: number;
  readonly machine: Machine;
  readonly command: string;
}

/** Receives the progress of a comparison. */
export interface Progress {
  /** A message for the user. */
  say(text: string): void;
  planned(plan: ComparisonPlan, contenders: readonly Contender[]): void;
  /** `done` of `all` steps; `what` is running now. */
  step(done: number, all: number, what: string): void;
}

/** How long to wait after a failed measurement for the end of the server's process. */
const END_GRACE_MS = 1_000;

const KIB = Buffer.from('0123456789abcde\n'.repeat(64));
const MIB = Buffer.concat(Array.from({ length: 1_024 }, () => KIB));

/** What was measured of one contender so far. */
class ContenderRecord {
  readonly contender: Contender;
  readonly rest: number[] = [];
  most: number | null = null;
  readonly figures = new Map<Variation, Figures[]>();
  readonly problems = new Map<Variation, string>();
  /** How many rounds were started, and how long the longest one took. */
  runs = 0;
  runMs = 0;

  constructor(contender: Contender) {
    this.contender = contender;
  }

  get entry(): Entry {
    const { name, kind, version } = this.contender;
    return { name, kind, version, rest: this.rest, most: this.most };
  }

  rowsOf(variations: readonly Variation[]): readonly Row[] {
    return variations.map((variation) => ({
      ...variation,
      contender: this.contender.name,
      rounds: this.figures.get(variation) ?? [],
      problem: this.problems.get(variation) ?? '',
    }));
  }
}

/**
 * Runs the comparison. An abort of `signal` ends it early; the result then has what was measured so far.
 * @throws EpollServerError `ERR_COMPARISON` when there is no load generator.
 */
export async function runComparison(
  options: Comparison,
  progress: Progress,
  signal: AbortSignal,
): Promise<ComparisonResult> {
  const folder = await mkdtemp(join(tmpdir(), 'epoll-server-compare-'));
  // The workers of nginx run as another user, which has to read the files.
  await chmod(folder, 0o755);
  await writeFile(join(folder, '1k.txt'), KIB);
  await writeFile(join(folder, '1m.txt'), MIB);
  try {
    const date = new Date().toISOString();
    const begin = performance.now();
    const run = await Run.prepare(options, folder, progress, signal);
    const incomplete = await run.all();
    return {
      schema: SCHEMA,
      date,
      seconds: (performance.now() - begin) / 1_000,
      command: options.command,
      incomplete,
      ...run.found(),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

class Run {
  readonly #options: Comparison;
  readonly #bench: Bench;
  readonly #record: readonly ContenderRecord[];
  readonly #launchOptions: LaunchOptions;
  readonly #progress: Progress;
  readonly #warnings: string[];
  readonly #endMs: number;
  #done = 0;

  private constructor(
    options: Comparison,
    bench: Bench,
    contenders: readonly Contender[],
    launchOptions: LaunchOptions,
    progress: Progress,
    warnings: string[],
  ) {
    this.#options = options;
    this.#bench = bench;
    this.#record = contenders.map((contender) => new ContenderRecord(contender));
    this.#launchOptions = launchOptions;
    this.#progress = progress;
    this.#warnings = warnings;
    this.#endMs = performance.now() + bench.plan.maxMs;
  }

  static async prepare(options: Comparison, folder: string, progress: Progress, signal: AbortSignal): Promise<Run> {
    const warnings: string[] = [];
    const say = (text: string): void => {
      warnings.push(text);
      progress.say(text);
    };
    const load = await findLoad(folder, say);
    const counters = await findCounters(folder);
    const contenders = [...options.models];
    for (const name of options.against) {
      const peer = await findPeer(name, folder);
      if (typeof peer === 'string') say(`skipping ${name}: ${peer}`);
      else contenders.push(peer);
    }
    const limit = connectionLimit();
    for (const what of skippedFor(options, limit))
      say(`skipping ${what}: the limit of ${limit} descriptors is too low (raise it with ulimit -n)`);
    const plan = planFor(options, contenders.length, limit);
    if (options.machine.load > options.machine.processors / 4) {
      say(
        `the machine is busy (load average ${options.machine.load.toFixed(1)}): the figures will look worse than on an idle one`,
      );
    }
    progress.planned(plan, contenders);
    // Many operations listen to this signal at once, so Node.js has to allow more than ten listeners.
    EventEmitter.setMaxListeners(0, signal);
    const bench: Bench = { plan, load, counters, expected: { kib: KIB, mib: MIB }, signal };
    const launchOptions: LaunchOptions = { folder, port: options.port, burnSteps: countBurnSteps() };
    return new Run(options, bench, contenders, launchOptions, progress, warnings);
  }

  /** Returns an empty string, or why the result is incomplete. */
  async all(): Promise<string> {
    const { plan, signal } = this.#bench;
    for (let round = 1; round <= plan.rounds; round++) {
      for (const record of shuffle([...this.#record])) {
        if (signal.aborted) return 'interrupted';
        const before = this.#done;
        if (performance.now() + record.runMs < this.#endMs) await this.#run(record, round).catch(() => {});
        this.#done = before + this.#stepsOfARun;
      }
    }
    return signal.aborted ? 'interrupted' : this.#reportMissing();
  }

  /** Reports contenders that had no time for any round. Those with fewer rounds than planned become warnings. */
  #reportMissing(): string {
    const { rounds } = this.#bench.plan;
    for (const { runs, contender } of this.#record) {
      if (runs > 0 && runs < rounds)
        this.#warnings.push(`the time limit allowed ${runs} of ${rounds} rounds of ${contender.name}`);
    }
    const missed = this.#record.filter(({ runs }) => runs === 0).map(({ contender }) => contender.name);
    return missed.length === 0 ? '' : `the time limit was reached before ${missed.join(', ')}`;
  }

  found() {
    const { plan, load, counters } = this.#bench;
    const entries = this.#record.map(({ entry }) => entry);
    const rows = this.#record.flatMap((record) => record.rowsOf(plan.variations));
    return {
      plan,
      machine: this.#options.machine,
      load: { name: load.name, version: load.version },
      counters: counters.name,
      entries,
      rows,
      warnings: [...this.#warnings, ...warningsOf(rows, counters, this.#options.machine)],
    };
  }

  get #stepsOfARun(): number {
    return this.#bench.plan.variations.length + 1;
  }

  #step(record: ContenderRecord, round: number, what: string): void {
    const { rounds } = this.#bench.plan;
    const all = this.#record.length * rounds * this.#stepsOfARun;
    this.#progress.step(this.#done++, all, `round ${round} of ${rounds}: ${record.contender.name}, ${what}`);
  }

  /** Measures one contender in one round: CPU at rest, maximum of clients, and every setting. */
  async #run(record: ContenderRecord, round: number): Promise<void> {
    const { variations } = this.#bench.plan;
    const run = new ContenderRun(record.contender, this.#launchOptions, this.#bench);
    let beginMs = performance.now();
    record.runs++;
    try {
      for (const source of ['application', 'files'] as const) {
        const here = variations.filter(({ setting }) => responseSourceOf(setting.response) === source);
        if (here.length === 0) continue;
        if (source === 'application') {
          this.#step(record, round, 'at rest');
          await this.#measureFixed(record, run);
          // The maximum is measured only in the first round, so it does not count as time of a round.
          if (round === 1) beginMs = performance.now();
        }
        for (const variation of shuffle([...here])) {
          this.#step(
            record,
            round,
            variation.position === '' ? 'the baseline' : `${variation.parameter} at ${variation.position}`,
          );
          await this.#measureVariation(record, run, variation);
        }
      }
    } finally {
      await run.end();
      record.runMs = Math.max(record.runMs, performance.now() - beginMs);
    }
  }

  /** Measures what does not depend on a setting. */
  async #measureFixed(record: ContenderRecord, run: ContenderRun): Promise<void> {
    try {
      if (record.most === null)
        record.most = (await measureMaxClients(await run.server('application'), this.#bench)) || null;
      record.rest.push(await measureRest(await run.server('application'), this.#bench));
    } catch {
      // The settings that are measured next report what is wrong with the server.
    }
  }

  async #measureVariation(record: ContenderRecord, run: ContenderRun, variation: Variation): Promise<void> {
    const { signal } = this.#bench;
    const { response, idle, slow, keepAlive } = variation.setting;
    if (!record.contender.responses.includes(response)) {
      record.problems.set(variation, 'not supported by this server');
      return;
    }
    if (!keepAlive && record.contender.neverCloses === true) {
      record.problems.set(variation, 'it does not close connections on request');
      return;
    }
    if (record.most !== null && idle + slow >= record.most && record.most < this.#bench.plan.mostClients) {
      record.problems.set(variation, `it serves ${record.most} at once, which leaves none for busy clients`);
      return;
    }
    try {
      const server = await run.server(responseSourceOf(response));
      const figures = await whileAlive(server, this.#bench, (bench) => measure(server, variation.setting, bench));
      record.figures.set(variation, [...(record.figures.get(variation) ?? []), figures]);
    } catch (error) {
      if (signal.aborted) throw error;
      record.problems.set(variation, messageOf(error).replaceAll('\n', ' '));
      if (!(error instanceof Unmeasurable)) await run.end();
    }
  }
}

/** Resolves to the result of `work`. Rejects as soon as the server ends, with its exit status. */
async function whileAlive<T>(
  { program }: RunningContender,
  bench: Bench,
  work: (bench: Bench) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const onAbort = (): void => over.abort(bench.signal.reason);
  bench.signal.addEventListener('abort', onAbort, { once: true });
  EventEmitter.setMaxListeners(0, over.signal);
  void program.ended.then(() => over.abort(new Error('the server ended')));
  try {
    return await work({ ...bench, signal: over.signal });
  } catch (error) {
    // A client sees the closed connection before the end of the process is reported.
    if (!bench.signal.aborted) await Promise.race([program.ended, pause(END_GRACE_MS)]);
    if (program.outcome === '' || bench.signal.aborted) throw error;
    const last = program.lastLine === '' ? '' : `: ${program.lastLine}`;
    throw new Error(`the server ended with ${program.outcome} during the measurement${last}`);
  } finally {
    bench.signal.removeEventListener('abort', onAbort);
  }
}
