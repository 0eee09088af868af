// The children of a server, processes or threads: their maximum number, and how they are stopped.

import { added, type Snapshot } from '../admin/snapshot.ts';
import { messageOf } from '../errors.ts';
import { logLine } from '../log/log-line.ts';
import { type Child, EndedChild } from './child.ts';

/** A child that did not live this long is not replaced before this time has passed, which avoids a respawn storm. */
const MIN_LIFE_MS = 1_000;

/** The longest pause between two attempts to start a child, which double from {@link MIN_LIFE_MS}. */
const MAX_PAUSE_MS = 16_000;

/** Time for children to end, beyond the time that they give their clients. */
export const GRACE_MS = 1_000;

/** The time for a child to report. */
const ANSWER_MS = 1_000;

/** How often children are asked whether they turn. */
const HEARTBEAT_MS = 1_000;

const NO_GAUGES: Snapshot['gauges'] = {
  connections: { active: 0, idle: 0, lingering: 0 },
  files: { cacheBytes: 0, cacheEntries: 0, open: 0 },
  process: { residentBytes: 0, heapBytes: 0 },
  serving: 0,
  full: 0,
};

export class WorkerGroup {
  readonly #max: number;
  readonly #children = new Set<Child>();
  /** Requests that children have cut off, those that are ended included. */
  #cutOff = 0;
  readonly #hangTimeoutMs: number;
  /** Children that have started and live. */
  readonly #started = new Set<Child>();
  /** Children that have no client before they have started. */
  readonly #kept = new WeakSet<Child>();
  /** Children that did not answer while they were starting. */
  readonly #hung = new WeakSet<Child>();
  /** Started children that have not answered the last time. */
  readonly #silent = new WeakSet<Child>();
  /** What children that are gone have counted; null: none. */
  #counted: Snapshot['counters'] | null = null;
  #isStopped = false;
  #onRoom = (): void => {};

  /** `hangTimeoutMs`: a child that does not answer for this long, be it while it starts, is killed; 0: never. */
  constructor(max: number, hangTimeoutMs = 0) {
    this.#max = max;
    this.#hangTimeoutMs = hangTimeoutMs;
  }

