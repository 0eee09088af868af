// The command `compare`: arguments, progress, Ctrl-C, and what is left behind of a comparison of the models.

import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { EpollServerError, messageOf } from '../errors.ts';
import { MODEL_NAMES } from '../options/choices.ts';
import { programPath } from '../package.ts';
import { printable, printableLine, printableLines } from '../printable.ts';
import { type Comparison, type Progress, runComparison } from '../tools/compare/comparison.ts';
import type { Contender } from '../tools/compare/contender.ts';
import { DIAL_NAMES, DIALS, MIDDLE_TEXT } from '../tools/compare/dials.ts';
import { thisMachine } from '../tools/compare/machine.ts';
import { PEER_NAMES } from '../tools/compare/peers.ts';
import { estimateMs } from '../tools/compare/plan.ts';
import { reportPage } from '../tools/compare/report.ts';
import { type ComparisonResult, prepareFolder, readResult, writeResult } from '../tools/compare/result.ts';
import { textTables } from '../tools/compare/table.ts';
import { END_SIGNALS } from './end-signals.ts';
import { RESULTS_FOLDER } from './serve-options.ts';

/** As of programs that a Ctrl-C ended. */
/** What the models serve. */
const APPLICATION = programPath('tools/compare/application.js');

const EXIT_INTERRUPTED = 130;

/** More than this is a mistake, not a wish. */
const MAX_ROUNDS = 100;
const MAX_WINDOW_SECONDS = 60;

/** The flags of the command, as they stand in its help. */
const COMPARE_FLAGS = [
  { name: 'quick', text: 'two minutes for the eight models (the default)' },
  { name: 'full', text: 'thirty minutes: all dials at all positions' },
  { name: 'models', value: 'A,B', text: `of ${MODEL_NAMES.join(', ')}` },
  { name: 'dials', value: 'A,B', text: `of ${DIAL_NAMES.join(', ')}` },
  { name: 'against', value: 'A,B', text: `other servers too, of ${PEER_NAMES.join(', ')}` },
  { name: 'rounds', value: 'N', text: 'how often each is started and measured (default 2, with --full 3)' },
  { name: 'seconds', value: 'N', text: 'of each measurement (default 0.5, with --full 1.5)' },
  { name: 'out', value: 'FOLDER', text: `for the results (default ${RESULTS_FOLDER})` },
  { name: 'port', value: 'N', text: 'for all servers, one after the other (default: the system chooses)' },
  { name: 'from', value: 'FILE', text: 'measure nothing: table and report of a result that is there' },
  { name: 'help', short: 'h', text: 'show this text' },
] as const;

interface Wanted extends Omit<Comparison, 'models' | 'machine' | 'command'> {
  readonly models: readonly string[];
  readonly out: string;
  readonly from: string | undefined;
  readonly help: boolean;
}

/** Runs the command; returns its exit code. `version` is this package's. */
export async function compareCommand(argv: readonly string[], version: string): Promise<number> {
  const wanted = parse(argv);
  if (wanted.help) {
    process.stdout.write(compareHelp());
    return 0;
  }
  const { out, from } = wanted;
  if (from !== undefined) {
    const result = await readResult(from);
    await prepareFolder(out);
    await keep(result, out);
    return 0;
  }
  if (process.platform !== 'linux') {
    throw new EpollServerError('ERR_PLATFORM', 'compare reads what servers cost from /proc, which Linux alone has');
  }
  await prepareFolder(out);
  await checkPort(wanted.port);
  const result = await run(wanted, version, ['epoll-server compare', ...argv].join(' '));
  await keep(result, out);
  return result.incomplete.includes('interrupted') ? EXIT_INTERRUPTED : 0;
}

async function keep(result: ComparisonResult, out: string): Promise<void> {
  const { json, html } = await writeResult(out, result, reportPage(result));
  process.stdout.write(printableLines(`${textTables(result)}\nresult: ${json}\nreport: ${html}\n`));
}

