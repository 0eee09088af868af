// Writes the access log and the trace: both are gathered during a turn and written once at its end.

import { countText } from '../count-text.ts';
import type { RequestObserver, ResponseRecord } from '../exchange/request-observer.ts';
import type { Endpoint, TlsConnection } from '../http/handler.ts';
import type { Sink } from '../options/option-types.ts';
import { printable } from '../printable.ts';
import { addressText, escapeForLog, type LineFormatter } from './access-log.ts';

export interface RequestLogOptions {
  /** The destination and format of the access log; null: no log. */
  readonly log: { readonly sink: Sink; readonly format: LineFormatter } | null;
  /** The destination of the trace; null: no trace. */
  readonly trace: Sink | null;
  readonly wallClockMs: () => number;
}

export class RequestLog implements RequestObserver {
  readonly wantsHeads: boolean;
  readonly #options: RequestLogOptions;
  #lines = '';
  #traced = '';

  constructor(options: RequestLogOptions) {
    this.#options = options;
    this.wantsHeads = options.trace !== null;
  }

  /** Writes the lines of this turn. */
  flush(): void {
    const [lines, traced] = [this.#lines, this.#traced];
    this.#lines = '';
    this.#traced = '';
    if (lines !== '') this.#options.log?.sink(lines);
    if (traced !== '') this.#options.trace?.(traced);
  }

  connected(remote: Endpoint, tls: TlsConnection | null): void {
    this.#trace(`* ${name(remote)} connected${tls === null ? '' : encryptionText(tls)}\n`);
  }

  disconnected(remote: Endpoint, receivedBytes: number, sentBytes: number): void {
    this.#trace(`* ${name(remote)} disconnected: ${countText(receivedBytes, 'byte')} received, ${sentBytes} sent\n`);
  }

  requestHead(remote: Endpoint, head: string): void {
    this.#trace(`* ${name(remote)} request\n${prefixed('> ', head)}`);
  }

  responseHead(remote: Endpoint, head: string): void {
    this.#trace(`* ${name(remote)} response\n${prefixed('< ', head)}`);
  }

  answered(record: ResponseRecord): void {
    if (record.problem !== '') this.#trace(`* ${name(record.remote)}: ${printable(record.problem)}\n`);
    const { log } = this.#options;
    if (log !== null) this.#lines += log.format(record, this.#options.wallClockMs());
  }

  #trace(text: string): void {
    if (this.#options.trace !== null) this.#traced += text;
  }
}

/** The trace line that reports lost lines. */
export function traceLossNotice(lines: number): string {
  return `* ${countText(lines, 'line')} lost\n`;
}

/** `, TLSv1.3, TLS_AES_128_GCM_SHA256, www.example.org, resumed`. */
function encryptionText({ protocol, cipher, serverName, isResumed }: TlsConnection): string {
  const parts = [protocol, cipher, serverName, isResumed ? 'resumed' : ''];
  return parts
    .filter((part) => part !== '')
    .map((part) => `, ${printable(part)}`)
    .join('');
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

/** Escapes characters that move a terminal's cursor; quotes stay. */
function escapeForTrace(line: string): string {
  return line.split('"').map(escapeForLog).join('"');
}
