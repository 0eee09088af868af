// A whole server on a simulated kernel, run turn by turn. It is for tests of applications against dropped, slow or
// half-closed clients, and for this project's own long runs.

import type { Outgoing } from '../connection/outgoing.ts';
import { DUE_AT_MS, UNFINISHED } from '../kernel/kernel.ts';
import type { ServeOptions } from '../server/serve-options.ts';
import { type Server, serveOn } from '../server/server.ts';
import { type FaultSettings, FaultSource } from './fault-source.ts';
import type { SimulatedKernelOptions } from './machine-options.ts';
import { Random } from './random.ts';
import type { SimulatedClient } from './simulated-client.ts';
import { SimulatedKernel } from './simulated-kernel.ts';
import { VirtualClock } from './virtual-clock.ts';

/** The time of a turn on the virtual clock. */
const TURN_MS = 0.02;

/** The options of {@link simulate}: those of `serve` (a `handler` is required), and those of the simulation. */
export interface SimulateOptions extends Omit<ServeOptions, 'static' | 'backend' | 'hostname' | 'fetch' | 'wsgi'> {
  /** The seed of all random choices. Default: 1. */
  readonly seed?: number;
  /** The faults and their frequencies. Default: none. */
  readonly faults?: FaultSettings;
  /** Sizes and delays of the simulated machine. */
  readonly machine?: Omit<SimulatedKernelOptions, 'clock' | 'faults'>;
}

/** Starts a server with its own kernel and clock. Time passes only in {@link SimulatedServer.runFor}. */
export function simulate(options: SimulateOptions): SimulatedServer {
  const { seed = 1, faults = {}, machine = {}, ...serveOptions } = options;
  const kernel = new SimulatedKernel({
    ...machine,
    clock: new VirtualClock(),
    faults: new FaultSource(faults, new Random(seed)),
  });
  return new SimulatedServer(kernel, serveOptions);
}

/** A server on a simulated kernel, which runs only in {@link runFor} and {@link runUntil}. */
export class SimulatedServer {
  /** The kernel under the server. */
  readonly kernel: SimulatedKernel;
  /** The server, with its statistics. */
  readonly server: Server;
  /** Whether time has passed since the last turn because the server was idle. */
  hasBlocked = false;
  /** Called before and after each turn of the server. */
  onTurn: ((isOver: boolean) => void) | null = null;

  /** Starts a server on `kernel`. `outgoing`: what its handler connects through to other programs. */
  constructor(kernel: SimulatedKernel, options: ServeOptions, outgoing?: Outgoing) {
    this.kernel = kernel;
    this.server = serveOn(kernel, options, { encryption: kernel.encryption, outgoing });
  }

  /** The virtual clock of the kernel. */
  get clock(): VirtualClock {
    return this.kernel.clock;
  }

  /** Connects a new client. It is accepted in one of the next turns. `address`: its address; default: 127.0.0.1. */
  connect(address?: string): SimulatedClient {
    const client = this.kernel.connectClient();
    if (client === undefined) throw new Error('the simulated server does not listen any more');
    if (address !== undefined) client.socket.address = address;
    return client;
  }

  /** Runs for `ms` virtual milliseconds, and processes all events in that time. */
  async runFor(ms: number): Promise<void> {
    const untilMs = this.clock.nowMs + ms;
    await this.runUntil(() => this.clock.nowMs >= untilMs, untilMs);
  }

  /** Runs until `condition` holds. Returns false if it did not before `untilMs` on the virtual clock. */
  async runUntil(condition: () => boolean, untilMs: number): Promise<boolean> {
    while (!condition()) {
      if (this.clock.nowMs >= untilMs) return false;
      await this.#step(untilMs);
    }
    return true;
  }

  /** Whether the server has work to do before time passes. */
  get mustTurn(): boolean {
    const { control, clock, poller, turn } = this.kernel;
    if (turn === null) return false;
    return poller.hasReady || control[UNFINISHED] !== 0 || (control[DUE_AT_MS] ?? Infinity) <= clock.nowMs;
  }

  /** Runs one turn, or lets time pass until the next event. Promises settle after it, as after a real turn. */
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

/** Resolves after all promises that can settle now, however long their chain. */
function promisesRan(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
