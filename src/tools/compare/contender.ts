// A contender: a server of the comparison's responses, and how it is started.

import { createConnection } from 'node:net';
import { Program, pause } from './program.ts';

/** What clients request: a response of the application, or a file. */
export type ResponseName = 'text' | 'sleep' | 'burn' | 'kib' | 'mib';

/** Where responses come from: a server serves either the application or the files. */
export type ResponseSource = 'application' | 'files';

/** The target of each response; a query follows that of a text. */
export const TARGETS: Readonly<Record<ResponseName, string>> = {
  text: '/text',
  sleep: '/sleep',
  burn: '/burn',
  kib: '/1k.txt',
  mib: '/1m.txt',
};

/** The query for measurements: also contenders that always return the same text return this one. */
export const FIXED_QUERY = 'n=123456';

export function responseSourceOf(answer: ResponseName): ResponseSource {
  return answer === 'kib' || answer === 'mib' ? 'files' : 'application';
}

/** What a contender needs to start. */
export interface LaunchOptions {
  /** The folder with the files `1k.txt` and `1m.txt`, where contenders may write files of their own. */
  readonly folder: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** Steps of computation that take 5 ms: see {@link file://./peers/work.ts}. */
  readonly burnSteps: number;
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  /** The listening port, if the program does not print it. */
  readonly port?: number;
}

export interface Contender {
  readonly name: string;
  readonly kind: 'model' | 'peer';
  readonly version: string;
  readonly responses: readonly ResponseName[];
  /** It returns the text of {@link FIXED_QUERY} whatever the query is. */
  readonly isFixed?: boolean;
  /** It keeps every connection open, also after `Connection: close`. */
  readonly neverCloses?: boolean;
  command(source: ResponseSource, options: LaunchOptions): Command | Promise<Command>;
}

/** A contender that is running. */
export interface RunningContender {
  readonly contender: Contender;
  readonly program: Program;
  readonly port: number;
}

/** How long a server may take until it listens, on the slowest machine. */
const START_MS = 20_000;

/** The environment variable that carries {@link LaunchOptions.burnSteps}. */
export const BURN_VARIABLE = 'EPOLL_SERVER_COMPARE_BURN_STEPS';

/** How servers print their port: `PORT 4711`, or a URL. */
const ANNOUNCEMENT = /^PORT (\d+)$|http:\/\/[^/\s]*:(\d+)/m;

/** @throws Error when it does not start; the message has the last line of its output. */
export async function startContender(
  contender: Contender,
  source: ResponseSource,
  options: LaunchOptions,
): Promise<RunningContender> {
  const { command, args, port = 0 } = await contender.command(source, options);
  const env = { ...process.env, NO_COLOR: '1', [BURN_VARIABLE]: `${options.burnSteps}` };
  const program = new Program(contender.name, command, args, { cwd: options.folder, env });
  const listening = port > 0 ? await acceptsOn(program, port) : await announcedPort(program);
  if (listening > 0) return { contender, program, port: listening };
  const how = program.outcome === '' ? `no port within ${START_MS / 1_000} s` : `ended with ${program.outcome}`;
  await program.end();
  throw new Error(`the server did not start: ${how}${program.lastLine === '' ? '' : `: ${program.lastLine}`}`);
}

async function announcedPort(program: Program): Promise<number> {
  const found = await program.waitForOutput(ANNOUNCEMENT, START_MS);
  return Number(found?.[1] ?? found?.[2] ?? 0);
}

/** Waits until a known port accepts connections. */
async function acceptsOn(program: Program, port: number): Promise<number> {
  for (const end = Date.now() + START_MS; Date.now() < end && program.outcome === ''; await pause(20)) {
    const accepted = await new Promise<boolean>((resolve) => {
      const socket = createConnection(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (accepted) return port;
  }
  return 0;
}
