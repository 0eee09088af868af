// A comparison from its plan to its result: every contender in turn, shuffled anew each round, at every setting. What
// befalls one contender is said in its rows; the others go on.

import { EventEmitter } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shuffle } from 'd3-array';
import { messageOf } from '../../errors.ts';
import { answerSourceOf, type Contender, type Ground, type RunningContender } from './contender.ts';
import { ContenderRun } from './contender-run.ts';
import { findCounters } from './counters.ts';
import type { Turn } from './dials.ts';
import { findLoad } from './load.ts';
import { connectionLimit, type Machine } from './machine.ts';
import { stepsOfABurn } from './peers/work.ts';
import { findPeer } from './peers.ts';
import { type ComparisonPlan, leftOutFor, planFor, type Wishes } from './plan.ts';
import { pause } from './program.ts';
import { type ComparisonResult, type Entry, type Row, SCHEMA } from './result.ts';
import { type Bench, type Figures, measure, measureMost, measureRest } from './trial.ts';
import { Unmeasurable } from './unmeasurable.ts';
import { warningsOf } from './warnings.ts';

export interface Comparison extends Wishes {
  readonly models: readonly Contender[];
  /** Names of peers. */
  readonly against: readonly string[];
  /** For the servers, one after the other; 0: the system chooses. */
  readonly port: number;
  readonly machine: Machine;
  readonly command: string;
}

/** What is told while it runs. */
export interface Progress {
  /** A sentence that everybody should read. */
  say(text: string): void;
  planned(plan: ComparisonPlan, contenders: readonly Contender[]): void;
  /** `done` of `all` steps; `what` is under way now. */
  step(done: number, all: number, what: string): void;
}

/** The content of a small file of the comparison: lines of digits. */
/** How long after a failed measurement its server may still turn out to have ended. */
const END_GRACE_MS = 1_000;

const KIB = Buffer.from('0123456789abcde\n'.repeat(64));
const MIB = Buffer.concat(Array.from({ length: 1_024 }, () => KIB));

/** One contender's share of what was found so far. */
class Notes {
  readonly contender: Contender;
  readonly rest: number[] = [];
  most: number | null = null;
  readonly figures = new Map<Turn, Figures[]>();
  readonly problems = new Map<Turn, string>();
  /** Runs that time was left for, and how long the longest took. */
  runs = 0;
  runMs = 0;

  constructor(contender: Contender) {
    this.contender = contender;
  }

  get entry(): Entry {
    const { name, kind, version } = this.contender;
    return { name, kind, version, rest: this.rest, most: this.most };
  }

  rowsOf(turns: readonly Turn[]): readonly Row[] {
    return turns.map((turn) => ({
      ...turn,
      contender: this.contender.name,
      rounds: this.figures.get(turn) ?? [],
      problem: this.problems.get(turn) ?? '',
    }));
  }
}

/**
 * Compares. `signal` ends it early; what was found until then is the result.
 * @throws EpollServerError `ERR_COMPARISON` when there is no load generator.
 */
