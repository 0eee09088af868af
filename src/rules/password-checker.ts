// Compares passwords with bcrypt hashes in one thread beside the loop. Right ones are remembered for a while, so that a
// browser that sends its password with each request costs this once.

import { createHmac, randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { programPath } from '../package.ts';

/** Passwords that may wait for the thread; at a twentieth of a second each it needs three seconds for them. */
const MAX_WAITING = 64;

/** A right password is compared again after this time. */
const REMEMBERED_MS = 300_000;

const MAX_REMEMBERED = 1_024;

const WORKER = programPath('rules/password-worker.js');

/** A message to the thread. */
export interface PasswordQuestion {
  readonly id: number;
  readonly password: string;
  readonly hash: string;
}

/** A message from the thread. */
export interface PasswordAnswer {
  readonly id: number;
  readonly isRight: boolean;
}

/** `busy`: too many passwords wait, or the thread failed. */
export type PasswordVerdict = 'right' | 'wrong' | 'busy';

export class PasswordChecker {
  readonly #nowMs: () => number;
  /** Makes keys of passwords that are useless outside of this process. */
  readonly #secret = randomBytes(32);
  /** Right passwords, and until when they are remembered; the oldest first. */
  readonly #remembered = new Map<string, number>();
  readonly #waiting = new Map<number, (verdict: PasswordVerdict) => void>();
  /** Comparisons that the thread has not answered. A browser asks for several files with the same password at once. */
  readonly #running = new Map<string, Promise<PasswordVerdict>>();
  #worker: Worker | null = null;
  #lastId = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Passwords that wait for the thread. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * `name`: without a colon. Comparisons are for one name alone: unknown names have one hash, and a comparison that two of
   * them share would tell that both are unknown.
   */
  check(name: string, password: string, hash: string): PasswordVerdict | Promise<PasswordVerdict> {
    const key = createHmac('sha256', this.#secret).update(`${hash}:${name}:${password}`).digest('base64');
    if ((this.#remembered.get(key) ?? 0) > this.#nowMs()) return 'right';
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    if (this.#waiting.size >= MAX_WAITING) return 'busy';
    const compared = this.#compare(password, hash).then((verdict) => {
      this.#running.delete(key);
      if (verdict === 'right') this.#remember(key);
      return verdict;
    });
    this.#running.set(key, compared);
    return compared;
  }

  close(): Promise<unknown> {
    const worker = this.#worker;
    this.#failed();
    return worker?.terminate() ?? Promise.resolve();
  }

  #compare(password: string, hash: string): Promise<PasswordVerdict> {
    const worker = this.#started();
    const id = ++this.#lastId;
    const question: PasswordQuestion = { id, password, hash };
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      worker.postMessage(question);
    });
  }

  #started(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = new Worker(WORKER);
    // It must not keep the process alive; a client that waits for a verdict does.
    worker.unref();
    worker.on('message', ({ id, isRight }: PasswordAnswer) => {
      this.#waiting.get(id)?.(isRight ? 'right' : 'wrong');
      this.#waiting.delete(id);
    });
    const failed = (): void => {
      if (this.#worker === worker) this.#failed();
    };
    worker.on('error', failed);
    worker.on('exit', failed);
    this.#worker = worker;
    return worker;
  }

  /** The thread has ended: the next password starts another one. */
  #failed(): void {
    this.#worker = null;
    for (const resolve of this.#waiting.values()) resolve('busy');
    this.#waiting.clear();
  }

  #remember(key: string): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, this.#nowMs() + REMEMBERED_MS);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
  }
}
