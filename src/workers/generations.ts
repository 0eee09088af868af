// Generations of worker groups: one serves, and the next takes over when all of its workers have started. ES modules
// cannot be unloaded, so new processes replace the old ones. No client is refused meanwhile, since the parent keeps the
// listeners open.

import { added, type Snapshot } from '../admin/snapshot.ts';
import { EpollServerError, messageOf } from '../errors.ts';
import { logLine } from '../log/log-line.ts';
import type { Children } from '../server/blocking-server.ts';
import { type Child, EndedChild } from './child.ts';
import { WorkerGroup } from './worker-group.ts';

/** If the system had no resources for a process, it is started after this pause. */
const RETRY_MS = 1_000;

/** How the children of one group are started, and what they need as long as one of them lives. */
export interface Launch {
  /** Starts the child of that place. */
  readonly start: (place: number) => Child;
  /** Called when the last child of the group has ended. `limitMs`: the time for it; absent: as long as it needs. */
  close(limitMs?: number): Promise<void>;
}

/** Why a group is replaced. */
export interface Replacement {
  /** The beginning of a log line, such as `files changed`. */
  readonly reason: string;
  /** Aborted when the group is not needed any more. */
  readonly signal: AbortSignal;
}

export interface GenerationsOptions {
  /** The launch of the first group. */
  readonly launch: Launch;
  /**
   * Makes the launch of the next group. Absent: it is the same one.
   * @throws EpollServerError what keeps the group from starting.
   */
  readonly next?: (current: Launch, why: Replacement) => Promise<Launch>;
  /** Concurrent processes. */
  readonly count: number;
  /** The time for a group that is replaced. */
  readonly limitMs: number;
  /** A child that does not answer for this long is killed; 0: never. */
  readonly hangTimeoutMs: number;
  /** What they run, in messages. Default: `the application`. */
  readonly what?: string;
}

export class Generations implements Children {
  readonly #options: GenerationsOptions;
  #serving: WorkerGroup;
  #launch: Launch;
  /** The group that is starting; null: none. */
  #coming: Coming | null = null;
  /** Resolves when no group has to start any more; null: none has to. */
  #renewing: Promise<void> | null = null;
  /** Why another group has to start; empty: it has not. */
  #reason = '';
  #hasBegun = false;
  #isEnded = false;
  readonly #leaving = new Map<WorkerGroup, Promise<void>>();
  /** Requests that were cut off by groups that are gone. */
  #cutOff = 0;
  /** What groups that are gone have counted; null: none. */
  #gone: Snapshot['counters'] | null = null;

  constructor(options: GenerationsOptions) {
    this.#options = options;
    this.#launch = options.launch;
    this.#serving = this.#group();
  }

