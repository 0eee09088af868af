// A program that is measured or measures: started as the leader of a process group, so that a Ctrl-C of the terminal
// is not its, and ended with all its children. Whatever happens to this process, none is left behind.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

/** What is remembered of what a program says. */
const MAX_SAID = 4_000;

const running = new Set<Program>();

process.on('exit', () => {
  for (const program of running) program.kill();
});

export class Program {
  readonly name: string;
  readonly child: ChildProcess;
  /** Resolves to how it ended: `exit code 1`, `SIGKILL`. */
  readonly ended: Promise<string>;
  /** Empty while it runs. */
  how = '';
  stdout = '';
  stderr = '';
  #onOutput = (): void => {};

  constructor(name: string, command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.name = name;
    this.child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...options });
    running.add(this);
    this.child.stdout?.on('data', (text: Buffer) => {
      this.stdout = (this.stdout + text.toString('utf8')).slice(-MAX_SAID);
      this.#onOutput();
    });
    this.child.stderr?.on('data', (text: Buffer) => {
      this.stderr = (this.stderr + text.toString('utf8')).slice(-MAX_SAID);
      this.#onOutput();
    });
    this.ended = new Promise((resolve) => {
      this.child.on('error', (error) => resolve(error.message));
      // Not `exit`: what it said last is wanted too.
      this.child.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    void this.ended.then((how) => {
      this.how = how;
      running.delete(this);
      this.#onOutput();
    });
  }

  /** Of the process, and of its group. */
  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** The last line that it said, errors first. */
  get lastLine(): string {
    const lines = (this.stderr.trim() || this.stdout.trim()).split('\n');
    return lines.at(-1)?.trim() ?? '';
  }

  /** Waits until it has said what matches; null when it ended or `limitMs` passed before. */
  async said(pattern: RegExp, limitMs: number): Promise<RegExpExecArray | null> {
    let timer: NodeJS.Timeout | undefined;
    const found = await new Promise<RegExpExecArray | null>((resolve) => {
      timer = setTimeout(() => resolve(null), limitMs);
      this.#onOutput = () => {
        const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
        if (match !== null || this.how !== '') resolve(match);
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

  /** Ends it and its children at once. */
  kill(): void {
    if (this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // They were gone already.
    }
  }

  async end(): Promise<void> {
    this.kill();
    await this.ended;
  }
}

/** Runs a program to its end, at most for `limitMs`; what it said, or null when it could not be started. */
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

/** What `promise` resolves to, or undefined when `limitMs` passed before. */
export async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  const first = await Promise.race([promise, over]);
  clearTimeout(timer);
  return first;
}
