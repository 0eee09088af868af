// A program that a comparison starts. It leads a process group of its own, so that a Ctrl-C in the terminal does not
// reach it. It ends with all its children, also when this process exits.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

/** How many characters of its output are kept. */
const MAX_OUTPUT_CHARACTERS = 4_000;

const running = new Set<Program>();

process.on('exit', () => {
  for (const program of running) program.kill();
});

export class Program {
  readonly name: string;
  readonly child: ChildProcess;
  /** Resolves to how it ended: `exit code 1`, `SIGKILL`. */
  readonly ended: Promise<string>;
  /** How it ended; empty while it runs. */
  outcome = '';
  stdout = '';
  stderr = '';
  #onOutput = (): void => {};

  constructor(name: string, command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.name = name;
    this.child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...options });
    running.add(this);
    this.child.stdout?.on('data', (text: Buffer) => {
      this.stdout = (this.stdout + text.toString('utf8')).slice(-MAX_OUTPUT_CHARACTERS);
      this.#onOutput();
    });
    this.child.stderr?.on('data', (text: Buffer) => {
      this.stderr = (this.stderr + text.toString('utf8')).slice(-MAX_OUTPUT_CHARACTERS);
      this.#onOutput();
    });
    this.ended = new Promise((resolve) => {
      this.child.on('error', (error) => resolve(error.message));
      // Not `exit`: `close` follows after the last output.
      this.child.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    void this.ended.then((outcome) => {
      this.outcome = outcome;
      running.delete(this);
      this.#onOutput();
    });
  }

  /** The id of the process and of its group. */
  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** The last line of its output, of stderr first. */
  get lastLine(): string {
    const lines = (this.stderr.trim() || this.stdout.trim()).split('\n');
    return lines.at(-1)?.trim() ?? '';
  }

  /** Waits for output that matches; null when the program ended or `limitMs` passed before. */
  async waitForOutput(pattern: RegExp, limitMs: number): Promise<RegExpExecArray | null> {
    let timer: NodeJS.Timeout | undefined;
    const found = await new Promise<RegExpExecArray | null>((resolve) => {
      timer = setTimeout(() => resolve(null), limitMs);
      this.#onOutput = () => {
        const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
        if (match !== null || this.outcome !== '') resolve(match);
      };
      this.#onOutput();
    });
    clearTimeout(timer);
    this.#onOutput = () => {};
    return found;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Kills it and its children at once. */
  kill(): void {
    if (this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // They have ended already.
    }
  }

  async end(): Promise<void> {
    this.kill();
    await this.ended;
  }
}

/**
 * Runs a program to its end, for `limitMs` at most. Resolves to the ended program, or null when it could not be
 * started.
 */
export async function outputOf(command: string, args: readonly string[], limitMs = 20_000): Promise<Program | null> {
  const program = new Program(command, command, args);
  const timer = setTimeout(() => program.kill(), limitMs);
  await program.ended;
  clearTimeout(timer);
  return program.child.pid === undefined ? null : program;
}

/** Waits; rejects with the signal's reason when that is aborted first. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    }, ms);
    if (signal?.aborted === true) aborted();
    else signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** Resolves to the value of `promise`, or undefined when `limitMs` passed before. */
export async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  const first = await Promise.race([promise, over]);
  clearTimeout(timer);
  return first;
}
