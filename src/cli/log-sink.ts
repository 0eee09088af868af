// Where the access log's text goes: a file that is appended to, or a standard stream. A log that cannot be
// written never stops the server, and never fills its memory.

import { constants, createWriteStream, openSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { EpollServerError, messageOf } from '../errors.ts';
import type { Sink } from '../server/watcher.ts';

/** Text that may wait for a slow disk or reader; what comes beyond is dropped. */
const MAX_WAITING_BYTES = 1_048_576;

/** Non-blocking, so that a FIFO that nobody reads is an error instead of a wait for ever. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

/** @throws EpollServerError `ERR_ACCESS_LOG` when the file cannot be opened. */
export function fileSink(path: string): Sink {
  try {
    return streamSink(createWriteStream(path, { fd: openSync(path, APPEND, 0o644) }), path);
  } catch (error) {
    throw new EpollServerError('ERR_ACCESS_LOG', `the access log cannot be opened: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

const streams = new Set<Writable>();

/** How often {@link drainSinks} looks. */
const DRAIN_POLL_MS = 10;

/** Waits until what the sinks were given is written, at most `limitMs`: the last lines of a log count too. */
export async function drainSinks(limitMs: number): Promise<void> {
  for (let waited = 0; waited < limitMs; waited += DRAIN_POLL_MS) {
    if ([...streams].every((stream) => stream.destroyed || stream.writableLength === 0)) return;
    await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
  }
}

/** A sink over a stream; its first error is said once on standard error, and ends it. */
export function streamSink(stream: Writable, name: string): Sink {
  let isBroken = false;
  streams.add(stream);
  stream.on('error', (error) => {
    if (!isBroken && stream !== process.stderr) {
      process.stderr.write(`epoll-server: ${name} cannot be written, logging stops: ${messageOf(error)}\n`);
    }
    isBroken = true;
  });
  return (text) => {
    if (!isBroken && stream.writableLength < MAX_WAITING_BYTES) stream.write(text);
  };
}
