// Programs that checks run: to their end, or until they announce a port.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';

/** Bounds for what hangs, no expectations: until a server announces its port or ends, until a program ends. */
const MAX_SILENT_MS = 60_000;
const MAX_RUN_MS = 300_000;

/** Runs a program to its end; returns its exit code and what it wrote. */
export function runToEnd(command, args, options = {}) {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    timeout: MAX_RUN_MS,
    ...options,
  });
  if (error !== undefined) throw error;
  return { exit: status ?? signal, stdout, stderr };
}

/** Returns what it wrote to standard output. @throws Error with all that it said, when it fails. */
export function runOrFail(command, args, options) {
  const { exit, stdout, stderr } = runToEnd(command, args, options);
  if (exit !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${exit}\n${stdout}${stderr}`);
  return stdout;
}

/** Different ports that no program listens on at the moment. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

export async function freePort() {
  const [port] = await freePorts(1);
  return port;
}

/** npm as a file for `node`: the one that runs this script, else the one beside Node.js. */
function npmFile() {
  const besideNode = join(dirname(dirname(process.execPath)), 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  const candidates = [process.env.npm_execpath ?? '', besideNode];
  const found = candidates.find((path) => path.endsWith('npm-cli.js') && existsSync(path));
  if (found === undefined) throw new Error(`npm is not where it was looked for: ${besideNode}`);
  return found;
}

export function runNpm(args, options) {
  return runOrFail(process.execPath, [npmFile(), ...args], options);
}

/** A server that has announced its port. */
export class StartedServer {
  #child;
  #said = '';

  constructor(command, args, options) {
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on('data', (text) => (this.#said += text));
  }

  /** Its first address. @throws Error with what it said, when it ends or is silent for too long. */
  async url() {
    const pattern = /(?:http|ws):\/\/[^/\s]+:\d+/;
    const late = AbortSignal.timeout(MAX_SILENT_MS);
    while (!pattern.test(this.#said)) {
      const { exitCode, stdout } = this.#child;
      if (exitCode !== null || late.aborted)
        throw new Error(`no port was announced (exit code ${exitCode}): ${this.#said}`);
      await Promise.race([once(stdout, 'data'), once(this.#child, 'close'), once(late, 'abort')]);
    }
    return pattern.exec(this.#said)[0];
  }

  get pid() {
    return this.#child.pid;
  }

  /** What it wrote so far. */
  get said() {
    return this.#said;
  }

  get hasEnded() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves when it has ended by itself. @throws Error when that was a failure. */
  async ended() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'close');
    if (this.#child.exitCode !== 0) throw new Error(`ended with ${this.#child.exitCode}: ${this.#said}`);
  }

  /** Ends it as an operator does; a program that does not handle the signal may die of it. @throws Error for any other end. */
  async stop() {
    if (!this.hasEnded) {
      const ended = once(this.#child, 'close');
      this.#child.kill('SIGTERM');
      const late = setTimeout(() => this.#child.kill('SIGKILL'), MAX_SILENT_MS);
      await ended;
      clearTimeout(late);
    }
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== 0 && signalCode !== 'SIGTERM')
      throw new Error(`ended with ${exitCode ?? signalCode} after SIGTERM: ${this.#said}`);
  }
}

/** Starts a server, gives its address to `use`, and ends it. Resolves to what `use` resolved to. */
export async function withServer([command, ...args], options, use) {
  const server = new StartedServer(command, args, options);
  try {
    return await use(await server.url());
  } finally {
    await server.stop();
  }
}

/** The text of a page. @throws Error for any other status than 200. */
export async function page(url, init) {
  const response = await fetch(url, init);
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}
