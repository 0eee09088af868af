// The command: parses its arguments, starts a server, prints its address, and ends it on signals.

import { inspect } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { concurrency } from '../adapters/concurrency.ts';
import {
  configEnvironment,
  configOfParent,
  findConfig,
  forgetParentConfig,
  loadConfig,
  parseConfig,
} from '../config/file.ts';
import { type Configuration, printConfiguration, readEnvironment, resolveSettings } from '../config/resolve.ts';
import { countText } from '../count-text.ts';
import { EpollServerError, ERROR_CODES } from '../errors.ts';
import { backEndOf } from '../kernel/native-kernel.ts';
import { logFailure, logLine } from '../log/log-line.ts';
import type { Settings } from '../options/option-types.ts';
import { packageVersion } from '../package.ts';
import { printable, printableLines } from '../printable.ts';
import { tuneCompiler } from '../server/compiler.ts';
import type { Setup } from '../server/content.ts';
import { checkLoading } from '../server/resolved-options.ts';
import { EndedChild } from '../workers/child.ts';
import { killStarting } from '../workers/child-process.ts';
import { reapOrphans } from '../workers/orphans.ts';
import { isPassed } from '../workers/passed-sockets.ts';
import { answerWhileStarting, reportToParent, takeRole } from '../workers/role.ts';
import { type Arguments, type ExplainedRequest, parseArguments } from './arguments.ts';
import type { CommandContent } from './command-content.ts';
import { END_SIGNALS, exitCodeOf, FIRST_PROCESS } from './end-signals.ts';
import { explainRules, unreachableOf } from './explain.ts';
import { helpText } from './help.ts';
import { checkModel, type Model, type Programs, type Serving } from './model.ts';
import { giveLogs, ownerOf } from './owner.ts';
import { PidFile, reloadByPidFile } from './pid-file.ts';
import { commandContentOf, openErrorLog, serverSettingsFor, sinksFor } from './serve-options.ts';
import { tellReady } from './service-manager.ts';
import { endProcess, handleSignals } from './signals.ts';
import { checkWrittenFiles } from './written-files.ts';

const EXIT_RUN_TIME = 1;
const EXIT_USAGE = 2;

/** The settings from the command line, the environment and a file. */
interface Given extends Configuration {
  readonly check: boolean;
  readonly explained: ExplainedRequest | null;
  readonly config: string | undefined;
  /** Variables by which child processes and threads get the same settings. */
  readonly environment: Readonly<Record<string, string>>;
  /** A file that an argument names may have changed, too. */
  readAgain(): Promise<Given>;
}

/**
 * Runs the command as `model`, or as the one that --model names if `programs` can be loaded. Ends the process when it
 * cannot start.
 */
export async function main(argv: readonly string[], model: Model, programs?: Programs): Promise<void> {
  // Without a listener for this signal, Node.js opens its inspector, and this one would end the process.
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => {});
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
    if (argv[0] === 'reload') {
      process.exitCode = reloadByPidFile(argv.slice(1));
      return;
    }
    const parsed = parseArguments(argv);
    if (parsed.help) process.stdout.write(helpText());
    else if (parsed.version) process.stdout.write(`epoll-server ${packageVersion()} (Node.js ${process.version})\n`);
    else {
      const given = await read(parsed, argv);
      if (parsed.printConfig) process.stdout.write(printableLines(printConfiguration(given)));
      else await runModel(given, model, programs);
    }
  } catch (error) {
    fail(error);
  }
}

