// The command `compare`: arguments, progress, Ctrl-C, and the files of a comparison.

import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { countText } from '../count-text.ts';
import { EpollServerError, messageOf } from '../errors.ts';
import { MODEL_NAMES } from '../options/choices.ts';
import { programPath } from '../package.ts';
import { printable, printableLine, printableLines } from '../printable.ts';
import { type Comparison, type Progress, runComparison } from '../tools/compare/comparison.ts';
import type { Contender } from '../tools/compare/contender.ts';
import { thisMachine } from '../tools/compare/machine.ts';
import { BASELINE_TEXT, PARAMETER_NAMES, PARAMETERS } from '../tools/compare/parameters.ts';
import { PEER_NAMES } from '../tools/compare/peers.ts';
import { estimateMs } from '../tools/compare/plan.ts';
import { reportPage } from '../tools/compare/report.ts';
import { type ComparisonResult, prepareFolder, readResult, writeResult } from '../tools/compare/result.ts';
import { textTables } from '../tools/compare/table.ts';
import type { Flag } from './arguments.ts';
import { END_SIGNALS, exitCodeOf } from './end-signals.ts';
import { checkFlags } from './flag-check.ts';
import { flagLine } from './help.ts';
import { RESULTS_FOLDER } from './serve-options.ts';

/** The application that the models serve. */
const APPLICATION = programPath('tools/compare/application.js');

const EXIT_INTERRUPTED = exitCodeOf('SIGINT');

/** Larger values are typing errors. */
const MAX_ROUNDS = 100;
const MAX_WINDOW_SECONDS = 60;

/** The flags of the command, in the order of its help. */
const COMPARE_FLAGS: readonly Flag[] = [
  { name: 'quick', help: 'about two minutes for the eight models (default)' },
  { name: 'full', help: 'about thirty minutes: all parameters at all positions' },
  { name: 'models', placeholder: 'A,B', help: `models to measure: ${MODEL_NAMES.join(', ')}` },
  { name: 'parameters', placeholder: 'A,B', help: `parameters to vary: ${PARAMETER_NAMES.join(', ')}` },
  { name: 'against', placeholder: 'A,B', help: `also measure other servers: ${PEER_NAMES.join(', ')}` },
  {
    name: 'rounds',
    placeholder: 'N',
    help: 'rounds, in each of which every server is started and measured (default 2, with --full 3)',
  },
  { name: 'seconds', placeholder: 'N', help: 'length of each measurement (default 0.5, with --full 1.5)' },
  { name: 'out', placeholder: 'FOLDER', help: `folder for the results (default ${RESULTS_FOLDER})` },
  {
    name: 'port',
    placeholder: 'N',
    help: 'port of the servers, which run one after the other (default: chosen by the system)',
  },
  {
    name: 'from',
    placeholder: 'FILE',
    help: 'measure nothing: print the table and write the report of a stored result',
  },
  { name: 'help', letter: 'h', help: 'show this text' },
];

interface CompareOptions extends Omit<Comparison, 'models' | 'machine' | 'command'> {
  readonly models: readonly string[];
  readonly out: string;
  readonly from: string | undefined;
  readonly help: boolean;
}

/** Runs the command; returns its exit code. `version` is this package's. */
export async function compareCommand(argv: readonly string[], version: string): Promise<number> {
  const options = parse(argv);
  if (options.help) {
    process.stdout.write(compareHelp());
    return 0;
  }
  const { out, from } = options;
  if (from !== undefined) {
    const result = await readResult(from);
    await prepareFolder(out);
    await keep(result, out);
    return 0;
  }
  if (process.platform !== 'linux') {
    throw new EpollServerError('ERR_PLATFORM', 'compare works on Linux only: it reads what servers use from /proc');
  }
  await prepareFolder(out);
  await checkPort(options.port);
  const result = await run(options, version, ['epoll-server compare', ...argv].join(' '));
  await keep(result, out);
  return result.incomplete.includes('interrupted') ? EXIT_INTERRUPTED : 0;
}

async function keep(result: ComparisonResult, out: string): Promise<void> {
  const { json, html } = await writeResult(out, result, reportPage(result));
  process.stdout.write(printableLines(`${textTables(result)}\nresult: ${json}\nreport: ${html}\n`));
}

/** Ends early at the first Ctrl-C; the second one ends the process, and its children with it. */
async function run(options: CompareOptions, version: string, command: string): Promise<ComparisonResult> {
  const interruption = new AbortController();
  const onSignal = (): void => {
    if (interruption.signal.aborted) process.exit(EXIT_INTERRUPTED);
    process.stderr.write('\nepoll-server: interrupted; keeping the results so far\n');
    interruption.abort(new Error('interrupted'));
  };
  for (const signal of END_SIGNALS) process.on(signal, onSignal);
  const models = options.models.map((name) => modelContender(name, version));
  try {
    const comparison = { ...options, models, machine: thisMachine(version), command };
    return await runComparison(comparison, progressOn(process.stderr), interruption.signal);
  } finally {
    for (const signal of END_SIGNALS) process.off(signal, onSignal);
  }
}

