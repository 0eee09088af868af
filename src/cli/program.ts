// The command from its arguments to its exit code: starts a server, says where, and ends it on signals.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EpollServerError, ERROR_CODES, messageOf } from '../errors.ts';
import { tuneCompiler } from '../server/compiler.ts';
import type { ServeOptions } from '../server/options.ts';
import { type Server, serve } from '../server/server.ts';
import type { Sink } from '../server/watcher.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import { conform } from './conform.ts';
import { helpText } from './help.ts';
import { drainSinks, fileSink, streamSink } from './log-sink.ts';

/** For whoever reads the log through a pipe; then it is lost. */
const LOG_DRAIN_MS = 2_000;

const EXIT_RUN_TIME = 1;
const EXIT_USAGE = 2;

const DEFAULT_SITE = fileURLToPath(new URL('../../html', import.meta.url));

/** Runs the command; ends the process when it cannot. */
export async function main(argv: readonly string[]): Promise<void> {
  // A closed pipe or a full disk behind a standard stream ends nothing: the server is not its messages.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  try {
    if (argv[0] === 'conform') {
      process.exitCode = await conform(argv.slice(1));
      return;
    }
    const given = parseArguments(argv);
    if (given.help) process.stdout.write(helpText());
    else if (given.version) process.stdout.write(`epoll-server ${version()} (Node.js ${process.version})\n`);
    else await run(given);
  } catch (error) {
    fail(error);
  }
}

async function run(given: Arguments): Promise<void> {
  tuneCompiler();
  const server = await serve(await toServeOptions(given));
  if (!given.quiet) process.stdout.write(`${announcement(server, given)}\n`);
  endOnSignals(server);
}

async function toServeOptions(given: Arguments): Promise<ServeOptions> {
  const accessLog = accessLogSink(given);
  const { backend, host, serverHeader } = given;
  return {
    port: given.port,
    logFormat: given.logFormat,
    ...given.limits,
    ...(host === undefined ? {} : { host }),
    ...(backend === undefined ? {} : { backend }),
    ...(serverHeader === undefined ? {} : { serverHeader }),
    ...(accessLog === undefined ? {} : { accessLog }),
    ...(given.trace ? { trace: streamSink(process.stderr, 'the trace') } : {}),
    ...(given.app === undefined
      ? { root: given.root ?? DEFAULT_SITE, site: given.site }
      : { app: given.app, offload: given.offload }),
  };
}

function accessLogSink({ accessLog }: Arguments): Sink | undefined {
  if (accessLog === false || (accessLog === undefined && !process.stdout.isTTY)) return undefined;
  if (accessLog === undefined || accessLog === '-') return streamSink(process.stdout, 'standard output');
  return fileSink(accessLog);
}

/** One line: what, where, how, who. */
function announcement(server: Server, given: Arguments): string {
  const what = server.root ?? given.app;
  return `epoll-server: ${server.url} serves ${what} (back end ${server.backend}, pid ${process.pid})`;
}

/** The first signal closes in order, the second one at once. */
function endOnSignals(server: Server): void {
  let isClosing = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isClosing) process.exit(128 + (signal === 'SIGINT' ? 2 : 15));
    isClosing = true;
    void end(server);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

/** An application may hold timers and sockets of its own: the process ends all the same, its log written. */
async function end(server: Server): Promise<void> {
  await server.close();
  await drainSinks(LOG_DRAIN_MS);
  process.exit(0);
}

/** One line on standard error; a defect of this program shows its trace. */
function fail(error: unknown): never {
  if (!(error instanceof EpollServerError)) throw error;
  const isUsage = ERROR_CODES[error.code] === 'usage';
  const hint = error.code === 'ERR_OPTION' ? ' (see --help)' : '';
  process.stderr.write(`epoll-server: ${messageOf(error).replaceAll('\n', ' ')}${hint}\n`);
  process.exit(isUsage ? EXIT_USAGE : EXIT_RUN_TIME);
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}
