// Destinations of the access log and the trace: an appended file or a standard stream. A failed write is retried each
// second; it never stops the server and never fills its memory. Lost lines are counted, and the count goes to the log
// and to standard error.

import { close, constants, fstat, open, openSync, write } from 'node:fs';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';
import { countText } from '../count-text.ts';
import { EpollServerError, messageOf } from '../errors.ts';
import type { Sink } from '../options/option-types.ts';
import { logLine } from './log-line.ts';

/** Text that may wait behind the current write. Lines beyond it are lost until half of the waiting text is written. */
const MAX_WAITING_LENGTH = 1_048_576;

/** The retry interval of a failed log, and the interval for opening its path again. */
const RETRY_MS = 1_000;

/** The first pause when a pipe is full. It doubles up to {@link RETRY_MS}. */
const MIN_PAUSE_MS = 10;

/** POSIX: write(2) puts up to this many bytes into a pipe atomically, even when other processes write to it. */
const PIPE_BUF = 4_096;

/** Non-blocking: for a FIFO that is full or has no reader, open and write fail instead of blocking a thread. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOCTTY;
const MODE = 0o644;

const LINE_FEED = 10;

const openLater = promisify(open);
const closeLater = promisify(close);
const statLater = promisify(fstat);
const writeLater = promisify(write);

export interface SinkOptions {
  /** Formats the log line that reports how many lines were lost. */
  readonly lossNotice: (lines: number) => string;
  /** Whether other processes write to it too. */
  readonly isShared: boolean;
}

/** No descriptor: the path is opened before the first write. */
const NOT_OPEN = -1;