/** Ends early at the first Ctrl-C; the second one ends the process, and its children with it. */
async function run(wanted: Wanted, version: string, command: string): Promise<ComparisonResult> {
  const interruption = new AbortController();
  const onSignal = (): void => {
    if (interruption.signal.aborted) process.exit(EXIT_INTERRUPTED);
    process.stderr.write('\nepoll-server: interrupted: what was measured is kept\n');
    interruption.abort(new Error('interrupted'));
  };
  for (const signal of END_SIGNALS) process.on(signal, onSignal);
  const models = wanted.models.map((name) => modelContender(name, version));
  try {
    const comparison = { ...wanted, models, machine: thisMachine(version), command };
    return await runComparison(comparison, progressOn(process.stderr), interruption.signal);
  } finally {
    for (const signal of END_SIGNALS) process.off(signal, onSignal);
  }
}

/** A line that is written over on a terminal, and one for each tenth elsewhere. */
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
      stream.write(`${clear}epoll-server: compares ${names}: ${plan.rounds} rounds, about ${minutes(estimatedMs)}\n`);
    },
    step: (done, all, what) => {
      const goneMs = performance.now() - beginMs;
      // What was planned counts for less and less.
      const share = done / all;
      const leftMs = (1 - share) * (share * (share > 0 ? goneMs / share : 0) + (1 - share) * estimatedMs);
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

/** @throws EpollServerError `ERR_LISTEN` when somebody has the port already: no server could have it. */
async function checkPort(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new EpollServerError(
          'ERR_LISTEN',
          `no server can have port ${port}: ${messageOf(error)}: choose another --port`,
        ),
      ),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}

function parse(argv: readonly string[]): Wanted {
  const values = parseFlags(argv);
  if (values.quick === true && values.full === true) throw usage('give --quick or --full, not both');
  for (const name of ['out', 'from'] as const) if (values[name] === '') throw usage(`--${name} is empty`);
  return {
    mode: values.full === true ? 'full' : 'quick',
    models: values.models === undefined ? MODEL_NAMES : names('model', values.models, MODEL_NAMES),
    dials: values.dials === undefined ? [] : names('dial', values.dials, DIAL_NAMES),
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
  try {
    const text = { type: 'string' } as const;
    const flag = { type: 'boolean' } as const;
    const options = {
      quick: flag,
      full: flag,
      models: text,
      dials: text,
      against: text,
      rounds: text,
      seconds: text,
      out: text,
      port: text,
      from: text,
      help: { type: 'boolean', short: 'h' },
    } as const;
    return parseArgs({ args: [...argv], options }).values;
  } catch (error) {
    throw usage(`compare: ${messageOf(error).split('. ')[0]}`);
  }
}

/** The names of a list, each once; those that nobody knows are refused. */
function names(what: string, list: string, known: readonly string[]): readonly string[] {
  const given = [...new Set(list.split(',').map((name) => name.trim()))];
  const unknown = given.find((name) => !known.includes(name));
  if (unknown !== undefined) throw usage(`there is no ${what} "${unknown}": choose from ${known.join(', ')}`);
  return given;
}

/** 0: not given. */
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
  const flags = COMPARE_FLAGS.map((flag) => {
    const left = `${'short' in flag ? `-${flag.short}, ` : '    '}--${flag.name}${'value' in flag ? ` ${flag.value}` : ''}`;
    return `  ${left.padEnd(24)}${flag.text}`;
  });
  return [
    'usage: epoll-server compare [flags]',
    '',
    'Starts every model in turn, drives it with wrk (or autocannon), and says what a request costs: a table, a',
    'result as JSON, and a report as one HTML file, which the default site shows at /compare/.',
    '',
    ...flags,
    '',
    `One dial at a time is turned from the middle: ${MIDDLE_TEXT}.`,
    ...DIALS.map(
      ({ name, text, turns }) => `  ${name.padEnd(12)}${text}: ${turns.map(({ position }) => position).join(', ')}`,
    ),
    '',
    'exit codes: 0 measured (what failed stands in the table), 1 it could not be, 2 a mistake, 130 interrupted',
    '',
  ].join('\n');
}

/** A model of this project as a contender: its program as an operator starts it, with all its defaults. */
function modelContender(name: string, version: string): Contender {
  return {
    name,
    kind: 'model',
    version,
    answers: ['text', 'sleep', 'burn', 'kib', 'mib'],
    command: (place, { folder, port }) => ({
      command: process.execPath,
      args: [
        programPath(`${name}-server.js`),
        `${port}`,
        place === 'files' ? folder : `${APPLICATION}:application`,
        '--no-access-log',
      ],
    }),
  };
}
