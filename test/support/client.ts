// A TCP client that sends exactly the given bytes and records the received ones.

import { connect as connectSocket, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type Answer, parseResponse } from './response.ts';

/** How the server ended a connection: by FIN, or by RST. */
export type End = 'fin' | 'reset';

export class Client {
  readonly socket: Socket;
  /** Grows by doubling. Earlier slices stay valid, because no byte is written twice. */
  #store = Buffer.allocUnsafeSlow(4_096);
  #from = 0;
  #to = 0;
  #end: End | null = null;
  #watchers: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.#keep(bytes);
      this.#changed();
    });
    socket.on('end', () => this.#ended('fin'));
    socket.on('error', () => this.#ended('reset'));
    socket.on('close', () => this.#ended('reset'));
  }

  /** Received bytes that were not read yet. */
  get received(): Buffer {
    return this.#store.subarray(this.#from, this.#to);
  }

  get localPort(): number {
    return this.socket.localPort ?? 0;
  }

  /** Whether the server has ended the connection. */
  get isOver(): boolean {
    return this.#end !== null;
  }

  /** Strings are sent as Latin-1. */
  send(bytes: string | Uint8Array): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /** Sends FIN; the client still reads. */
  finish(): this {
    this.socket.end();
    return this;
  }

  /** Sends RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Waits until the system has accepted all bytes sent so far. */
  flushed(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write('', (error) => (error == null ? resolve() : reject(error)));
    });
  }

  /** Everything up to and with `marker`. */
  readUntil(marker: string): Promise<string> {
    return this.#until(() => {
      const at = this.received.indexOf(marker, 0, 'latin1');
      return at < 0 ? undefined : this.#take(at + marker.length).toString('latin1');
    }, JSON.stringify(marker));
  }

  /** The next complete response. */
  readResponse(options: { readonly head?: boolean } = {}): Promise<Answer> {
    return this.#until(() => {
      const parsed = parseResponse(this.received, options.head === true, this.#end === 'fin');
      if (parsed !== undefined) this.#take(parsed.length);
      return parsed?.answer;
    }, 'a response');
  }

  /** Waits for `count` bytes. */
  readBytes(count: number): Promise<Buffer> {
    return this.#until(() => (this.received.length < count ? undefined : this.#take(count)), `${count} bytes`);
  }

  /** Waits for the end of the connection; earlier bytes stay readable. */
  async closed(): Promise<End> {
    while (this.#end === null) await this.#change();
    return this.#end;
  }

  /** Everything until the server's FIN. */
  async readAll(): Promise<Buffer> {
    const end = await this.closed();
    if (end === 'reset') throw new Error(`the connection was reset after ${this.received.length} bytes`);
    return this.#take(this.received.length);
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #until<T>(attempt: () => T | undefined, what: string): Promise<T> {
    for (;;) {
      const found = attempt();
      if (found !== undefined) return found;
      if (this.#end !== null) {
        const got = JSON.stringify(this.received.toString('latin1', 0, 300));
        throw new Error(`the connection ended (${this.#end}) before ${what}: ${got}`);
      }
      await this.#change();
    }
  }

  #take(count: number): Buffer {
    this.#from += count;
    return this.#store.subarray(this.#from - count, this.#from);
  }

  #keep(bytes: Buffer): void {
    if (this.#to + bytes.length > this.#store.length) {
      const waiting = this.received;
      this.#store = Buffer.allocUnsafeSlow((waiting.length + bytes.length) * 2);
      this.#to = waiting.copy(this.#store);
      this.#from = 0;
    }
    this.#to += bytes.copy(this.#store, this.#to);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  #changed(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }

  #ended(end: End): void {
    this.#end ??= end;
    this.#changed();
  }
}

/** Connects, from `localAddress` if it is given; the test's end disconnects. */
export async function connect(port: number, host = '127.0.0.1', localAddress?: string): Promise<Client> {
  const from = localAddress === undefined ? {} : { localAddress };
  return connected(connectSocket({ port, host, ...from, allowHalfOpen: true, noDelay: true }));
}

/** Connects to a Unix domain socket; the test's end disconnects. */
export async function connectUnix(path: string): Promise<Client> {
  return connected(connectSocket({ path, allowHalfOpen: true }));
}

/** The client of a socket that is connected already; the test's end disconnects. */
export function adopted(socket: Socket): Client {
  const client = new Client(socket);
  onTestFinished(() => client.destroy());
  return client;
}

async function connected(socket: Socket): Promise<Client> {
  const client = adopted(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return client;
}

/** Sends one request on a connection of its own and reads the response. */
export async function ask(
  port: number,
  request: string | Uint8Array,
  options: { readonly head?: boolean } = {},
): Promise<Answer> {
  const client = await connect(port);
  const answer = await client.send(request).readResponse(options);
  client.destroy();
  return answer;
}

/** A GET with a Host field and the given field lines. */
export function get(target: string, ...lines: readonly string[]): string {
  return `GET ${target} HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

/** A POST with a body of known length. */
export function post(target: string, body: string, ...lines: readonly string[]): string {
  const extra = lines.map((line) => `${line}\r\n`).join('');
  return `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${Buffer.byteLength(body, 'latin1')}\r\n${extra}\r\n${body}`;
}
