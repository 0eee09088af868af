// The command from its arguments to its exit code: starts a server, says where, and ends it on signals.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EpollServerError, ERROR_CODES, messageOf } from '../errors.ts';
import { tuneCompiler } from '../server/compiler.ts';
import type { ServeOptions } from '../server/options.ts';
import type { SiteOptions } from '../server/site-options.ts';
import type { Sink } from '../server/watcher.ts';
import { isOnTerminal, onDismissed, type Role, takeRole, tellParent } from '../workers/role.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import { compare, RESULTS_FOLDER } from './compare.ts';
import { conform } from './conform.ts';
import { helpText } from './help.ts';
import { drainSinks, fileSink, streamSink } from './log-sink.ts';
import { checkModel, type Model, type Programs, type Serving } from './model.ts';

/** For whoever reads the log through a pipe; then it is lost. */
const LOG_DRAIN_MS = 2_000;

const EXIT_RUN_TIME = 1;
const EXIT_USAGE = 2;

const DEFAULT_SITE = fileURLToPath(new URL('../../html', import.meta.url));

/**
 * Runs the command as `model`, or as the one that --model names where `programs` can be loaded; ends the process
 * when it cannot.
 */
export async function main(argv: readonly string[], model: Model, programs?: Programs): Promise<void> {
  // A closed pipe or a full disk behind a standard stream ends nothing: the server is not its messages.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  try {
    if (argv[0] === 'conform') {
      process.exitCode = await conform(argv.slice(1));
      return;
    }
    if (argv[0] === 'compare') {
      process.exitCode = await compare(argv.slice(1), version());
      return;
    }
    const given = parseArguments(argv);
    if (given.help) process.stdout.write(helpText());
    else if (given.version) process.stdout.write(`epoll-server ${version()} (Node.js ${process.version})\n`);
    else await runModel(given, model, programs);
  } catch (error) {
    fail(error);
  }
}

async function runModel(given: Arguments, model: Model, programs: Programs | undefined): Promise<void> {
  const name = given.model ?? model.name;
  if (name === model.name) return run(given, model);
  const load = programs?.[name];
  if (load === undefined) {
    throw new EpollServerError('ERR_OPTION', `this program is the model ${model.name}: --model is for epoll-server`);
  }
  // It runs the same command line.
  await load();
}

async function run(given: Arguments, model: Model): Promise<void> {
  tuneCompiler();
  checkModel(model, given.workers, given.backend);
  const role = takeRole();
  const server = await model.start(await toServeOptions(given), given.workers, role);
  endOnSignals(server, role);
  if (!given.quiet && role.kind === 'alone') process.stdout.write(`${announcement(server, given, model)}\n`);
  if (role.kind !== 'alone') tellParent('taken');
  if (server.finished === undefined) return;
  await server.finished;
  await end(server);
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
      ? { root: given.root ?? DEFAULT_SITE, site: given.root === undefined ? withReport(given.site) : given.site }
      : { app: given.app, offload: given.offload }),
  };
}

/** The default site shows the newest report of `compare`, if there is one in the working folder when it starts. */
function withReport(site: SiteOptions): SiteOptions {
  if (!existsSync(join(RESULTS_FOLDER, 'index.html')) || site.mounts?.['/compare'] !== undefined) return site;
  return { ...site, mounts: { ...site.mounts, '/compare': RESULTS_FOLDER } };
}

function accessLogSink({ accessLog }: Arguments): Sink | undefined {
  if (accessLog === false || (accessLog === undefined && !isOnTerminal())) return undefined;
  if (accessLog === undefined || accessLog === '-') return streamSink(process.stdout, 'standard output');
  return fileSink(accessLog);
}

/** One line: what, where, how, who. */
function announcement(server: Serving, given: Arguments, { name, workers }: Model): string {
  const what = server.root ?? given.app;
  const crew = given.workers === 0 ? '' : `${given.workers} ${workers}, `;
  const how = `${crew}back end ${server.backend}, pid ${process.pid}`;
  return `${name}-server: ${server.url} serves ${what} (${how})`;
}

/**
 * The first signal closes in order, the second one at once. A child may hear of one end twice, from the terminal
 * and from its parent: for it the second one of a kind counts.
 */
function endOnSignals(server: Serving, role: Role): void {
  const heard = new Set<NodeJS.Signals>();
  const onSignal = (signal: NodeJS.Signals): void => {
    const isRepeated = role.kind === 'alone' ? heard.size > 0 : heard.has(signal);
    if (isRepeated) process.exit(128 + (signal === 'SIGINT' ? 2 : 15));
    heard.add(signal);
    void end(server);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  if (role.kind !== 'alone') onDismissed(() => void end(server));
}

/** An application may hold timers and sockets of its own: the process ends all the same, its log written. */
async function end(server: Serving): Promise<void> {
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
