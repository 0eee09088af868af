// Shows what the server does: the access log and the trace, each gathered during a turn and written once
// at its end. It must not know where text goes.

import type { AnswerRecord, Observer } from '../exchange/observer.ts';
import type { Endpoint } from '../http/handler.ts';
import type { Sink } from '../options/option-types.ts';
import { printable } from '../printable.ts';
import { addressText, escapeForLog, type LineFormatter } from './access-log.ts';

export interface WatcherOptions {
  /** Where access log lines go, and how they look; null: no log. */
  readonly log: { readonly sink: Sink; readonly format: LineFormatter } | null;
  /** Where the trace goes; null: no trace. */
  readonly trace: Sink | null;
  readonly wallClockMs: () => number;
}

export class Watcher implements Observer {
  readonly wantsHeads: boolean;
  readonly #options: WatcherOptions;
  #lines = '';
  #traced = '';

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.wantsHeads = options.trace !== null;
  }

  /** Writes what the turn gathered. */
  flush(): void {
    const [lines, traced] = [this.#lines, this.#traced];
    this.#lines = '';
    this.#traced = '';
    if (lines !== '') this.#options.log?.sink(lines);
    if (traced !== '') this.#options.trace?.(traced);
  }

  connected(remote: Endpoint): void {
    this.#trace(`* ${name(remote)} connected\n`);
  }

  disconnected(remote: Endpoint, receivedBytes: number, sentBytes: number): void {
    this.#trace(`* ${name(remote)} left: ${receivedBytes} bytes received, ${sentBytes} sent\n`);
  }

  requestHead(remote: Endpoint, head: string): void {
    this.#trace(`* ${name(remote)} asks\n${prefixed('> ', head)}`);
  }

  responseHead(remote: Endpoint, head: string): void {
    this.#trace(`* ${name(remote)} is answered\n${prefixed('< ', head)}`);
  }

  answered(record: AnswerRecord): void {
    if (record.problem !== '') this.#trace(`* ${name(record.remote)}: ${printable(record.problem)}\n`);
    const { log } = this.#options;
    if (log !== null) this.#lines += log.format(record, this.#options.wallClockMs());
  }

  #trace(text: string): void {
    if (this.#options.trace !== null) this.#traced += text;
  }
}

/** The line of a trace that takes the place of lines that were lost. */
export function traceLossNotice(lines: number): string {
  return `* ${lines} lines were lost\n`;
}

function name(remote: Endpoint): string {
  if (remote.address === '') return addressText(remote);
  return remote.address.includes(':') ? `[${remote.address}]:${remote.port}` : `${remote.address}:${remote.port}`;
}

function prefixed(prefix: string, head: string): string {
  return head
    .trimEnd()
    .split('\r\n')
    .map((line) => `${prefix}${escapeForTrace(line)}\n`)
    .join('');
}

/** Quotes may stay; what moves a terminal's cursor may not. */
function escapeForTrace(line: string): string {
  return line.split('"').map(escapeForLog).join('"');
}