/** One line that is overwritten on a terminal; elsewhere, a line for every tenth. */
function progressOn(stream: NodeJS.WriteStream): Progress {
  const beginMs = performance.now();
  const clear = stream.isTTY ? '\r\x1b[K' : '';
  let estimatedMs = 0;
  let tenth = -1;
  return {
    say: (text) => void stream.write(`${clear}epoll-server: ${printableLine(text)}\n`),
    planned: (plan, contenders) => {
      estimatedMs = estimateMs(plan, contenders.length);
      const names = contenders.map(({ name }) => name).join(', ');
      stream.write(
        `${clear}epoll-server: comparing ${names}: ${countText(plan.rounds, 'round')}, about ${minutes(estimatedMs)}\n`,
      );
    },
    step: (done, all, what) => {
      const elapsedMs = performance.now() - beginMs;
      // The estimate of the plan weighs less as the run goes on.
      const share = done / all;
      const leftMs = (1 - share) * (share * (share > 0 ? elapsedMs / share : 0) + (1 - share) * estimatedMs);
      const line = `${Math.round(share * 100)} %, ${minutes(leftMs)} left; ${printable(what)}`;
      if (stream.isTTY) stream.write(`${clear}${line.slice(0, (stream.columns ?? 80) - 1)}`);
      else if (Math.floor(share * 10) > tenth) stream.write(`epoll-server: ${line}\n`);
      tenth = Math.floor(share * 10);
    },
  };
}

function minutes(ms: number): string {
  const seconds = Math.max(Math.round(ms / 1_000), 0);
  return seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`;
}

/** @throws EpollServerError `ERR_LISTEN` when the port is in use: no server could listen on it. */
async function checkPort(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new EpollServerError(
          'ERR_LISTEN',
          `cannot listen on port ${port}: ${messageOf(error)} (choose another with --port)`,
        ),
      ),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}

function parse(argv: readonly string[]): CompareOptions {
  const values = parseFlags(argv);
  if (values.quick === true && values.full === true) throw usage('--quick and --full conflict: use one of them');
  for (const name of ['out', 'from'] as const) if (values[name] === '') throw usage(`--${name} needs a value`);
  return {
    mode: values.full === true ? 'full' : 'quick',
    models: values.models === undefined ? MODEL_NAMES : names('model', values.models, MODEL_NAMES),
    parameters: values.parameters === undefined ? [] : names('parameter', values.parameters, PARAMETER_NAMES),
    against: values.against === undefined ? [] : names('peer', values.against, PEER_NAMES),
    rounds: number('rounds', values.rounds, 1, MAX_ROUNDS, true),
    windowMs: number('seconds', values.seconds, 0.1, MAX_WINDOW_SECONDS, false) * 1_000,
    out: values.out ?? RESULTS_FOLDER,
    port: number('port', values.port, 0, 65_535, true),
    from: values.from,
    help: values.help === true,
  };
}

function parseFlags(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = {
    quick: flag,
    full: flag,
    models: text,
    parameters: text,
    against: text,
    rounds: text,
    seconds: text,
    out: text,
    port: text,
    from: text,
    help: { type: 'boolean', short: 'h' },
  } as const;
  checkFlags(argv, options);
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
  const [unexpected] = positionals;
  if (unexpected !== undefined) throw usage(`unexpected argument "${unexpected}": compare takes flags only`);
  return values;
}

/**
 * The names of a list, each once.
 * @throws EpollServerError `ERR_OPTION` for an unknown name.
 */
function names(what: string, list: string, known: readonly string[]): readonly string[] {
  const given = [...new Set(list.split(',').map((name) => name.trim()))];
  const unknown = given.find((name) => !known.includes(name));
  if (unknown !== undefined) throw usage(`unknown ${what} "${unknown}": choose from ${known.join(', ')}`);
  return given;
}

/** Returns 0 for a flag that was not given. */
function number(name: string, text: string | undefined, min: number, max: number, isWhole: boolean): number {
  if (text === undefined) return 0;
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) return value;
  throw usage(`--${name} must be a ${isWhole ? 'whole ' : ''}number from ${min} to ${max}, not "${text}"`);
}

function usage(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}

function compareHelp(): string {
  return [
    'usage: epoll-server compare [flags]',
    '',
    'Starts the models one after the other, measures each with wrk (or autocannon), and reports the cost of a request:',
    'a table, a result as JSON, and a report as one HTML file, which the default site shows at /compare/.',
    '',
    ...COMPARE_FLAGS.map(flagLine),
    '',
    `One parameter at a time is varied from the baseline: ${BASELINE_TEXT}.`,
    ...PARAMETERS.map(
      ({ name, text, variations }) =>
        `  ${name.padEnd(12)}${text}: ${variations.map(({ position }) => position).join(', ')}`,
    ),
    '',
    'exit codes: 0 measured (the table lists failures), 1 not measured, 2 wrong usage, 130 interrupted',
    '',
  ].join('\n');
}

/** A model of this project as a contender: its command with all defaults, except the access log. */
function modelContender(name: string, version: string): Contender {
  return {
    name,
    kind: 'model',
    version,
    responses: ['text', 'sleep', 'burn', 'kib', 'mib'],
    command: (source, { folder, port }) => ({
      command: process.execPath,
      args: [
        programPath(`${name}-server.js`),
        `${port}`,
        source === 'files' ? folder : `${APPLICATION}:application`,
        '--no-access-log',
      ],
    }),
  };
}