/** Reads the variables and the file that belong to `parsed`. */
async function read({ settings, config, check, explained }: Arguments, argv: readonly string[]): Promise<Given> {
  const handed = configOfParent();
  const found = handed === undefined ? (config ?? findConfig('.')) : undefined;
  const file = found === undefined ? (handed ?? null) : loadConfig(found);
  const layers = [settings, readEnvironment(process.env), file === null ? new Map() : await parseConfig(file)];
  // A file that was found stays the config file: some editors remove it for a moment.
  const readAgain = (): Promise<Given> => read({ ...parseArguments(argv), config: config ?? file?.path }, argv);
  const environment = configEnvironment(file);
  return { ...resolveSettings(...layers), check, explained, config: file?.path, environment, readAgain };
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
  checkModel(model, settings, ofServer.backend);
  if (given.explained !== null) {
    process.stdout.write(printableLines(await explainRules({ settings: ofServer, content }, given.explained)));
    return;
  }
  if (model.isBlocking === true && (await content.hasPython())) {
    const text = `the model ${model.name} does not run Python applications: use epoll`;
    throw new EpollServerError('ERR_OPTION', text);
  }
  if (given.check) return check({ settings: ofServer, content }, settings);
  const watched = watch ? await watchedBy(given, content) : null;
  const role = takeRole();
  forgetParentConfig();
  const isMain = role.kind === 'standalone';
  if (isMain) for (const notice of await content.notices()) logLine(notice);
  if (settings.umask !== undefined && isMainThread) process.umask(settings.umask);
  const owner = isMain ? ownerOf(settings) : {};
  const pidFile = isMain && settings.pidFile !== undefined ? new PidFile(settings.pidFile) : null;
  // An earlier version of this program is running until this one serves.
  const isSuccessor = isPassed();
  if (!isSuccessor) pidFile?.refuseRunning();
  concurrency.isMultiprocess = isMainThread && role.kind !== 'standalone';
  giveLogs(settings, owner);
  const sinks = sinksFor(settings, role.kind !== 'standalone');
  const guard = isMain
    ? guardLoading(workers > 0 || watch || process.pid === FIRST_PROCESS)
    : { loaded: answerWhileStarting(), release: () => {} };
  // The process that was started reports for all of its children.
  const tls = ofServer.tls === null ? null : { ...ofServer.tls, isReporting: isMain };
  const setup = { settings: { ...ofServer, ...sinks, tls }, content, environment: given.environment };
  const server = await model
    .start(setup, workers, role, { watched, owner, readAgain: () => setupAgain(given) })
    .finally(guard.loaded);
  try {
    pidFile?.write(isSuccessor);
  } catch (error) {
    await server.close({ now: true });
    throw error;
  }
  openErrorLog(settings, !isMain);
  handleSignals(server, role, pidFile, () => giveLogs(settings, owner));
  guard.release();
  if (process.pid === FIRST_PROCESS) reapOrphans();
  if (!settings.quiet && role.kind === 'standalone') {
    const lines = server.places.map((place) => announcement(place, server, content, given, model));
    if (server.adminUrl !== undefined) lines.push(`${model.name}-server: admin listener ${server.adminUrl}`);
    process.stdout.write(lines.map((line) => `${printable(line)}\n`).join(''));
  }
  void reportToParent('started');
  if (role.kind === 'standalone') tellReady(`serves ${content.description}`);
  if (server.finished === undefined) return;
  await server.finished;
  await endProcess(server, role, pidFile);
}

/** Does everything that a start does, except listening and writing: another server may run with the same files. */
async function check(setup: Setup, settings: Settings): Promise<never> {
  backEndOf(setup.settings.backend);
  ownerOf(settings);
  checkWrittenFiles(settings);
  await checkLoading(setup);
  const unreachable = await unreachableOf(setup);
  for (const line of unreachable.slice(0, -1)) logLine(line);
  const last = unreachable.at(-1);
  if (last !== undefined) throw new EpollServerError('ERR_CONFIG', last);
  process.stdout.write('epoll-server: the configuration is valid\n');
  process.exit(0);
}

/** The setup of workers that replace others. */
async function setupAgain({ readAgain }: Given): Promise<Setup> {
  const given = await readAgain();
  const { config, environment } = given;
  return { settings: serverSettingsFor(given), content: commandContentOf(given, config), environment };
}

/**
 * Finds the files and folders whose changes restart the application. They are resolved again later, since links and
 * the configuration may change.
 * @throws EpollServerError `ERR_OPTION`: there is nothing to restart.
 */
async function watchedBy({ readAgain }: Given, content: CommandContent): Promise<() => Promise<readonly string[]>> {
  if ((await content.names()).length === 0) {
    throw new EpollServerError(
      'ERR_OPTION',
      '--watch restarts an application, and there is none: add --app MODULE or --dynamic FOLDER',
    );
  }
  return async () => {
    const given = await readAgain();
    const names = await commandContentOf(given, given.config).names();
    return [...names, ...(given.config === undefined ? [] : [given.config])];
  };
}

/**
 * An application's module may end the process that loads it. Without this message that would look like a clean exit.
 * `takesSignals`: a signal that ends this process takes the children along that have not started, and the system would
 * not end process 1. Otherwise the system ends this process, also while the application hangs.
 * `loaded` ends the first, `release` the second. The signals must have other listeners by then: when the last listener is
 * removed, Node.js forgets a signal that it has received and not yet reported.
 */
function guardLoading(takesSignals: boolean): { loaded(): void; release(): void } {
  const onExit = (code: number): void => {
    logLine(`the application ended the process (exit code ${code}) while loading`);
    process.exitCode = EXIT_USAGE;
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    killStarting();
    // It has no listener any more.
    process.kill(process.pid, signal);
    process.off('exit', onExit);
    process.exit(exitCodeOf(signal));
  };
  const signals = takesSignals ? END_SIGNALS : [];
  for (const signal of signals) process.once(signal, onSignal);
  process.once('exit', onExit);
  return {
    loaded: () => void process.off('exit', onExit),
    release: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

/** The start line of one listener: the model, the content and the address. */
function announcement(
  place: string,
  server: Serving,
  { description }: CommandContent,
  { settings }: Given,
  { name, workers }: Model,
): string {
  const worker = workers === 'threads' ? 'thread' : 'process';
  const group = settings.workers === undefined ? '' : `${countText(settings.workers, worker, workers)}, `;
  const how = `${group}back end ${server.backend}, pid ${process.pid}`;
  const redirects = settings.httpsRedirect !== undefined && place.startsWith('http:');
  return `${name}-server: ${place} ${redirects ? 'redirects to HTTPS' : `serves ${description}`} (${how})`;
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
