// An application in processes of its own, which are replaced by new ones when its files change: ES modules cannot be
// unloaded. The parent keeps the listener, so that no client is refused meanwhile, and serves nobody.

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

/** Processes that the system had no room for are started this much later. */
const RETRY_MS = 1_000;

/** `count`: processes at once. `watched`: finds files and folders. */
export async function startReloading(setup: Setup, count: number, watched: WatchedNames): Promise<ServerHandle> {
  const resolved = await resolveOptions(setup);
  const parent = new ListeningParent(resolved);
  try {
    const { addresses, fds } = inheritAll(parent.listeners);
    const limitMs = resolved.settings.limits.shutdownTimeoutMs;
    const generations = new Generations(() => startProcess({ kind: 'listeners', addresses }, fds), count, limitMs);
    const watch = new FileWatch(watched, () => void generations.renew());
    // Before the first process reads any file: what changes after it was read is noticed.
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

/** Groups, of which one serves; the next one takes over when all of it has begun. */
class Generations {
  readonly #start: () => Child;
  readonly #count: number;
  readonly #limitMs: number;
  #serving: WorkerGroup;
  /** The one that begins; null: none does. */
  #coming: WorkerGroup | null = null;
  /** Something changed while one began. */
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

  /** @throws EndedChild: the first one did not begin. */
  async begin(): Promise<void> {
    await this.#serving.keepFull(this.#start);
    this.#hasBegun = true;
    if (this.#isOutdated) void this.renew();
  }

  async renew(): Promise<void> {
    this.#isOutdated = true;
    if (!this.#hasBegun) return;
    if (this.#coming !== null) {
      // It may wait for ever for what the change has mended.
      await this.#coming.stop(0);
      return;
    }
    while (this.#isOutdated && !this.#isEnded) {
      this.#isOutdated = false;
      await this.#replace();
    }
  }

  /** What cannot begin says so itself, and the old ones go on. */
  async #replace(): Promise<void> {
    const coming = new WorkerGroup(this.#count);
    this.#coming = coming;
    try {
      await coming.keepFull(this.#start);
      const old = this.#serving;
      this.#serving = coming;
      logLine('files changed, the application was restarted');
      this.#leave(old);
    } catch (error) {
      await this.#keepOld(error);
    } finally {
      this.#coming = null;
    }
  }

  /** A process that began and ended did not like what changed; one that could not be started is started later. */
  async #keepOld(error: unknown): Promise<void> {
    if (this.#isEnded || this.#isOutdated) return;
    if (error instanceof EndedChild) {
      logLine('the old application goes on until the next change');
      return;
    }
    logLine(`the old application goes on for now: ${messageOf(error)}`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    this.#isOutdated = true;
  }

  /** In the background: requests in flight may take their time. */
  #leave(group: WorkerGroup): void {
    const gone = group.stop(this.#limitMs).finally(() => this.#leaving.delete(gone));
    this.#leaving.add(gone);
  }

  async end(limitMs: number): Promise<void> {
    this.#isEnded = true;
    await Promise.all([this.#serving.stop(limitMs), this.#coming?.stop(0), ...this.#leaving]);
  }
}