/** @throws EpollServerError `ERR_ACCESS_LOG` if the file cannot be opened and no other process writes to it. */
export function fileSink(path: string, options: SinkOptions): Sink {
  // An application may change the working folder.
  const absolute = resolve(path);
  try {
    // The parent of several processes has already opened it. A process that starts later serves clients even without a
    // log.
    const fd = options.isShared ? NOT_OPEN : openSync(absolute, APPEND, MODE);
    return sinkOf(new LineWriter(absolute, fd, absolute, options));
  } catch (error) {
    throw new EpollServerError('ERR_ACCESS_LOG', `the log cannot be opened: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** A sink for a standard stream. */
export function standardSink(stream: 'stdout' | 'stderr', options: SinkOptions): Sink {
  const [fd, name] = stream === 'stdout' ? [1, 'standard output'] : [2, 'standard error'];
  // Node.js makes a pipe or socket non-blocking when it creates the stream.
  void process[stream];
  return sinkOf(new LineWriter(name, isatty(fd) ? terminalOf(fd) : fd, null, options));
}

/**
 * Ctrl-S stops a terminal. A descriptor of its own is non-blocking and leaves the flags of shared descriptors
 * unchanged.
 */
function terminalOf(fd: number): number {
  try {
    return openSync(`/dev/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}

const writers = new Set<LineWriter>();

function sinkOf(writer: LineWriter): Sink {
  writers.add(writer);
  return (text) => writer.write(text);
}

/** Waits until all text given to the sinks is written, at most `limitMs`, so that the last lines are not lost. */
export async function drainSinks(limitMs: number): Promise<void> {
  await Promise.all([...writers].map((writer) => writer.drain(limitMs)));
}

/** Opens the paths of all sinks again before their next write: log files were renamed. */
export function reopenSinks(): void {
  for (const writer of writers) writer.reopenSoon();
}

/** Appends lines to a descriptor, one write after the other. */
class LineWriter {
  readonly #name: string;
  #fd: number;
  /** The path that is opened again each second. Null: only the descriptor is known. */
  readonly #path: string | null;
  readonly #options: SinkOptions;
  #openedMs = performance.now();
  /** Whole lines behind the current batch. */
  #waiting = '';
  /** The whole lines of the current write, and how many of its bytes are written. */
  #batch: Buffer | null = null;
  #offset = 0;
  #isRunning = false;
  #isDraining = false;
  /** The pause before the next retry; 0 if the last write succeeded. */
  #pauseMs = 0;
  #endPause = (): void => {};
  /** Lines lost since the queue last had room. */
  #lostLines = 0;
  /** Lost lines not yet reported on standard error. */
  #unreportedLines = 0;
  #isFailureReported = false;
  #reportedMs = Number.NEGATIVE_INFINITY;

  constructor(name: string, fd: number, path: string | null, options: SinkOptions) {
    this.#name = name;
    this.#fd = fd;
    this.#path = path;
    this.#options = options;
  }

  write(text: string): void {
    if (this.#lostLines > 0 || this.#waiting.length >= MAX_WAITING_LENGTH) this.#lostLines += linesOf(text);
    else this.#waiting += text;
    if (!this.#isRunning) void this.#run();
  }

  reopenSoon(): void {
    this.#openedMs = Number.NEGATIVE_INFINITY;
  }

  /** Writes the queued lines. Lines that cannot be written within `limitMs` are lost. */
  async drain(limitMs: number): Promise<void> {
    this.#isDraining = true;
    this.#endPause();
    const endMs = performance.now() + limitMs;
    while (this.#isRunning && performance.now() < endMs)
      await new Promise((resolve) => setTimeout(resolve, MIN_PAUSE_MS));
    const left = `${this.#batch?.toString('utf8', this.#offset) ?? ''}${this.#waiting}`;
    const lines = this.#unreportedLines + this.#lostLines + linesOf(left);
    if (lines > 0) logLine(`${this.#name} could not be flushed: ${countText(lines, 'line')} lost`);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let batch = this.#nextBatch(); batch !== null; batch = this.#nextBatch()) {
      try {
        await this.#writeSome(batch);
        this.#succeed();
      } catch (error) {
        if (!(await this.#retries(error))) break;
      }
    }
    this.#isRunning = false;
  }

  #nextBatch(): Buffer | null {
    if (this.#batch !== null && this.#offset < this.#batch.length) return this.#batch;
    this.#batch = this.#waiting === '' ? null : Buffer.from(this.#waiting);
    this.#offset = 0;
    this.#waiting = '';
    return this.#batch;
  }

  async #writeSome(batch: Buffer): Promise<void> {
    const isDue = this.#fd === NOT_OPEN || performance.now() - this.#openedMs >= RETRY_MS;
    if (this.#path !== null && isDue) await this.#reopen(this.#path, batch);
    const length = this.#chunkEnd(batch) - this.#offset;
    const { bytesWritten } = await writeLater(this.#fd, batch, this.#offset, length, null);
    if (bytesWritten === 0) throw new Error('write(2) wrote no bytes');
    this.#offset += bytesWritten;
  }

  /** Where the next write ends. Lines of several processes must not be mixed in a pipe. */
  #chunkEnd(batch: Buffer): number {
    const limit = this.#offset + PIPE_BUF;
    if (!this.#options.isShared || limit >= batch.length) return batch.length;
    const lineEnd = batch.lastIndexOf(LINE_FEED, limit - 1) + 1;
    return lineEnd > this.#offset ? lineEnd : limit;
  }

  /** Opens the path again: after a log rotation it names another file. If that fails, the old file stays in use. */
  async #reopen(path: string, batch: Buffer): Promise<void> {
    this.#openedMs = performance.now();
    const old = this.#fd;
    try {
      this.#fd = await openLater(path, APPEND, MODE);
    } catch (error) {
      if (old === NOT_OPEN) throw error;
      return;
    }
    if (old === NOT_OPEN) return;
    // The old file has only the beginning of a line: write the whole line to the new file.
    if (this.#offset > 0 && !(await isSameFile(old, this.#fd))) {
      this.#offset = batch.lastIndexOf(LINE_FEED, this.#offset - 1) + 1;
    }
    await closeLater(old);
  }

  #succeed(): void {
    this.#pauseMs = 0;
    if (this.#lostLines > 0 && this.#waiting.length < MAX_WAITING_LENGTH / 2) {
      this.#waiting += this.#options.lossNotice(this.#lostLines);
      this.#unreportedLines += this.#lostLines;
      this.#lostLines = 0;
    }
    if (this.#lostLines === 0 && (this.#isFailureReported || this.#unreportedLines > 0)) this.#reportLoss();
  }

  /** Reports at most once a second, since a slow reader causes losses continuously. */
  #reportLoss(): void {
    const nowMs = performance.now();
    if (!this.#isFailureReported && nowMs - this.#reportedMs < RETRY_MS) return;
    logLine(`${this.#name} can be written again: ${countText(this.#unreportedLines, 'line')} lost`);
    this.#reportedMs = nowMs;
    this.#isFailureReported = false;
    this.#unreportedLines = 0;
  }

  /** Pauses after a failure. Returns false if there is no retry. */
  async #retries(error: unknown): Promise<boolean> {
    const isFull = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
    if (this.#isDraining && !isFull) return false;
    const longestMs = this.#isDraining ? MIN_PAUSE_MS : RETRY_MS;
    this.#pauseMs = isFull ? Math.min(Math.max(this.#pauseMs * 2, MIN_PAUSE_MS), longestMs) : RETRY_MS;
    if (this.#pauseMs === RETRY_MS && !this.#isFailureReported) {
      this.#isFailureReported = true;
      logLine(`${this.#name} cannot be written, retrying each second: ${messageOf(error)}`);
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#pauseMs).unref();
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    return true;
  }
}

async function isSameFile(a: number, b: number): Promise<boolean> {
  const [first, second] = await Promise.all([statLater(a), statLater(b)]);
  return first.dev === second.dev && first.ino === second.ino;
}

function linesOf(text: string): number {
  return text.split('\n').length - 1;
}