  /** Resolves when another child may be started, or the group was stopped. */
  async room(): Promise<void> {
    while (this.#children.size >= this.#max && !this.#isStopped) {
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve;
      });
    }
  }

  /** `child` belongs to the group until it ends. */
  join(child: Child): void {
    this.#children.add(child);
    this.#watch(child);
    child.started.then(
      () => this.#started.add(child),
      // A caller that needs the result awaits it.
      () => {},
    );
    void child.ended.then(() => {
      this.#children.delete(child);
      this.#started.delete(child);
      this.#cutOff += child.cutOff;
      this.#count(child);
      this.#onRoom();
    });
    if (this.#isStopped) child.stop(false);
  }

  /**
   * Starts as many children as there is room for, and another for each that dies. Resolves when all have begun. The first
   * one loads the application alone: if that fails, it is said once. `isEager`: resolves when that one has begun.
   * @throws EndedChild when one ended at once.
   */
  async keepFull(start: (place: number) => Child, isEager = false): Promise<void> {
    try {
      await this.#keep(() => start(0));
      const others = Array.from({ length: this.#max - 1 }, (_, at) => () => start(at + 1));
      if (isEager) for (const other of others) this.#keepTrying(other);
      else await Promise.all(others.map((other) => this.#keep(other)));
    } catch (error) {
      await this.stop(0);
      throw error;
    }
  }

  /** How many requests were cut off by the end of children. A child that had to be killed counts as one. */
  get cutOff(): number {
    return this.#cutOff;
  }

  /** Makes all children open their log files again. */
  reopenLogs(): void {
    for (const child of this.#started) child.reopenLogs();
  }

  /** How many children have started and live. */
  get started(): number {
    return this.#started.size;
  }

  /** What children that are gone have counted; null: nothing. */
  get counted(): Snapshot['counters'] | null {
    return this.#counted;
  }

  /** Asks all children for what they have counted and hold, which {@link snapshot} then has. */
  async ask(): Promise<void> {
    await Promise.all(
      [...this.#started].map(async (child) => {
        if (await child.ask(ANSWER_MS)) this.#silent.delete(child);
        else this.#silent.add(child);
      }),
    );
  }

  /**
   * What all children have last said, those that are gone included; null: nothing was measured. Each child is counted
   * once, whether it lives or is gone.
   */
  get snapshot(): Snapshot | null {
    const living = [...this.#started].flatMap((child) => {
      const { snapshot } = child;
      if (snapshot === null) return [];
      // What a child holds is unknown when it does not answer; what it has counted stays true.
      return [
        this.#silent.has(child) ? { ...snapshot, gauges: { ...snapshot.gauges, serving: 0, full: 0 } } : snapshot,
      ];
    });
    const [first, ...others] = living;
    if (first === undefined) {
      return this.#counted === null ? null : { counters: this.#counted, gauges: NO_GAUGES };
    }
    const sum = others.reduce(added, first);
    return this.#counted === null ? sum : { ...sum, counters: added(sum.counters, this.#counted) };
  }

  #count({ snapshot }: Child): void {
    if (snapshot === null) return;
    const { counters } = snapshot;
    this.#counted = this.#counted === null ? counters : added(this.#counted, counters);
  }

  /** Kills the child when it hangs. */
  #watch(child: Child): void {
    if (this.#hangTimeoutMs === 0) return;
    let missed = 0;
    const timer = setInterval(async () => {
      // Counted by the turns of this process, so that a machine that slept for an hour kills nothing.
      missed++;
      if (missed * HEARTBEAT_MS > this.#hangTimeoutMs + HEARTBEAT_MS) {
        clearInterval(timer);
        // The reason of a failed start reaches the caller of keepFull().
        if (!this.#started.has(child)) this.#hung.add(child);
        else logLine(`${child.name} has not answered for ${this.#hangTimeoutMs} ms: it is killed`);
        child.kill();
        return;
      }
      if (await child.ask(HEARTBEAT_MS)) missed = 0;
    }, HEARTBEAT_MS);
    timer.unref();
    void child.ended.then(() => clearInterval(timer));
  }

  /** Makes the children that are ending cut off what they still do. */
  cut(): void {
    for (const child of this.#children) child.stop(true);
  }

  /**
   * Asks all children to end, kills those that have not after `limitMs`, resolves when all are gone. `isReplaced`: others
   * serve on the same listeners.
   */
  async stop(limitMs: number, isReplaced = false): Promise<void> {
    this.#isStopped = true;
    this.#onRoom();
    for (const child of this.#children) {
      if (this.#isUnused(child)) child.stop(true);
      else if (isReplaced) child.retire();
      else child.stop(limitMs === 0);
    }
    const timer = setTimeout(() => {
      for (const child of this.#children) {
        if (!this.#isUnused(child)) this.#cutOff++;
        child.kill();
      }
    }, limitMs + GRACE_MS);
    while (this.#children.size > 0) await Promise.all([...this.#children].map((child) => child.ended));
    clearTimeout(timer);
  }

  /** Whether it has served no client: there is nothing to wait for, and its start may hang. */
  #isUnused(child: Child): boolean {
    return this.#kept.has(child) && !this.#started.has(child);
  }

  async #keep(start: () => Child): Promise<void> {
    const child = start();
    this.#kept.add(child);
    this.join(child);
    await child.started.catch((cause: unknown) => {
      const hang = `it did not answer for ${this.#hangTimeoutMs} ms, and was killed`;
      throw new EndedChild(child.name, this.#hung.has(child) ? new Error(hang, { cause }) : cause);
    });
    // Its message was on its way.
    if (this.#isStopped) throw new EndedChild(child.name, 'it was stopped');
    const bornMs = performance.now();
    void child.ended.then((how) => this.#replace(start, child.name, how, performance.now() - bornMs));
  }

  #replace(start: () => Child, name: string, how: string, lifeMs: number): void {
    if (this.#isStopped) return;
    logLine(`${name} ended unexpectedly (${how}); a new one replaces it`);
    setTimeout(() => this.#keepTrying(start), Math.max(MIN_LIFE_MS - lifeMs, 0));
  }

  /** Only the first of `failures` in a row is logged here: the child itself says each time what is wrong. */
  #keepTrying(start: () => Child, failures = 0): void {
    if (this.#isStopped) return;
    const failed = (error: unknown): void => {
      if (failures === 0 && !this.#isStopped) logLine(`${messageOf(error)}; it is started again until it serves`);
      const pauseMs = Math.min(MIN_LIFE_MS * 2 ** failures, MAX_PAUSE_MS);
      setTimeout(() => this.#keepTrying(start, failures + 1), pauseMs);
    };
    const started = (): void => {
      if (failures > 0) logLine('a worker serves again');
    };
    this.#keep(start).then(started, failed);
  }
}
