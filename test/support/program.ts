// Starts programs as an operator would, and records their output. They are killed when the test ends, or what else
// `atEnd` waits for.

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { AtEnd } from './prepared.ts';
import { until } from './until.ts';

export const REPOSITORY: string = fileURLToPath(new URL('../..', import.meta.url));

/** The command that `npm run build` made. */
export const COMMAND: string = fileURLToPath(new URL('../../dist/epoll-server.js', import.meta.url));

export class Program {
  stdout = '';
  stderr = '';
  /** The exit code, or the signal's name; null while it runs. */
  exit: number | NodeJS.Signals | null = null;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (text: Buffer) => {
      this.stdout += text.toString('utf8');
    });
    child.stderr?.on('data', (text: Buffer) => {
      this.stderr += text.toString('utf8');
    });
    child.on('close', (code, signal) => {
      this.exit = code ?? signal;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Waits for the end and returns the exit code or the signal's name. */
  async ended(): Promise<number | NodeJS.Signals> {
    await until(() => this.exit !== null, `the program ends; it said ${this.stdout}${this.stderr}`);
    return this.exit ?? -1;
  }

  /** Waits until standard output matches, and returns the first group. */
  async announced(pattern: RegExp): Promise<string> {
    await until(() => pattern.test(this.stdout) || this.exit !== null, `standard output matches ${pattern}`);
    const match = pattern.exec(this.stdout);
    if (match === null) throw new Error(`the program ended (${this.exit}): ${this.stderr}`);
    return match[1] ?? '';
  }
}

export interface ProgramOptions {
  readonly cwd?: string;
  /** Variables in addition to those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Inherited descriptors, from 3 on. */
  readonly fds?: readonly number[];
  /** Without it, the end of the test kills the program. */
  readonly atEnd?: AtEnd;
}

/** Starts a program; `options.atEnd` kills it. */
export function startProgram(command: string, args: readonly string[], options: ProgramOptions = {}): Program {
  const child = spawn(command, args, {
    cwd: options.cwd ?? REPOSITORY,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe', ...(options.fds ?? [])],
  });
  const program = new Program(child);
  const atEnd = options.atEnd ?? onTestFinished;
  atEnd(async () => {
    if (program.exit === null) child.kill('SIGKILL');
    await program.ended();
  });
  return program;
}

/** Starts `epoll-server` with these arguments. */
export function startCommand(args: readonly string[], options: ProgramOptions = {}): Program {
  return startProgram(process.execPath, [COMMAND, ...args], options);
}

/** The port that a started command announced. */
export async function portOf(program: Program): Promise<number> {
  return Number(await program.announced(/^[a-z]+-server: http:\/\/[^/]*:(\d+)\//m));
}
