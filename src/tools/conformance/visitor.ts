// One connection to the server that is examined: sends what it is told, reads what comes, and never waits
// longer than it is told. It must not know cases.

import { connect, type Socket } from 'node:net';
import { EpollServerError } from '../../errors.ts';
import { type KnownRequests, StrictAnswerReader } from './answers.ts';

/** Where the server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export class Visitor {
  readonly reader: StrictAnswerReader;
  /** How the server ended the connection: null while it has not. */
  end: 'fin' | 'reset' | null = null;
  readonly #socket: Socket;
  #changed: (() => void) | null = null;

  private constructor(socket: Socket, asked: KnownRequests) {
    this.#socket = socket;
    this.reader = new StrictAnswerReader(asked);
    socket.on('data', (bytes) => {
      this.reader.receive(bytes);
      this.#changed?.();
    });
    socket.on('end', () => this.#over('fin'));
    socket.on('error', () => this.#over('reset'));
    socket.on('close', () => this.#over('reset'));
  }

  /** @throws EpollServerError `ERR_TARGET` when nobody answers there. */
  static open(address: Address, asked: KnownRequests, timeoutMs: number): Promise<Visitor> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...address, allowHalfOpen: true, noDelay: true });
      const fail = (why: string): void => {
        clearTimeout(timer);
        socket.destroy();
        const where = `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
        reject(new EpollServerError('ERR_TARGET', `${where} cannot be reached: ${why}`));
      };
      const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
      socket.once('error', (error) => fail(error.message));
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.removeAllListeners('error');
        resolve(new Visitor(socket, asked));
      });
    });
  }

  /** Latin-1. Nothing happens once the server has ended. */
  send(text: string): void {
    if (this.end !== 'reset' && !this.#socket.writableEnded) this.#socket.write(text, 'latin1');
  }

  /** Sends FIN. */
  finish(): void {
    this.#socket.end();
  }

  /** Waits until `condition` holds, the server ends, or the time is up. Returns whether it holds. */
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

  /** Waits for this many final answers. */
  answers(count: number, timeoutMs: number): Promise<boolean> {
    return this.until(() => this.reader.answers.length >= count, timeoutMs);
  }

  /** Waits for the server's end. */
  ended(timeoutMs: number): Promise<boolean> {
    return this.until(() => this.end !== null, timeoutMs);
  }

  leave(): void {
    this.#socket.resetAndDestroy();
  }

  #over(end: 'fin' | 'reset'): void {
    if (this.end !== null) return;
    this.end = end;
    this.reader.end();
    this.#changed?.();
  }
}
