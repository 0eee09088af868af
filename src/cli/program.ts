// The command from its arguments to its exit code: starts a server, says where, and ends it on signals.

import { constants } from 'node:os';
import { inspect } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { concurrency } from '../adapters/concurrency.ts';
import { findConfig, readConfig } from '../config/file.ts';
import { type Configuration, printConfiguration, readEnvironment, resolveSettings } from '../config/resolve.ts';
import { EpollServerError, ERROR_CODES } from '../errors.ts';
import { logFailure, logLine } from '../log/log-line.ts';
import { drainSinks } from '../log/log-sink.ts';
import { packageVersion } from '../package.ts';
import { printable, printableLines } from '../printable.ts';
import { tuneCompiler } from '../server/compiler.ts';
import type { Setup } from '../server/content.ts';
import { checkLoading } from '../server/resolved-options.ts';
import { EndedChild } from '../workers/child.ts';
import { reapOrphans } from '../workers/orphans.ts';
import { onStopRequest, type Role, takeRole, tellParent } from '../workers/role.ts';
import { parseArguments } from './arguments.ts';
import type { CommandContent } from './command-content.ts';
import { END_SIGNALS } from './end-signals.ts';
import { helpText } from './help.ts';
import { checkModel, type Model, type Programs, type Serving } from './model.ts';
import { commandContentOf, serverSettingsFor, sinksFor } from './serve-options.ts';

/** For whoever reads the log through a pipe; then it is lost. */
const LOG_DRAIN_MS = 2_000;

const EXIT_RUN_TIME = 1;
const EXIT_USAGE = 2;

/** What the command line, the environment and a file come to. */
interface Given extends Configuration {
  readonly check: boolean;
  readonly config: string | undefined;
}

/**
 * Runs the command as `model`, or as the one that --model names where `programs` can be loaded; ends the process
 * when it cannot.
 */
export async function main(argv: readonly string[], model: Model, programs?: Programs): Promise<void> {
  // Without a listener, Node.js opens its inspector on this signal.
  process.on('SIGUSR1', () => {});
  // A closed pipe or a full disk behind a standard stream ends nothing: the server is not its messages.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  try {
    if (argv[0] === 'conform') {
      const { conform } = await import('./conform.ts');
      process.exitCode = await conform(argv.slice(1));
      return;
    }
    if (argv[0] === 'compare') {
      const { compareCommand } = await import('./compare.ts');
      process.exitCode = await compareCommand(argv.slice(1), packageVersion());
      return;
    }
    const { settings, config, check, printConfig, help, version } = parseArguments(argv);
    if (help) process.stdout.write(helpText());
    else if (version) process.stdout.write(`epoll-server ${packageVersion()} (Node.js ${process.version})\n`);
    else {
      const file = config ?? findConfig('.');
      const layers = [settings, readEnvironment(process.env), file === undefined ? new Map() : await readConfig(file)];
      const configuration = resolveSettings(...layers);
      if (printConfig) process.stdout.write(printableLines(printConfiguration(configuration)));
      else await runModel({ ...configuration, check, config: file }, model, programs);
    }
  } catch (error) {
    fail(error);
  }
}

async function runModel(given: Given, model: Model, programs: Programs | undefined): Promise<void> {
  const name = given.settings.model ?? model.name;
  if (name === model.name) return run(given, model);
  const load = programs?.[name];
  if (load === undefined) {
    throw new EpollServerError('ERR_OPTION', `this program is the model ${model.name}: --model is for epoll-server`);
  }
  // It runs the same command line.
  await load();
}

