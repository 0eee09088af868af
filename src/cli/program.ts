// The command: parses its arguments, starts a server, prints its address, and ends it on signals.

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
import { onStopRequest, type Role, reportToParent, takeRole } from '../workers/role.ts';
import { type ExplainedRequest, parseArguments } from './arguments.ts';
import type { CommandContent } from './command-content.ts';
import { END_SIGNALS } from './end-signals.ts';
import { explainRules, unreachableOf } from './explain.ts';
import { helpText } from './help.ts';
import { checkModel, type Model, type Programs, type Serving } from './model.ts';
import { commandContentOf, serverSettingsFor, sinksFor } from './serve-options.ts';

/** Time to flush logs to a slow pipe reader; the rest is lost. */
const LOG_DRAIN_MS = 2_000;

const EXIT_RUN_TIME = 1;
const EXIT_USAGE = 2;

/** The settings from the command line, the environment and a file. */
interface Given extends Configuration {
  readonly check: boolean;
  readonly explained: ExplainedRequest | null;
  readonly config: string | undefined;
}

/**
 * Runs the command as `model`, or as the one that --model names if `programs` can be loaded. Ends the process when it
 * cannot start.
 */
export async function main(argv: readonly string[], model: Model, programs?: Programs): Promise<void> {
  // Without a listener for this signal, Node.js opens its inspector.
  process.on('SIGUSR1', () => {});
  // A closed pipe or a full disk behind a standard stream must not end the server.
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
    const { settings, config, check, explained, printConfig, help, version } = parseArguments(argv);
    if (help) process.stdout.write(helpText());
    else if (version) process.stdout.write(`epoll-server ${packageVersion()} (Node.js ${process.version})\n`);
    else {
      const file = config ?? findConfig('.');
      const layers = [settings, readEnvironment(process.env), file === undefined ? new Map() : await readConfig(file)];
      const configuration = resolveSettings(...layers);
      if (printConfig) process.stdout.write(printableLines(printConfiguration(configuration)));
      else await runModel({ ...configuration, check, explained, config: file }, model, programs);
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
    throw new EpollServerError(
      'ERR_OPTION',
      `this program always uses the model ${model.name}: --model is for epoll-server`,
    );
  }
  // The loaded program parses the same command line.
  await load();
}

async function run(given: Given, model: Model): Promise<void> {
  tuneCompiler();
  const { settings, config } = given;
  const { workers = 0, watch } = settings;
  const content = commandContentOf(given, config);
  const ofServer = serverSettingsFor(given);
  checkModel(model, workers, ofServer.backend, watch);
  if (given.explained !== null) {
    process.stdout.write(printableLines(await explainRules({ settings: ofServer, content }, given.explained)));
    return;
  }
  if (given.check) return check({ settings: ofServer, content });
  const watched = watch ? await watchedBy(content, config) : null;
  const role = takeRole();
  concurrency.isMultiprocess = isMainThread && role.kind !== 'standalone';
  const sinks = sinksFor(settings, role.kind !== 'standalone');
  const loaded = reportExitWhileLoading(role);
  // The process that was started reports for all of its children.
  const tls = ofServer.tls === null ? null : { ...ofServer.tls, isReporting: role.kind === 'standalone' };
  const setup = { settings: { ...ofServer, ...sinks, tls }, content };
  const server = await model.start(setup, workers, role, watched).finally(loaded);
  endOnSignals(server, role);
  if (process.pid === 1) reapOrphans();
  if (!settings.quiet && role.kind === 'standalone') {
    process.stdout.write(
      server.places.map((place) => `${printable(announcement(place, server, content, given, model))}\n`).join(''),
    );
  }
  if (role.kind !== 'standalone') reportToParent('started');
  if (server.finished === undefined) return;
  await server.finished;
  await end(server);
}

/** Does everything that a start does, except listening. */
async function check(setup: Setup): Promise<never> {
  await checkLoading(setup);
  const unreachable = await unreachableOf(setup);
  for (const line of unreachable.slice(0, -1)) logLine(line);
  const last = unreachable.at(-1);
  if (last !== undefined) throw new EpollServerError('ERR_CONFIG', last);
  process.stdout.write('epoll-server: the configuration is valid\n');
  process.exit(0);
}

/**
 * Finds the files and folders whose changes restart the application. They are resolved again later, since links may
 * change.
 * @throws EpollServerError `ERR_OPTION`: there is nothing to restart.
 */
async function watchedBy(
  content: CommandContent,
  config: string | undefined,
): Promise<() => Promise<readonly string[]>> {
  if ((await content.names()).length === 0) {
    throw new EpollServerError(
      'ERR_OPTION',
      '--watch restarts an application, and there is none: add --app MODULE or --dynamic FOLDER',
    );
  }
  return async () => [...(await content.names()), ...(config === undefined ? [] : [config])];
}

/**
 * An application's module may end the process that loads it. Without this message that would look like a clean exit.
 */
function reportExitWhileLoading({ kind }: Role): () => void {
  if (kind !== 'standalone') return () => {};
  const onExit = (code: number): void => {
    logLine(`the application ended the process (exit code ${code}) while loading`);
    process.exitCode = EXIT_USAGE;
  };
  process.once('exit', onExit);
  return () => process.off('exit', onExit);
}

/** The start line of one listener: the model, the content and the address. */
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
 * The first signal closes in order, the second one at once. A child may receive one request to end twice, from the
 * terminal and from its parent. So for a child the second signal of the same kind counts.
 */
function endOnSignals(server: Serving, role: Role): void {
  const received = new Set<NodeJS.Signals>();
  const onSignal = (signal: NodeJS.Signals): void => {
    const isRepeated = role.kind === 'standalone' ? received.size > 0 : received.has(signal);
    if (isRepeated) process.exit(128 + constants.signals[signal]);
    received.add(signal);
    void end(server);
  };
  for (const signal of END_SIGNALS) process.on(signal, onSignal);
  if (role.kind !== 'standalone') onStopRequest(() => void end(server));
}

/** An application may hold timers and sockets of its own. The process exits all the same, after its log is written. */
async function end(server: Serving): Promise<void> {
  await server.close();
  await drainSinks(LOG_DRAIN_MS);
  process.exit(0);
}

/** Prints one line on standard error, or the stack trace of a defect of this program. */
function fail(error: unknown): never {
  // A child that exited in the way of this program has already reported why.
  if (error instanceof EndedChild && (error.exitCode === EXIT_RUN_TIME || error.exitCode === EXIT_USAGE)) {
    process.exit(error.exitCode);
  }
  if (!(error instanceof EpollServerError)) {
    // The thread that started this one reports its error.
    if (!isMainThread) throw error;
    process.stderr.write(`${printableLines(inspect(error))}\n`);
    process.exit(EXIT_RUN_TIME);
  }
  const isUsage = ERROR_CODES[error.code] === 'usage';
  const hint = error.code === 'ERR_OPTION' ? '; see --help' : '';
  if (hint === '') logFailure(error, '', error.message);
  else logLine(error.message + hint);
  process.exit(isUsage ? EXIT_USAGE : EXIT_RUN_TIME);
}
