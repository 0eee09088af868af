// A whole server on a simulated kernel, driven turn by turn: for tests of applications against clients that are
// dropped, slow or half-closed, and for this project's own long runs.

import { DUE_AT_MS, UNFINISHED } from '../kernel/kernel.ts';
import type { ServeOptions } from '../server/serve-options.ts';
import { type Server, serveOn } from '../server/server.ts';
import { Dials, type FaultSettings } from './dials.ts';
import type { SimulatedKernelOptions } from './machine-options.ts';
import { Random } from './random.ts';
import type { SimulatedClient } from './simulated-client.ts';
import { SimulatedKernel } from './simulated-kernel.ts';
import { VirtualClock } from './virtual-clock.ts';

/** What a turn costs on the virtual clock. */
const TURN_MS = 0.02;

/** What {@link simulate} takes: the options of `serve` (a `handler` is needed), and those of the simulation. */
export interface SimulateOptions extends Omit<ServeOptions, 'static' | 'backend' | 'hostname' | 'fetch' | 'wsgi'> {
  /** Everything that is left to chance follows from it. Default: 1. */
  readonly seed?: number;
  /** What goes wrong, and how often. Default: nothing. */
  readonly faults?: FaultSettings;
  /** Sizes and delays of the simulated machine. */
  readonly machine?: Omit<SimulatedKernelOptions, 'clock' | 'dials'>;
}

/** Starts a server in a world of its own, where time passes only in {@link SimulatedServer.runFor}. */
export function simulate(options: SimulateOptions): SimulatedServer {
  const { seed = 1, faults = {}, machine = {}, ...serveOptions } = options;
  const kernel = new SimulatedKernel({
    ...machine,
    clock: new VirtualClock(),
    dials: new Dials(faults, new Random(seed)),
  });
  return new SimulatedServer(kernel, serveOptions);
}

export class SimulatedServer {
  readonly kernel: SimulatedKernel;
  readonly server: Server;
  /** Whether time has passed since the last turn because the server had nothing to do. */
  hasBlocked = false;
  /** Called before and after each turn of the server. */
  onTurn: ((isOver: boolean) => void) | null = null;

  constructor(kernel: SimulatedKernel, options: ServeOptions) {
    this.kernel = kernel;
    this.server = serveOn(kernel, options);
  }

  get clock(): VirtualClock {
    return this.kernel.clock;
  }

  /** A new client. It is accepted in one of the next turns. */
  connect(): SimulatedClient {
    const client = this.kernel.connect();
    if (client === undefined) throw new Error('the simulated server does not listen any more');
    return client;
  }

  /** Lets `ms` virtual milliseconds pass, and everything happen that happens in them. */
  async runFor(ms: number): Promise<void> {
    const untilMs = this.clock.nowMs + ms;
    await this.runUntil(() => this.clock.nowMs >= untilMs, untilMs);
  }

  /** Runs until `condition` holds; false: it did not before `untilMs` on the virtual clock. */
  async runUntil(condition: () => boolean, untilMs: number): Promise<boolean> {
    while (!condition()) {
      if (this.clock.nowMs >= untilMs) return false;
      await this.#step(untilMs);
    }
    return true;
  }

  /** Whether the server has something to do before time passes. */
  get mustTurn(): boolean {
    const { control, clock, poller, turn } = this.kernel;
    if (turn === null) return false;
    return poller.hasReady || control[UNFINISHED] !== 0 || (control[DUE_AT_MS] ?? Infinity) <= clock.nowMs;
  }

  /** One turn, or time passes up to the next thing that happens. Promises run behind it, as behind a real turn. */
  async #step(untilMs: number): Promise<void> {
    const { clock, kernel } = this;
    if (this.mustTurn) {
      this.onTurn?.(false);
      kernel.turn?.();
      await promisesRan();
      this.hasBlocked = false;
      this.onTurn?.(true);
      clock.advanceTo(clock.nowMs + TURN_MS);
    } else {
      this.hasBlocked = true;
      const dueMs = kernel.turn === null ? Infinity : (kernel.control[DUE_AT_MS] ?? Infinity);
      clock.advanceTo(Math.min(clock.nextMs, dueMs, untilMs));
    }
    await promisesRan();
  }
}

/** Resolves behind every promise that can be settled now, however long their chain. */
function promisesRan(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
