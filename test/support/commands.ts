// Runs commands that end before they start a server, all in one process for the test file.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { type ProgramOptions, REPOSITORY } from './program.ts';

const PROGRAM = fileURLToPath(new URL('programs/commands.mjs', import.meta.url));

export interface Outcome {
  /** The exit code; null: the command is still running. */
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `epoll-server` with these arguments to its end. */
export type RunCommand = (args: readonly string[], options?: ProgramOptions) => Promise<Outcome>;

/** Call it at the top of a test file. The returned function runs one command after the other. */
export function oneProcess(): RunCommand {
  let child: ChildProcess | null = null;
  let last: Promise<unknown> = Promise.resolve();
  afterAll(async () => {
    if (child === null) return;
    child.kill();
    await once(child, 'close');
  });
  const run: RunCommand = async (args, { cwd = REPOSITORY, env = {} } = {}) => {
    child ??= fork(PROGRAM, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    child.send({ args, cwd, env });
    const [outcome]: Outcome[] = await once(child, 'message');
    if (outcome === undefined) throw new Error('the process has ended');
    return outcome;
  };
  return (args, options) => {
    const outcome = last.then(() => run(args, options));
    last = outcome.catch(() => {});
    return outcome;
  };
}
