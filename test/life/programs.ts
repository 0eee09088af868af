// Runs the programs of this folder as child processes, and talks to the servers they start.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** How a program ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A program that runs, killed when the test is over. */
export class Program {
  readonly process: ChildProcess;
  readonly ended: Promise<Ending>;
  /** All of its standard error. */
  stderr = '';
  readonly #lines: AsyncIterator<string>;

  constructor(name: string, args: readonly string[]) {
    const path = fileURLToPath(new URL(`./programs/${name}.mjs`, import.meta.url));
    this.process = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const { stdout, stderr } = this.process;
    if (stdout === null || stderr === null) throw new Error('a program has standard streams');
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.ended = once(this.process, 'close').then(([code, signal]) => ({ code, signal }));
    onTestFinished(() => {
      this.process.kill('SIGKILL');
    });
  }

  /** The next line of its standard output. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the program ended without another line; standard error: ${this.stderr}`);
    return value;
  }
}

/** The result of a load: complete responses, responses other than 200, and responses that were cut off. */
export interface Seen {
  readonly answers: number;
  readonly wrong: number;
  readonly cut: number;
}

/** A load that has started. */
export class Load {
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
  }

  /** Its result, once the server has ended. */
  async seen(): Promise<Seen> {
    const { answers, wrong, cut }: Seen = JSON.parse(await this.#program.line());
    return { answers, wrong, cut };
  }

  /** Ends it when all pending responses have arrived. */
  stop(): Promise<Seen> {
    this.#program.process.kill('SIGTERM');
    return this.seen();
  }
}

/** A program with a server, and the port that it printed. */
export async function startServer(
  name: string,
  ...args: readonly string[]
): Promise<{ program: Program; port: number }> {
  const program = new Program(name, args);
  return { program, port: Number(await program.line()) };
}

/** Puts load on a port; resolves when responses arrive. */
export function startLoad(port: number, clients = 32): Promise<Load> {
  return running('load', port, clients);
}

/** As {@link startLoad}, with clients that do not wait for responses, so the server always has input to read. */
export function startFlood(port: number, clients = 2): Promise<Load> {
  return running('flood', port, clients);
}

async function running(name: string, port: number, clients: number): Promise<Load> {
  const program = new Program(name, [String(port), String(clients)]);
  await program.line();
  return new Load(program);
}

/** The content of one response, whatever its status, over a connection of its own. */
export async function get(port: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { Connection: 'close' } });
  return response.text();
}

/** Sends all requests at once over one connection, the last one asking to close; the responses' statuses. */
export async function pipelined(port: number, paths: readonly string[]): Promise<readonly number[]> {
  const text = await exchange(port, paths);
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

/** As {@link pipelined}; returns all received bytes. */
export async function exchange(port: number, paths: readonly string[]): Promise<string> {
  const requests = paths.map((path, i) => {
    const connection = i === paths.length - 1 ? 'close' : 'keep-alive';
    return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: ${connection}\r\n\r\n`;
  });
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  let text = '';
  socket.on('data', (piece: string) => {
    text += piece;
  });
  socket.write(requests.join(''));
  await once(socket, 'close');
  return text;
}
