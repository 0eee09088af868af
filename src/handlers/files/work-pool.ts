// How many jobs of this server are in libuv's thread pool at once: it is shared with DNS, the application and
// everything else, so at least one of its threads is left to them. It must not know what the jobs are.

/** libuv's default (UV_THREADPOOL_SIZE). */
const DEFAULT_THREADS = 4;

export class WorkPool {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** `threads`: the size of the pool, of which one is left over. */
  constructor(threads: number = poolThreads()) {
    this.#limit = Math.max(1, threads - 1);
  }

  /** Jobs that run, and that wait for their turn. */
  get load(): readonly [number, number] {
    return [this.#running, this.#waiting.length];
  }

  /** Runs `job` when it is its turn; `isWanted` is asked then, and when it is not, the result is undefined. */
  async run<T>(job: () => Promise<T>, isWanted: () => boolean = () => true): Promise<T | undefined> {
    if (this.#running >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return isWanted() ? await job() : undefined;
    } finally {
      // Who waits takes the place over.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

function poolThreads(): number {
  const given = Number(process.env['UV_THREADPOOL_SIZE']);
  return Number.isInteger(given) && given > 0 ? given : DEFAULT_THREADS;
}