  /**
   * `isEager`: only the first child is waited for.
   * @throws EndedChild: a child of the first group ended before it had started.
   */
  async begin(isEager = false): Promise<void> {
    await this.#serving.keepFull(this.#launch.start, isEager);
    this.#hasBegun = true;
    if (this.#reason !== '') void this.renew(this.#reason);
  }

  /**
   * Replaces the group that serves. `reason`: the beginning of a log line, such as `files changed`. Resolves when that was
   * done, or has failed, also for those who have asked meanwhile.
   */
  async renew(reason: string): Promise<void> {
    this.#reason = reason;
    if (!this.#hasBegun) return;
    // The start may hang on a fault that the change has fixed.
    await this.#coming?.stop();
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
    await this.#renewing;
  }

  async #renew(): Promise<void> {
    while (this.#reason !== '' && !this.#isEnded) {
      const because = this.#reason;
      this.#reason = '';
      await this.#replace(because);
    }
  }

  /** Gives up the replacement that is under way: the group that serves stays. */
  async interrupt(): Promise<void> {
    await this.#coming?.stop();
  }

  /** Makes all workers open their log files again. */
  reopenLogs(): void {
    for (const group of this.#groups) group.reopenLogs();
  }

  /** How many workers have started and serve. */
  get size(): number {
    return this.#serving.started;
  }

  get cutOff(): number {
    return this.#groups.reduce((sum, group) => sum + group.cutOff, this.#cutOff);
  }

  /** What all workers have counted and hold, those that are gone included; null: nothing was measured. */
  async snapshot(): Promise<Snapshot | null> {
    await Promise.all(this.#groups.map((group) => group.ask()));
    // All at once: a group that leaves meanwhile counts either as one of the groups, or as gone.
    const [first, ...others] = this.#groups.map((group) => group.snapshot).filter((each) => each !== null);
    if (first === undefined) return null;
    const sum = others.reduce(added, first);
    return this.#gone === null ? sum : { ...sum, counters: added(sum.counters, this.#gone) };
  }

  async stop(limitMs: number, isReplaced = false): Promise<void> {
    this.#isEnded = true;
    const sinceMs = performance.now();
    const stopping = this.#groups.map((group) => group.stop(limitMs, isReplaced));
    await Promise.all([...stopping, this.#coming?.stop(), ...this.#leaving.values()]);
    await this.#launch.close(Math.max(limitMs - (performance.now() - sinceMs), 0));
  }

  cut(): void {
    for (const group of this.#groups) group.cut();
  }

  get #what(): string {
    return this.#options.what ?? 'the application';
  }

  get #groups(): readonly WorkerGroup[] {
    return [this.#serving, ...this.#leaving.keys()];
  }

  #group(): WorkerGroup {
    return new WorkerGroup(this.#options.count, this.#options.hangTimeoutMs);
  }

  /** If the new group fails to start, the log says why, and the old group stays. */
  async #replace(reason: string): Promise<void> {
    const coming = new Coming(this.#group());
    this.#coming = coming;
    let failure: unknown = null;
    try {
      const launch = await coming.start(this.#launch, reason, this.#options.next);
      this.#leave(this.#serving, this.#launch);
      this.#serving = coming.group;
      this.#launch = launch;
      logLine(`${reason}: ${this.#what} was restarted`);
    } catch (error) {
      // Some of its workers may have served already.
      this.#bury(coming.group);
      failure = error;
    } finally {
      this.#coming = null;
    }
    if (failure !== null && !coming.isStopped) await this.#keepOld(reason, failure);
  }

  /**
   * A process that started and exited has failed on the new files, and has reported why. If a process could not be
   * spawned, it is retried later.
   */
  async #keepOld(reason: string, error: unknown): Promise<void> {
    const isChild = error instanceof EndedChild;
    if (isChild || (error instanceof EpollServerError && error.code !== 'ERR_WORKER')) {
      // A child that exits says why.
      if (!isChild || error.exitCode === null) logLine(error.message);
      logLine('the old application stays in service until the next change');
      return;
    }
    logLine(`the old application stays in service for now: ${messageOf(error)}`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    this.#reason = reason;
  }

  /** Runs in the background: requests in flight may take their time. */
  #leave(group: WorkerGroup, launch: Launch): void {
    const leave = async (): Promise<void> => {
      await group.stop(this.#options.limitMs, true);
      this.#leaving.delete(group);
      this.#bury(group);
      if (launch !== this.#launch) await launch.close();
    };
    this.#leaving.set(group, leave());
  }

  /** Adds what a group that is gone has counted. */
  #bury(group: WorkerGroup): void {
    this.#cutOff += group.cutOff;
    const { counted } = group;
    if (counted !== null) this.#gone = this.#gone === null ? counted : added(this.#gone, counted);
  }
}

/** A group that is starting. */
class Coming {
  readonly group: WorkerGroup;
  readonly #abort = new AbortController();
  #end: () => void = () => {};
  readonly #ended: Promise<void>;

  constructor(group: WorkerGroup) {
    this.group = group;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get isStopped(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Resolves to its launch when all of its children have begun; otherwise nothing of it is left. */
  async start(current: Launch, reason: string, next: GenerationsOptions['next']): Promise<Launch> {
    let launch = current;
    try {
      launch = (await next?.(current, { reason, signal: this.#abort.signal })) ?? current;
      this.#abort.signal.throwIfAborted();
      await this.group.keepFull(launch.start);
      return launch;
    } catch (error) {
      if (launch !== current) await launch.close();
      throw error;
    } finally {
      this.#end();
    }
  }

  /** Resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.group.stop(0);
    await this.#ended;
  }
}
