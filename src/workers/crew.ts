// The children of a server, processes or threads: how many there may be, and how they end.
// It must not know what they do.

import { EpollServerError, messageOf } from '../errors.ts';
import { logLine } from '../log/log-line.ts';

/** One process or thread. */
export interface Child {
  /** `process 4711`, `thread 3`. */
  readonly name: string;
  /** Resolves when it has what it was given; rejects when it ended before. */
  readonly taken: Promise<void>;
  /** Resolves to how it ended: `exit code 1`, `SIGKILL`. */
  readonly ended: Promise<string>;
  /** Asks it to finish and end. Unless it is to end `now`, it takes what it was given before. */
  stop(now: boolean): void;
  /** Ends it at once. */
  kill(): void;
}

/** A child ended before it had begun. */
export class EndedChild extends EpollServerError {
  /** What its process ended with; null: it was not its own end. */
  readonly exitCode: number | null;

  constructor(name: string, cause: unknown) {
    super('ERR_WORKER', `${name} did not begin: ${messageOf(cause)}`, { cause });
    const code = cause instanceof Error ? /^exit code (\d+)$/.exec(cause.message)?.[1] : undefined;
    this.exitCode = code === undefined ? null : Number(code);
  }
}

/** A child that did not live this long is not replaced before this time has passed: no storm of births. */
const MIN_LIFE_MS = 1_000;

/** Beyond the time that children give their clients, for them to end. */
const GRACE_MS = 1_000;

export class Crew {
  readonly #max: number;
  readonly #children = new Set<Child>();
  #isDismissed = false;
  #onRoom = (): void => {};

  constructor(max: number) {
    this.#max = max;
  }

  /** Resolves when there is room for one more, or everyone was dismissed. */
  async room(): Promise<void> {
    while (this.#children.size >= this.#max && !this.#isDismissed) {
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve;
      });
    }
  }

  /** `child` belongs to the crew until it ends. */
  join(child: Child): void {
    this.#children.add(child);
    // Whoever cares awaits it.
    child.taken.catch(() => {});
    void child.ended.then(() => {
      this.#children.delete(child);
      this.#onRoom();
    });
    if (this.#isDismissed) child.stop(false);
  }

  /**
   * Starts as many children as there is room for, and another for each that dies. Resolves when all have begun.
   * @throws EndedChild when one ended at once.
   */
  async keepFull(start: () => Child): Promise<void> {
    const begun = Array.from({ length: this.#max }, () => this.#keep(start));
    try {
      await Promise.all(begun);
    } catch (error) {
      await this.dismiss(0);
      throw error;
    }
  }

  /** Asks everyone to end, kills who has not after `limitMs`, resolves when all are gone. */
  async dismiss(limitMs: number): Promise<void> {
    this.#isDismissed = true;
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
    await child.taken.catch((cause: unknown) => {
      throw new EndedChild(child.name, cause);
    });
    const bornMs = performance.now();
    void child.ended.then((how) => this.#replace(start, child.name, how, performance.now() - bornMs));
  }

  #replace(start: () => Child, name: string, how: string, lifeMs: number): void {
    if (this.#isDismissed) return;
    logLine(`${name} died (${how}); another takes its place`);
    const again = (): void => {
      if (this.#isDismissed) return;
      this.#keep(start).catch((error: unknown) => this.#replace(start, name, messageOf(error), 0));
    };
    setTimeout(again, Math.max(MIN_LIFE_MS - lifeMs, 0));
  }
}
