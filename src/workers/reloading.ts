// Restarts an application when its files change: ES modules cannot be unloaded, so new processes replace the old ones.
// The parent keeps the listener open, so that no client is refused meanwhile, and serves no client itself.

import { messageOf } from '../errors.ts';
import { logLine } from '../log/log-line.ts';
import type { Setup } from '../server/content.ts';
import { resolveOptions } from '../server/resolved-options.ts';
import type { ServerHandle } from '../server/server.ts';
import { type Child, EndedChild } from './child.ts';
import { startProcess } from './child-process.ts';
import { FileWatch, type WatchedNames } from './file-watch.ts';
import { inheritAll } from './inheritance.ts';
import { ListeningParent } from './listening-parent.ts';
import { WorkerGroup } from './worker-group.ts';

/** If the system had no resources for a process, it is started after this pause. */
const RETRY_MS = 1_000;

/** `count`: concurrent processes. `watched`: finds files and folders. */
export async function startReloading(setup: Setup, count: number, watched: WatchedNames): Promise<ServerHandle> {
  const resolved = await resolveOptions(setup);
  const parent = new ListeningParent(resolved);
  try {
    const { addresses, fds } = inheritAll(parent.listeners);
    const limitMs = resolved.settings.limits.shutdownTimeoutMs;
    const generations = new Generations(() => startProcess({ kind: 'listeners', addresses }, fds), count, limitMs);
    const watch = new FileWatch(watched, () => void generations.renew());
    // Watch before the first process reads a file, so that no change is missed.
    await watch.begin();
    await generations.begin().catch(async (error: unknown) => {
      await watch.end();
      throw error;
    });
    return parent.handle(async (now) => {
      await Promise.all([watch.end(), generations.end(now ? 0 : limitMs)]);
    });
  } catch (error) {
    parent.abandon();
    throw error;
  }
}

/** Generations of worker groups: one serves, and the next takes over when all of its workers have started. */
class Generations {
  readonly #start: () => Child;
  readonly #count: number;
  readonly #limitMs: number;
  #serving: WorkerGroup;
  /** The group that is starting; null: none. */
  #coming: WorkerGroup | null = null;
  /** A file changed while a group was starting. */
  #isOutdated = false;
  #hasBegun = false;
  #isEnded = false;
  readonly #leaving = new Set<Promise<void>>();

  constructor(start: () => Child, count: number, limitMs: number) {
    this.#start = start;
    this.#count = count;
    this.#limitMs = limitMs;
    this.#serving = new WorkerGroup(count);
  }

  /** @throws EndedChild: a child of the first group ended before it had started. */
  async begin(): Promise<void> {
    await this.#serving.keepFull(this.#start);
    this.#hasBegun = true;
    if (this.#isOutdated) void this.renew();
  }

  async renew(): Promise<void> {
    this.#isOutdated = true;
    if (!this.#hasBegun) return;
    if (this.#coming !== null) {
      // The start may hang on a fault that the change has fixed.
      await this.#coming.stop(0);
      return;
    }
    while (this.#isOutdated && !this.#isEnded) {
      this.#isOutdated = false;
      await this.#replace();
    }
  }

  /** If the new group fails to start, its children report why, and the old group stays. */
  async #replace(): Promise<void> {
    const coming = new WorkerGroup(this.#count);
    this.#coming = coming;
    try {
      await coming.keepFull(this.#start);
      const old = this.#serving;
      this.#serving = coming;
      logLine('files changed: the application was restarted');
      this.#leave(old);
    } catch (error) {
      await this.#keepOld(error);
    } finally {
      this.#coming = null;
    }
  }

  /**
   * A process that started and exited has failed on the new files. If a process could not be spawned, it is retried
   * later.
   */
  async #keepOld(error: unknown): Promise<void> {
    if (this.#isEnded || this.#isOutdated) return;
    if (error instanceof EndedChild) {
      logLine('the old application stays in service until the next change');
      return;
    }
    logLine(`the old application stays in service for now: ${messageOf(error)}`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    this.#isOutdated = true;
  }

  /** Runs in the background: requests in flight may take their time. */
  #leave(group: WorkerGroup): void {
    const gone = group.stop(this.#limitMs).finally(() => this.#leaving.delete(gone));
    this.#leaving.add(gone);
  }

  async end(limitMs: number): Promise<void> {
    this.#isEnded = true;
    await Promise.all([this.#serving.stop(limitMs), this.#coming?.stop(0), ...this.#leaving]);
  }
}
