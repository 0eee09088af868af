// Plays one run: a simulated server, its clients, injected faults, and the checks.

import { EpollServerError } from '../../errors.ts';
import { limitOptionsOf } from '../../options/resolve-limits.ts';
import { type FaultName, FaultSource } from '../fault-source.ts';
import { Random } from '../random.ts';
import { SimulatedFiles } from '../simulated-files.ts';
import { SimulatedKernel } from '../simulated-kernel.ts';
import { SimulatedServer } from '../simulated-server.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { Actor } from './actor.ts';
import { SimulatedApplication } from './application.ts';
import { behave } from './behaviours.ts';
import { CheckFailure } from './failure.ts';
import { filesHandler } from './files.ts';
import { LoggedRequests } from './logged-requests.ts';
import { type Transitions, type WatchedConnections, watchConnections } from './machine.ts';
import type { RunContext } from './run-context.ts';
import type { PlannedClient, RunSettings } from './settings.ts';
import { Watch } from './watch.ts';

/** Virtual time, without jumps, after which an unfinished run is considered stuck. */
const MAX_RUN_MS = 1_800_000;

/** Errors that this application causes on purpose. */
const PLANNED_CODES = new Set(['ERR_BODY_LENGTH', 'ERR_CLIENT_GONE', 'ERR_BODY_CONSUMED', 'ERR_HANDLER_TIMEOUT']);

/** The result of a run. */
export interface RunReport {
  /** The violated rule; null: none. */
  readonly failure: CheckFailure | null;
  /** Requests that the application handled. */
  readonly requests: number;
  /** Turns of the event loop. */
  readonly turns: number;
  /** The length of the run on the virtual clock, in milliseconds. */
  readonly virtualMs: number;
  /** Injected faults by name. */
  readonly faults: ReadonlyMap<FaultName, number>;
  /** State changes of all connections. */
  readonly transitions: Transitions;
  /** Equal for equal seeds. */
  readonly fingerprint: number;
}

