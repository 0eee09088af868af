// The children of a server, processes or threads: their maximum number, and how they are stopped.

import { messageOf } from '../errors.ts';
import { logLine } from '../log/log-line.ts';
import { type Child, EndedChild } from './child.ts';

/** A child that did not live this long is not replaced before this time has passed, which avoids a respawn storm. */
const MIN_LIFE_MS = 1_000;

/** Time for children to end, beyond the time that they give their clients. */
const GRACE_MS = 1_000;

export class WorkerGroup {
  readonly #max: number;
  readonly #children = new Set<Child>();
  #isStopped = false;
  #onRoom = (): void => {};

  constructor(max: number) {
    this.#max = max;
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
    // A caller that needs the result awaits it.
    child.started.catch(() => {});
    void child.ended.then(() => {
      this.#children.delete(child);
      this.#onRoom();
    });
    if (this.#isStopped) child.stop(false);
  }

  /**
   * Starts as many children as there is room for, and another for each that dies. Resolves when all have begun. The first
   * one loads the application alone: if that fails, it is said once.
   * @throws EndedChild when one ended at once.
   */
  async keepFull(start: () => Child): Promise<void> {
    try {
      await this.#keep(start);
      await Promise.all(Array.from({ length: this.#max - 1 }, () => this.#keep(start)));
    } catch (error) {
      await this.stop(0);
      throw error;
    }
  }

  /** Asks all children to end, kills those that have not after `limitMs`, resolves when all are gone. */
  async stop(limitMs: number): Promise<void> {
    this.#isStopped = true;
    this.#onRoom();
    const children = [...this.#children];
    for (const child of children) child.stop(limitMs === 0);
    const timer = setTimeout(() => {
      for (const child of this.#children) child.kill();
    }, limitMs + GRACE_MS);
    while (this.#children.size > 0) await Promise.all([...this.#children].map((child) => child.ended));
    clearTimeout(timer);
  }

  async #keep(start: () => Child): Promise<void> {
    const child = start();
    this.join(child);
    await child.started.catch((cause: unknown) => {
      throw new EndedChild(child.name, cause);
    });
    const bornMs = performance.now();
    void child.ended.then((how) => this.#replace(start, child.name, how, performance.now() - bornMs));
  }

  #replace(start: () => Child, name: string, how: string, lifeMs: number): void {
    if (this.#isStopped) return;
    logLine(`${name} ended unexpectedly (${how}); a new one replaces it`);
    const again = (): void => {
      if (this.#isStopped) return;
      this.#keep(start).catch((error: unknown) => this.#replace(start, name, messageOf(error), 0));
    };
    setTimeout(again, Math.max(MIN_LIFE_MS - lifeMs, 0));
  }
}
