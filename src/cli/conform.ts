// The command `conform`: arguments, progress, report and exit code of an examination of a server.

import { parseArgs } from 'node:util';
import { EpollServerError } from '../errors.ts';
import { CASES, GROUPS } from '../tools/conformance/cases.ts';
import { type CaseResult, examine } from '../tools/conformance/examine.ts';
import { countOf, jsonReport, markdownReport, type Paint, textReport } from '../tools/conformance/report.ts';
import { findTarget } from '../tools/conformance/target.ts';
import type { Flag } from './arguments.ts';
import { checkFlags } from './flag-check.ts';
import { flagLine } from './help.ts';

const EXIT_FAILED = 1;

/** The upper limit of --connections, to protect the target. */
const MAX_CONNECTIONS = 256;

const COLOURS = { red: 31, yellow: 33, green: 32, dim: 2 } as const;

/** The flags of the command, in the order of its help. */
const CONFORM_FLAGS: readonly Flag[] = [
  { name: 'json', help: 'print the report as JSON' },
  { name: 'markdown', help: 'print the report as Markdown' },
  { name: 'only', placeholder: 'GROUP|ID', help: 'run only this group or case; may be repeated' },
  { name: 'list', help: 'list the cases without sending anything' },
  { name: 'remote', help: 'allow a server on another machine' },
  { name: 'connections', placeholder: 'N', help: 'concurrent connections (default 32)' },
  { name: 'timeout-ms', placeholder: 'N', help: 'time limit for one response (default 2000)' },
  { name: 'max-seconds', placeholder: 'N', help: 'time limit for the run; remaining cases are skipped (default 600)' },
  {
    name: 'max-splits',
    placeholder: 'N',
    help: 'limit of places at which a case is cut in two (default 400: every byte of most cases)',
  },
  { name: 'help', letter: 'h', help: 'show this text' },
];

/** The parsed arguments. */
interface ConformOptions {
  readonly url: string;
  readonly format: 'text' | 'json' | 'markdown';
  readonly only: readonly string[];
  readonly list: boolean;
  readonly help: boolean;
  readonly remote: boolean;
  readonly maxConnections: number;
  readonly timeoutMs: number;
  readonly maxSeconds: number;
  readonly maxSplits: number;
}

/** Runs the command. Returns its exit code: 1 when a MUST is violated. */
export async function conform(argv: readonly string[]): Promise<number> {
  const options = parse(argv);
  if (options.help) {
    process.stdout.write(conformHelp());
    return 0;
  }
  const cases = CASES.filter(
    ({ id, group }) => options.only.length === 0 || options.only.some((each) => each === id || each === group),
  );
  if (options.list) {
    for (const { id, level, rfc, why } of cases) process.stdout.write(`${id}\t${level}\tRFC ${rfc}\t${why}\n`);
    return 0;
  }
  const target = await findTarget(options.url, options.remote, options.timeoutMs);
  const progress = new Progress(process.stderr);
  const begin = performance.now();
  const results = await examine(target, cases, {
    maxConnections: options.maxConnections,
    timeoutMs: options.timeoutMs,
    maxDurationMs: options.maxSeconds * 1_000,
    maxSplits: options.maxSplits,
    onResult: (result, done, all) => progress.show(result, done, all),
  }).finally(() => progress.clear());
  const report = { target, results, durationMs: performance.now() - begin, date: new Date().toISOString() };
  const write = {
    text: () => textReport(report, paintFor(process.stdout)),
    json: () => jsonReport(report),
    markdown: () => markdownReport(report),
  };
  process.stdout.write(write[options.format]());
  return countOf(results, 'failed') > 0 ? EXIT_FAILED : 0;
}

/** One line of progress, shown on a terminal only. */
class Progress {
  readonly #stream: NodeJS.WriteStream;
  #failed = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  show({ verdict, group }: CaseResult, done: number, all: number): void {
    if (verdict === 'failed') this.#failed++;
    if (this.#stream.isTTY) this.#stream.write(`\r\x1b[K${done} of ${all} cases, ${this.#failed} failed: ${group}`);
  }

  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
  }
}

/** Colours for a terminal, unless NO_COLOR is set (no-color.org). */
function paintFor(stream: NodeJS.WriteStream): Paint {
  const isPlain = !stream.isTTY || (process.env['NO_COLOR'] ?? '') !== '';
  return (colour, text) => (isPlain ? text : `\x1b[${COLOURS[colour]}m${text}\x1b[0m`);
}

function parse(argv: readonly string[]): ConformOptions {
  const { values, positionals } = parseFlags(argv);
  const [url, more] = positionals;
  if (more !== undefined) throw usage(`unexpected argument "${more}": conform takes one URL`);
  const isAlone = values.help === true || values.list === true;
  if (url === undefined && !isAlone)
    throw usage('conform needs the URL of a server (example: epoll-server conform http://127.0.0.1:8080/)');
  if (values.json === true && values.markdown === true) throw usage('--json and --markdown conflict: use one of them');
  const only = values.only ?? [];
  for (const name of only) {
    if (GROUPS.includes(name) || CASES.some(({ id }) => id === name)) continue;
    throw usage(`unknown group or case "${name}": choose from ${GROUPS.join(', ')}`);
  }
  return {
    url: url ?? '',
    format: values.json === true ? 'json' : values.markdown === true ? 'markdown' : 'text',
    only,
    list: values.list === true,
    help: values.help === true,
    remote: values.remote === true,
    maxConnections: whole('connections', values.connections, 32, MAX_CONNECTIONS),
    timeoutMs: whole('timeout-ms', values['timeout-ms'], 2_000, 600_000),
    maxSeconds: whole('max-seconds', values['max-seconds'], 600, 86_400),
    maxSplits: whole('max-splits', values['max-splits'], 400, 100_000),
  };
}

function parseFlags(argv: readonly string[]) {
  const options = {
    json: { type: 'boolean' },
    markdown: { type: 'boolean' },
    only: { type: 'string', multiple: true },
    list: { type: 'boolean' },
    remote: { type: 'boolean' },
    connections: { type: 'string' },
    'timeout-ms': { type: 'string' },
    'max-seconds': { type: 'string' },
    'max-splits': { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  checkFlags(argv, options);
  return parseArgs({ args: [...argv], options, allowPositionals: true });
}

function whole(name: string, text: string | undefined, defaultValue: number, max: number): number {
  if (text === undefined) return defaultValue;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max) throw usage(`--${name} must be a whole number from 1 to ${max}, not "${text}"`);
  return value;
}

function usage(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}

function conformHelp(): string {
  return [
    'usage: epoll-server conform URL [flags]',
    '',
    `Sends ${CASES.length} cases of RFC 9110 and 9112 to an HTTP/1.1 server, in one piece, split, byte by byte and pipelined, and`,
    'reports what it gets wrong. Cases for parts that the site does not have (an echo, a slow response) are skipped.',
    '',
    ...CONFORM_FLAGS.map(flagLine),
    '',
    `groups: ${GROUPS.join(', ')}`,
    'exit codes: 0 no failures, 1 a MUST is violated, 2 the server could not be examined',
    '',
  ].join('\n');
}
