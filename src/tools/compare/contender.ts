// A contender: something that serves the comparison's answers, and how it is started. It must not know how it is
// measured.

import { createConnection } from 'node:net';
import { Program, pause } from './program.ts';

/** What clients ask for: the application's answers, and files. */
export type AnswerName = 'text' | 'sleep' | 'burn' | 'kib' | 'mib';

/** A server gives the answers of one place. */
export type AnswerSource = 'application' | 'files';

/** The target of each answer, but for the query of a text. */
export const TARGETS: Readonly<Record<AnswerName, string>> = {
  text: '/text',
  sleep: '/sleep',
  burn: '/burn',
  kib: '/1k.txt',
  mib: '/1m.txt',
};

/** The query whose text everybody gives, those that can give but one too. */
export const FIXED_QUERY = 'n=123456';

export function answerSourceOf(answer: AnswerName): AnswerSource {
  return answer === 'kib' || answer === 'mib' ? 'files' : 'application';
}

/** What a server is started with. */
export interface Ground {
  /** The folder with the files `1k.txt` and `1m.txt`, where contenders may put files of their own. */
  readonly folder: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** Steps of work that took 5 ms: see {@link file://./peers/work.ts}. */
  readonly burnSteps: number;
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  /** Where it listens, if it does not say. */
  readonly port?: number;
}

export interface Contender {
  readonly name: string;
  readonly kind: 'model' | 'peer';
  readonly version: string;
  readonly answers: readonly AnswerName[];
  /** It gives the text of {@link FIXED_QUERY} whatever is asked. */
  readonly isFixed?: boolean;
  /** It keeps every connection, also of who asks it to close. */
  readonly neverCloses?: boolean;
  command(place: AnswerSource, ground: Ground): Command | Promise<Command>;
}

/** A contender that is running. */
export interface RunningContender {
  readonly contender: Contender;
  readonly program: Program;
  readonly port: number;
}

/** How long a server may take to say where it listens, on the slowest machine. */
const START_MS = 20_000;

/** The variable in which servers find {@link Ground.burnSteps}. */
export const BURN_VARIABLE = 'EPOLL_SERVER_COMPARE_BURN_STEPS';

/** How servers say where they listen: `PORT 4711`, or a URL. */
const ANNOUNCEMENT = /^PORT (\d+)$|http:\/\/[^/\s]*:(\d+)/m;

/** @throws Error when it does not start; the message has what it said. */
export async function startContender(
  contender: Contender,
  place: AnswerSource,
  ground: Ground,
): Promise<RunningContender> {
  const { command, args, port = 0 } = await contender.command(place, ground);
  const env = { ...process.env, NO_COLOR: '1', [BURN_VARIABLE]: `${ground.burnSteps}` };
  const program = new Program(contender.name, command, args, { cwd: ground.folder, env });
  const listening = port > 0 ? await answersOn(program, port) : await announcedPort(program);
  if (listening > 0) return { contender, program, port: listening };
  const how = program.how === '' ? `said nothing for ${START_MS / 1_000} s` : `ended with ${program.how}`;
  await program.end();
  throw new Error(`it did not start: ${how}${program.lastLine === '' ? '' : `: ${program.lastLine}`}`);
}

async function announcedPort(program: Program): Promise<number> {
  const found = await program.said(ANNOUNCEMENT, START_MS);
  return Number(found?.[1] ?? found?.[2] ?? 0);
}

/** Waits until somebody accepts on a port that is known. */
async function answersOn(program: Program, port: number): Promise<number> {
  for (const end = Date.now() + START_MS; Date.now() < end && program.how === ''; await pause(20)) {
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
