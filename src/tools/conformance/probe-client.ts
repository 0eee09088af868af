// A client connection to the server under examination: it sends bytes and reads responses, each wait with a time limit.

import { connect, type Socket } from 'node:net';
import { EpollServerError } from '../../errors.ts';
import { type SentRequests, StrictResponseReader } from './response-reader.ts';

/** Where the server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export class ProbeClient {
  readonly reader: StrictResponseReader;
  /** How the server ended the connection: null while it is open. */
  end: 'fin' | 'reset' | null = null;
  readonly #socket: Socket;
  #changed: (() => void) | null = null;

  private constructor(socket: Socket, sent: SentRequests) {
    this.#socket = socket;
    this.reader = new StrictResponseReader(sent);
    socket.on('data', (bytes) => {
      this.reader.receive(bytes);
      this.#changed?.();
    });
    socket.on('end', () => this.#over('fin'));
    socket.on('error', () => this.#over('reset'));
    socket.on('close', () => this.#over('reset'));
  }

  /** @throws EpollServerError `ERR_TARGET` when the connection cannot be opened. */
  static open(address: Address, sent: SentRequests, timeoutMs: number): Promise<ProbeClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...address, allowHalfOpen: true, noDelay: true });
      const fail = (why: string): void => {
        clearTimeout(timer);
        socket.destroy();
        const where = `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
        reject(new EpollServerError('ERR_TARGET', `cannot connect to ${where}: ${why}`));
      };
      const timer = setTimeout(() => fail(`no connection within ${timeoutMs} ms`), timeoutMs);
      socket.once('error', (error) => fail(error.message));
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.removeAllListeners('error');
        resolve(new ProbeClient(socket, sent));
      });
    });
  }

  /** Sends Latin-1 text; ignored after the connection has ended. */
  send(text: string): void {
    if (this.end !== 'reset' && !this.#socket.writableEnded) this.#socket.write(text, 'latin1');
  }

  /** Sends FIN. */
  finish(): void {
    this.#socket.end();
  }

  /** Waits until `condition` holds, the server ends the connection, or the time is up. Resolves to whether it holds. */
  async until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (!condition() && this.end === null && this.reader.problem === '') {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) break;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#changed = null;
    }
    return condition();
  }

  /** Waits for this many final responses. */
  waitForResponses(count: number, timeoutMs: number): Promise<boolean> {
    return this.until(() => this.reader.responses.length >= count, timeoutMs);
  }

  /** Waits until the server ends the connection. */
  waitForEnd(timeoutMs: number): Promise<boolean> {
    return this.until(() => this.end !== null, timeoutMs);
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  #over(end: 'fin' | 'reset'): void {
    if (this.end !== null) return;
    this.end = end;
    this.reader.end();
    this.#changed?.();
  }
}