export async function runComparison(
  wanted: Comparison,
  progress: Progress,
  signal: AbortSignal,
): Promise<ComparisonResult> {
  const folder = await mkdtemp(join(tmpdir(), 'epoll-server-compare-'));
  // nginx's workers are another user.
  await chmod(folder, 0o755);
  await writeFile(join(folder, '1k.txt'), KIB);
  await writeFile(join(folder, '1m.txt'), MIB);
  try {
    const date = new Date().toISOString();
    const begin = performance.now();
    const run = await Run.prepare(wanted, folder, progress, signal);
    const incomplete = await run.all();
    return {
      schema: SCHEMA,
      date,
      seconds: (performance.now() - begin) / 1_000,
      command: wanted.command,
      incomplete,
      ...run.found(),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

class Run {
  readonly #wanted: Comparison;
  readonly #bench: Bench;
  readonly #notes: readonly Notes[];
  readonly #ground: Ground;
  readonly #progress: Progress;
  readonly #said: string[];
  readonly #endMs: number;
  #done = 0;

  private constructor(
    wanted: Comparison,
    bench: Bench,
    contenders: readonly Contender[],
    ground: Ground,
    progress: Progress,
    said: string[],
  ) {
    this.#wanted = wanted;
    this.#bench = bench;
    this.#notes = contenders.map((contender) => new Notes(contender));
    this.#ground = ground;
    this.#progress = progress;
    this.#said = said;
    this.#endMs = performance.now() + bench.plan.maxMs;
  }

  static async prepare(wanted: Comparison, folder: string, progress: Progress, signal: AbortSignal): Promise<Run> {
    const said: string[] = [];
    const say = (text: string): void => {
      said.push(text);
      progress.say(text);
    };
    const load = await findLoad(folder, say);
    const counters = await findCounters(folder);
    const contenders = [...wanted.models];
    for (const name of wanted.against) {
      const peer = await findPeer(name, folder);
      if (typeof peer === 'string') say(`${name} is left out: ${peer}`);
      else contenders.push(peer);
    }
    const limit = connectionLimit();
    for (const what of leftOutFor(wanted, limit)) say(`descriptors are too few (${limit}): ${what} is left out`);
    const plan = planFor(wanted, contenders.length, limit);
    if (wanted.machine.load > wanted.machine.processors / 4) {
      say(`the machine is busy (load ${wanted.machine.load.toFixed(1)}): figures will be worse than they are`);
    }
    progress.planned(plan, contenders);
    // Everything waits on one signal, at several places.
    EventEmitter.setMaxListeners(0, signal);
    const bench: Bench = { plan, load, counters, expected: { kib: KIB, mib: MIB }, signal };
    const ground: Ground = { folder, port: wanted.port, burnSteps: stepsOfABurn() };
    return new Run(wanted, bench, contenders, ground, progress, said);
  }

  /** Empty, or why it is not everything. */
  async all(): Promise<string> {
    const { plan, signal } = this.#bench;
    for (let round = 1; round <= plan.rounds; round++) {
      for (const notes of shuffle([...this.#notes])) {
        if (signal.aborted) return 'it was interrupted';
        const before = this.#done;
        if (performance.now() + notes.runMs < this.#endMs) await this.#run(notes, round).catch(() => {});
        this.#done = before + this.#stepsOfARun;
      }
    }
    return signal.aborted ? 'it was interrupted' : this.#unvisited();
  }

  /** Everybody is to be seen once. Who had fewer rounds than others for want of time is named beside the figures. */
  #unvisited(): string {
    const { rounds } = this.#bench.plan;
    for (const { runs, contender } of this.#notes) {
      if (runs > 0 && runs < rounds)
        this.#said.push(`time was left for ${runs} of ${rounds} rounds of ${contender.name}`);
    }
    const missed = this.#notes.filter(({ runs }) => runs === 0).map(({ contender }) => contender.name);
    return missed.length === 0 ? '' : `its time was over before ${missed.join(', ')}`;
  }

  found() {
    const { plan, load, counters } = this.#bench;
    const entries = this.#notes.map(({ entry }) => entry);
    const rows = this.#notes.flatMap((notes) => notes.rowsOf(plan.turns));
    return {
      plan,
      machine: this.#wanted.machine,
      load: { name: load.name, version: load.version },
      counters: counters.name,
      entries,
      rows,
      warnings: [...this.#said, ...warningsOf(rows, counters, this.#wanted.machine)],
    };
  }

  get #stepsOfARun(): number {
    return this.#bench.plan.turns.length + 1;
  }

  #step(notes: Notes, round: number, what: string): void {
    const { rounds } = this.#bench.plan;
    const all = this.#notes.length * rounds * this.#stepsOfARun;
    this.#progress.step(this.#done++, all, `round ${round} of ${rounds}: ${notes.contender.name}, ${what}`);
  }

  /** One contender in one round: rest, how many it takes, and every setting. */
  async #run(notes: Notes, round: number): Promise<void> {
    const { turns } = this.#bench.plan;
    const run = new ContenderRun(notes.contender, this.#ground, this.#bench);
    let beginMs = performance.now();
    notes.runs++;
    try {
      for (const place of ['application', 'files'] as const) {
        const here = turns.filter(({ setting }) => answerSourceOf(setting.answer) === place);
        if (here.length === 0) continue;
        if (place === 'application') {
          this.#step(notes, round, 'at rest');
          await this.#aside(notes, run);
          // How many it takes is asked once.
          if (round === 1) beginMs = performance.now();
        }
        for (const turn of shuffle([...here])) {
          this.#step(notes, round, turn.position === '' ? 'the middle' : `${turn.dial} at ${turn.position}`);
          await this.#turn(notes, run, turn);
        }
      }
    } finally {
      await run.end();
      notes.runMs = Math.max(notes.runMs, performance.now() - beginMs);
    }
  }

  /** What is not a setting of the dials. */
  async #aside(notes: Notes, run: ContenderRun): Promise<void> {
    try {
      if (notes.most === null) notes.most = (await measureMost(await run.server('application'), this.#bench)) || null;
      notes.rest.push(await measureRest(await run.server('application'), this.#bench));
    } catch {
      // What is wrong with the server is said by the settings that are measured next.
    }
  }

  async #turn(notes: Notes, run: ContenderRun, turn: Turn): Promise<void> {
    const { signal } = this.#bench;
    const { answer, idle, slow, keepAlive } = turn.setting;
    if (!notes.contender.answers.includes(answer)) {
      notes.problems.set(turn, 'it has no such answer here');
      return;
    }
    if (!keepAlive && notes.contender.neverCloses === true) {
      notes.problems.set(turn, 'it keeps every connection');
      return;
    }
    if (notes.most !== null && idle + slow >= notes.most && notes.most < this.#bench.plan.mostClients) {
      notes.problems.set(turn, `it takes ${notes.most} at once: none is left for busy ones`);
      return;
    }
    try {
      const server = await run.server(answerSourceOf(answer));
      const figures = await whileAlive(server, this.#bench, (bench) => measure(server, turn.setting, bench));
      notes.figures.set(turn, [...(notes.figures.get(turn) ?? []), figures]);
    } catch (error) {
      if (signal.aborted) throw error;
      notes.problems.set(turn, messageOf(error).replaceAll('\n', ' '));
      if (!(error instanceof Unmeasurable)) await run.end();
    }
  }
}

/** What `work` finds; rejects as soon as the server ends, and says how. */
async function whileAlive<T>(
  { program }: RunningContender,
  bench: Bench,
  work: (bench: Bench) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const onAbort = (): void => over.abort(bench.signal.reason);
  bench.signal.addEventListener('abort', onAbort, { once: true });
  EventEmitter.setMaxListeners(0, over.signal);
  void program.ended.then(() => over.abort(new Error('it ended')));
  try {
    return await work({ ...bench, signal: over.signal });
  } catch (error) {
    // A client sees that its connection is closed before the end of the process is reported.
    if (!bench.signal.aborted) await Promise.race([program.ended, pause(END_GRACE_MS)]);
    if (program.how === '' || bench.signal.aborted) throw error;
    const last = program.lastLine === '' ? '' : `: ${program.lastLine}`;
    throw new Error(`it ended with ${program.how} while it was measured${last}`);
  } finally {
    bench.signal.removeEventListener('abort', onAbort);
  }
}
