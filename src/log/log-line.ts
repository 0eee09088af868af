// Operator messages on standard error: printable and bounded. A failure to write them never ends the program.

import { isatty } from 'node:tty';
import { isMainThread } from 'node:worker_threads';
import { countText } from '../count-text.ts';
import { clipped, printable, printableLine } from '../printable.ts';
import { errorLines } from './error-lines.ts';

/** Text that may wait for a slow reader of standard error. Lines beyond it are counted and dropped. */
const MAX_WAITING_BYTES = 1_048_576;

let lostLines = 0;
/** The destination of all lines instead of standard error; null: there is none. */
let destination: ((text: string) => void) | null = null;
let isHandlingErrors = false;

const STANDARD_ERROR = 2;

/** The maximum length of an error with all of its causes on a terminal. */
const MAX_FAILURE_LENGTH = 32_768;

/** Sends all further lines to `sink`, each with its line feed, instead of standard error; null: to that again. */
export function logLinesTo(sink: ((text: string) => void) | null): void {
  destination = sink;
}

/** Writes `text` as one line; `separator` takes the place of its line feeds. */
export function logLine(text: string, separator = ' '): void {
  write(printableLine(text, separator));
}

/** As {@link logLine}, on standard error in any case: the destination of all lines cannot report its own losses. */
export function standardErrorLine(text: string): void {
  writeStandardError(printableLine(text));
}

/**
 * Writes an error. On a terminal it is several lines that begin with `prefix`, for developers. Elsewhere it is the
 * single line `line`, for tools that read line by line.
 */
export function logFailure(error: unknown, prefix: string, line: string, separator?: string): void {
  if (!isTerminal()) return logLine(line, separator);
  write(clipped(errorLines(error, prefix).map(printable).join('\n'), MAX_FAILURE_LENGTH));
}

/** A worker thread's stderr is not a terminal stream, even if the process has a terminal. */
function isTerminal(): boolean {
  if (destination !== null) return false;
  const { stderr } = process;
  return isMainThread ? stderr.isTTY === true : isatty(STANDARD_ERROR);
}

function write(text: string): void {
  if (destination === null) writeStandardError(text);
  else destination(`${text}\n`);
}

function writeStandardError(text: string): void {
  const { stderr } = process;
  if (!isHandlingErrors) {
    isHandlingErrors = true;
    // An 'error' event without a listener ends the process, and a reader that closes the pipe (EPIPE) raises one.
    stderr.on('error', () => {});
  }
  if (stderr.writableLength >= MAX_WAITING_BYTES) {
    lostLines++;
    return;
  }
  const lost = lostLines;
  lostLines = 0;
  const notice = lost === 0 ? '' : `epoll-server: ${countText(lost, 'line')} for standard error lost\n`;
  stderr.write(`${notice}epoll-server: ${text}\n`, (error) => {
    if (error != null) lostLines += lost + 1;
  });
}