/** Plays the run of `settings`. `onLine` is called with one line per turn. `faults` overrides those of the settings. */
export async function play(
  settings: RunSettings,
  onLine?: (line: string) => void,
  faults?: FaultSource,
): Promise<RunReport> {
  const transitions: Transitions = new Map();
  const connections = watchConnections(transitions);
  const run = new Run(settings, connections, onLine, faults);
  let failure: CheckFailure | null = null;
  try {
    await run.play();
  } catch (error) {
    failure = error instanceof CheckFailure ? error : new CheckFailure('crash', stackOf(error));
  } finally {
    connections.stop();
  }
  const { world, application, watch } = run;
  return {
    failure,
    requests: application.requests,
    turns: watch.turns,
    virtualMs: world.clock.elapsedMs,
    faults: world.kernel.faults.injected,
    transitions,
    fingerprint: world.kernel.ledger.fingerprint,
  };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

class Run {
  readonly world: SimulatedServer;
  readonly application: SimulatedApplication;
  readonly watch: Watch;
  readonly #settings: RunSettings;
  readonly #files: SimulatedFiles;
  readonly #log = new LoggedRequests();
  readonly #random: Random;
  readonly #actors: Actor[] = [];
  readonly #context: RunContext;
  #playing = 0;
  #failure: unknown = null;

  constructor(
    settings: RunSettings,
    connections: WatchedConnections,
    onLine?: (line: string) => void,
    given?: FaultSource,
  ) {
    this.#settings = settings;
    this.#random = new Random(settings.seed);
    const clock = new VirtualClock();
    const faults = given ?? new FaultSource(settings.faults, this.#random.fork(0));
    const kernel = new SimulatedKernel({ ...settings.machine, clock, faults });
    this.#files = new SimulatedFiles(clock, kernel.fileContents);
    this.application = new SimulatedApplication(clock, filesHandler(kernel, clock, this.#files, settings.limits));
    this.world = new SimulatedServer(kernel, {
      ...limitOptionsOf(settings.limits),
      handler: this.application.handle,
      log: { error: (error) => this.#reported(error), access: this.#log.take },
    });
    this.watch = new Watch(this.world, this.application, settings, connections);
    this.#context = {
      limits: settings.limits,
      requests: settings.requests,
      maxRequests: settings.maxRequests,
      sendCapacity: settings.machine.sendCapacity,
    };
    this.world.onTurn = (isOver) => (isOver ? this.watch.after() : this.watch.before());
    if (onLine !== undefined) this.#tell(onLine);
  }

  async play(): Promise<void> {
    const { clock, kernel } = this.world;
    for (const guest of this.#settings.guests) {
      this.#playing++;
      clock.after(guest.atMs, () => this.#enter(guest));
    }
    clock.after(this.#settings.healAtMs, () => kernel.faults.heal());
    await this.#until(() => this.#playing === 0, 'all clients have disconnected');
    kernel.faults.heal();
    await this.#close();
    this.#checkEnd();
  }

  #enter(guest: PlannedClient): void {
    const random = this.#random.fork(guest.index + 1);
    const { maxConnections } = this.#settings.limits;
    const actor = new Actor(guest, random, this.world, this.application.sizes, maxConnections);
    this.#actors.push(actor);
    const { socket } = actor.client;
    this.application.historyOf(socket.port).sentBytes = () => socket.sentBytes;
    behave(guest.behaviour, actor, this.#context).then(
      () => {
        this.#playing--;
      },
      (error: unknown) => {
        this.#failure ??= error;
      },
    );
  }

  /** Closes the server, and waits for handlers and files that are still in use. */
  async #close(): Promise<void> {
    let isClosed = false;
    void this.world.server.close().then(() => {
      isClosed = true;
    });
    await this.#until(() => isClosed, 'the server has closed');
    await this.world.runFor(60_000);
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    const { clock, kernel } = this.world;
    const beginMs = clock.nowMs - kernel.jumpedMs;
    const isLate = (): boolean => clock.nowMs - kernel.jumpedMs - beginMs > MAX_RUN_MS;
    await this.world.runUntil(
      () => {
        this.#raise();
        return condition() || isLate();
      },
      clock.nowMs + MAX_RUN_MS * 100,
    );
    this.#raise();
    if (condition()) return;
    const waiting = this.#actors.filter((actor) => !actor.isOver).map((actor) => actor.state);
    throw new CheckFailure('liveness', `timed out waiting until ${what}: ${waiting.join(', ')}`);
  }

  /** Throws the failures found since the last call. */
  #raise(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#log.failure !== null) throw this.#log.failure;
    for (const actor of this.#actors) if (actor.failure !== null) throw actor.failure;
  }

  /** Receives an error that the server reports: only planned ones may come here. */
  #reported(error: unknown): void {
    if (error instanceof EpollServerError && PLANNED_CODES.has(error.code)) return;
    if (error instanceof Error && this.application.planned.has(error)) return;
    this.#failure ??= error;
  }

  #checkEnd(): void {
    const { kernel, server } = this.world;
    const { opened, closed } = kernel.descriptors;
    const left: string[] = [];
    if (opened !== closed) left.push(`${opened - closed} descriptors`);
    if (kernel.poller.size > 0) left.push(`${kernel.poller.size} registrations`);
    if (kernel.ledger.misuses.length > 0) left.push(kernel.ledger.misuses.join(', '));
    if (server.stats().connections.open > 0) left.push(`${server.stats().connections.open} connections`);
    if (this.#files.openFiles > 0) left.push(`${this.#files.openFiles} open files`);
    if (this.application.running > 0) left.push(`${this.application.running} handlers`);
    if (this.application.unsent > 0) left.push(`${this.application.unsent} callbacks of whenSent`);
    if (left.length > 0) throw new CheckFailure('leaks', `still open at the end: ${left.join(', ')}`);
    this.#log.checkEnd(this.application.handled);
  }

  /** Reports one line per turn: the time, and every call with its result. */
  #tell(onLine: (line: string) => void): void {
    const { kernel, clock } = this.world;
    let calls: string[] = [];
    kernel.ledger.onCall = (text) => calls.push(text);
    this.world.onTurn = (isOver) => {
      if (!isOver) {
        this.watch.before();
        return;
      }
      onLine(`${clock.elapsedMs.toFixed(2)} ms, turn ${this.watch.turns}: ${calls.join(', ')}`);
      calls = [];
      this.watch.after();
    };
  }
}