async function run(given: Given, model: Model): Promise<void> {
  tuneCompiler();
  const { settings, config } = given;
  const { workers = 0, watch } = settings;
  const content = commandContentOf(given, config);
  const ofServer = serverSettingsFor(given);
  checkModel(model, workers, ofServer.backend, watch);
  if (given.check) return check({ settings: ofServer, content });
  const watched = watch ? await watchedBy(content, config) : null;
  const role = takeRole();
  concurrency.isMultiprocess = isMainThread && role.kind !== 'standalone';
  const sinks = sinksFor(settings, role.kind !== 'standalone');
  const loaded = sayWhoEnded(role);
  const setup = { settings: { ...ofServer, ...sinks }, content };
  const server = await model.start(setup, workers, role, watched).finally(loaded);
  endOnSignals(server, role);
  if (process.pid === 1) reapOrphans();
  if (!settings.quiet && role.kind === 'standalone') {
    process.stdout.write(
      server.places.map((place) => `${printable(announcement(place, server, content, given, model))}\n`).join(''),
    );
  }
  if (role.kind !== 'standalone') tellParent('taken');
  if (server.finished === undefined) return;
  await server.finished;
  await end(server);
}

/** All that starting would do but listening. */
async function check(setup: Setup): Promise<never> {
  await checkLoading(setup);
  process.stdout.write('epoll-server: everything is in order\n');
  process.exit(0);
}

/**
 * What finds the files and folders whose changes restart the application: links may lead elsewhere later.
 * @throws EpollServerError `ERR_OPTION`: nothing that could be restarted.
 */
async function watchedBy(
  content: CommandContent,
  config: string | undefined,
): Promise<() => Promise<readonly string[]>> {
  if ((await content.names()).length === 0) {
    throw new EpollServerError('ERR_OPTION', `--watch restarts an application: name one, or --dynamic`);
  }
  return async () => [...(await content.names()), ...(config === undefined ? [] : [config])];
}

/** An application's module may end the process that loads it, which should not look as if nothing had been wrong. */
function sayWhoEnded({ kind }: Role): () => void {
  if (kind !== 'standalone') return () => {};
  const onExit = (code: number): void => {
    logLine(`the application ended the process (exit code ${code}) while it was loaded`);
    process.exitCode = EXIT_USAGE;
  };
  process.once('exit', onExit);
  return () => process.off('exit', onExit);
}

/** One line for one listener: which model serves what there, and how. */
function announcement(
  place: string,
  server: Serving,
  { description }: CommandContent,
  { settings }: Given,
  { name, workers }: Model,
): string {
  const group = settings.workers === undefined ? '' : `${settings.workers} ${workers}, `;
  const how = `${group}back end ${server.backend}, pid ${process.pid}`;
  return `${name}-server: ${place} serves ${description} (${how})`;
}

/**
 * The first signal closes in order, the second one at once. A child may hear of one end twice, from the terminal
 * and from its parent: for it the second one of a kind counts.
 */
function endOnSignals(server: Serving, role: Role): void {
  const heard = new Set<NodeJS.Signals>();
  const onSignal = (signal: NodeJS.Signals): void => {
    const isRepeated = role.kind === 'standalone' ? heard.size > 0 : heard.has(signal);
    if (isRepeated) process.exit(128 + constants.signals[signal]);
    heard.add(signal);
    void end(server);
  };
  for (const signal of END_SIGNALS) process.on(signal, onSignal);
  if (role.kind !== 'standalone') onStopRequest(() => void end(server));
}

/** An application may hold timers and sockets of its own: the process ends all the same, its log written. */
async function end(server: Serving): Promise<void> {
  await server.close();
  await drainSinks(LOG_DRAIN_MS);
  process.exit(0);
}

/** One line on standard error, or the trace of a defect of this program. */
function fail(error: unknown): never {
  // A child that ended as this program does has said why.
  if (error instanceof EndedChild && (error.exitCode === EXIT_RUN_TIME || error.exitCode === EXIT_USAGE)) {
    process.exit(error.exitCode);
  }
  if (!(error instanceof EpollServerError)) {
    // What ends a thread is reported by the thread that started it.
    if (!isMainThread) throw error;
    process.stderr.write(`${printableLines(inspect(error))}\n`);
    process.exit(EXIT_RUN_TIME);
  }
  const isUsage = ERROR_CODES[error.code] === 'usage';
  const hint = error.code === 'ERR_OPTION' ? ' (see --help)' : '';
  if (hint === '') logFailure(error, '', error.message);
  else logLine(error.message + hint);
  process.exit(isUsage ? EXIT_USAGE : EXIT_RUN_TIME);
}
