// The clients beside those of the load generator, all sockets of this process. Idle clients send one request and keep
// their connection open. Slow clients read slowly. One more client sends requests during the measurement and compares
// every response.

import { connect, type Socket } from 'node:net';
import { FIXED_QUERY, type ResponseName, TARGETS } from './contender.ts';
import { pause } from './program.ts';

/**
 * Clients that connect at the same time. A server that serves one client at a time has to reject that many later. A
 * server that starts a process for each client starts that many at once.
 */
const CONCURRENT_CONNECTS = 8;

/** Connections for each local address, of which 127.0.0.0/8 has enough: an address has 28,000 ephemeral ports. */
const CONNECTIONS_PER_ADDRESS = 2_500;

/** A slow client reads this many bytes in each interval. */
const SLOW_BYTES = 4_096;
const SLOW_MS = 50;
/** Requests that a slow client sends at once: their responses are larger than the socket buffers. */
const SLOW_REQUESTS = 16;

/** The pause between two checked responses. */
const CHECK_MS = 10;

/** Longer than any window: a request that is still waiting when the window ends is not counted. */
const CHECK_LIMIT_MS = 60_000;

/** The result for a response with status 503, with which a server may reject a client too many. */
const REJECTED = 'the server rejects clients';

/** What a response has to be. */
export interface Expected {
  readonly response: ResponseName;
  /** The server returns the text of the fixed query whatever the query is. */
  readonly isFixed: boolean;
  /** The content of the two files. */
  readonly kib: Buffer;
  readonly mib: Buffer;
}

export interface Checked {
  readonly checked: number;
  readonly wrong: number;
  /** The first wrong response, or empty. */
  readonly example: string;
}

export class BackgroundClients {
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #opened = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /**
   * Opens connections that send one request and then stay idle. It gives up when no further response arrives within
   * `stallMs`. Returns the number of connections that got a response.
   */
  async hold(count: number, expected: Expected, stallMs: number, signal: AbortSignal): Promise<number> {
    let held = 0;
    let next = 0;
    let lastMs = Date.now();
    const isStalled = (): boolean => Date.now() - lastMs > stallMs;
    const one = async (): Promise<void> => {
      while (next < count && !isStalled() && !signal.aborted) {
        const query = `n=${next++}`;
        const client = await this.#client();
        const problem = client === null ? null : await request(client, expected, query, stallMs + lastMs - Date.now());
        if (problem !== '') return;
        held++;
        lastMs = Date.now();
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENT_CONNECTS, count) }, one));
    signal.throwIfAborted();
    return held;
  }

  /** Opens clients that request 1 MiB repeatedly and read it slowly. */
  async readSlowly(count: number): Promise<void> {
    const requests = requestFor(TARGETS.mib, true).repeat(SLOW_REQUESTS);
    for (let i = 0; i < count; i++) {
      const socket = await this.#client();
      if (socket === null) continue;
      socket.write(requests);
      // A `readable` listener stops the stream from flowing: `read` takes in only as many bytes as it returns.
      socket.on('readable', () => {});
      const timer = setInterval(() => socket.read(Math.min(SLOW_BYTES, socket.readableLength)), SLOW_MS);
      socket.on('close', () => clearInterval(timer));
    }
  }

  /** Compares one response byte for byte. Returns an empty string if it is right, otherwise what is wrong. */
  async checkOnce(expected: Expected, limitMs: number): Promise<string> {
    const socket = await this.#client();
    if (socket === null) return REJECTED;
    const problem = await request(socket, expected, `n=${Date.now()}`, limitMs);
    socket.resetAndDestroy();
    return problem === null ? `no response within ${limitMs} ms` : problem;
  }

  /** Sends requests and compares the responses until `stop`. A request that gets no response is not counted. */
  check(expected: Expected, keepAlive: boolean): { stop(): Promise<Checked> } {
    const until = new AbortController();
    const checking = this.#check(expected, keepAlive, until.signal);
    return {
      stop: () => {
        until.abort();
        return checking;
      },
    };
  }

  async #check(expected: Expected, keepAlive: boolean, signal: AbortSignal): Promise<Checked> {
    let checked = 0;
    let wrong = 0;
    let example = '';
    let socket: Socket | null = null;
    while (!signal.aborted) {
      socket ??= await this.#client();
      const problem: string | null =
        socket === null ? REJECTED : await request(socket, expected, `n=${checked * 7_919}`, CHECK_LIMIT_MS, signal);
      if (problem === null) break;
      if (problem !== REJECTED) checked++;
      if (problem !== REJECTED && problem !== '') {
        wrong++;
        example ||= problem;
      }
      if (problem !== '' || !keepAlive) {
        socket?.resetAndDestroy();
        socket = null;
      }
      await pause(CHECK_MS, signal).catch(() => {});
    }
    socket?.resetAndDestroy();
    return { checked, wrong, example };
  }

  /** Resets every connection, so that no port stays in TIME_WAIT. */
  resetAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async #client(): Promise<Socket | null> {
    const localAddress = `127.0.0.${2 + (Math.floor(this.#opened++ / CONNECTIONS_PER_ADDRESS) % 200)}`;
    const socket = connect({ port: this.#port, host: '127.0.0.1', localAddress });
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return new Promise((resolve) => {
      socket.once('connect', () => resolve(socket));
      socket.once('error', () => resolve(null));
      // A later error shows in the bytes that were received.
      socket.on('error', () => {});
    });
  }
}

function requestFor(target: string, keepAlive: boolean): string {
  return `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${keepAlive ? '' : 'Connection: close\r\n'}\r\n`;
}

/** Returns an empty string for the right response, null for none in time, otherwise what is wrong with it. */
async function request(
  socket: Socket,
  expected: Expected,
  query: string,
  limitMs: number,
  signal?: AbortSignal,
): Promise<string | null> {
  const { response, isFixed } = expected;
  const target = response === 'text' ? `${TARGETS.text}?${isFixed ? FIXED_QUERY : query}` : TARGETS[response];
  const content = contentFor(expected, query);
  socket.write(requestFor(target, true));
  const bytes = await receive(socket, limitMs, signal);
  if (bytes === null) return null;
  const end = bytes.indexOf('\r\n\r\n');
  const head = bytes.toString('latin1', 0, Math.max(end, 0));
  if (head.startsWith('HTTP/1.1 503 ')) return REJECTED;
  const isRight =
    head.startsWith('HTTP/1.1 200 ') && (content === null || (end >= 0 && bytes.subarray(end + 4).equals(content)));
  return isRight ? '' : `wrong response to ${target}: ${JSON.stringify(bytes.toString('latin1', 0, 200))}`;
}

/** Null: any content is right, since the result of the computation is not known here. */
function contentFor({ response, isFixed, kib, mib }: Expected, query: string): Buffer | null {
  if (response === 'text') return Buffer.from(isFixed ? FIXED_QUERY : query);
  if (response === 'sleep') return Buffer.from('slept\n');
  return response === 'burn' ? null : response === 'kib' ? kib : mib;
}

/**
 * Resolves to a head and as many bytes as it announces, or to the bytes until the connection closed; null if it is
 * late.
 */
function receive(socket: Socket, limitMs: number, signal: AbortSignal | undefined): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    /** The length of the whole response; 0 while its head is incomplete. */
    let announced = 0;
    let tail = Buffer.alloc(0);
    const finish = (isWhole: boolean): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose);
      signal?.removeEventListener('abort', onLate);
      resolve(isWhole ? Buffer.concat(pieces) : null);
    };
    const onLate = (): void => finish(false);
    const onClose = (): void => finish(true);
    const onData = (piece: Buffer): void => {
      pieces.push(piece);
      bytes += piece.length;
      if (announced === 0) {
        // The empty line may be split between two chunks, so the last three bytes are searched again.
        tail = Buffer.concat([tail.subarray(-3), piece]);
        if (tail.includes('\r\n\r\n')) announced = wholeLength(Buffer.concat(pieces));
      }
      if (announced > 0 && bytes >= announced) finish(true);
    };
    const timer = setTimeout(onLate, Math.max(limitMs, 1));
    socket.on('data', onData).on('close', onClose);
    if (socket.destroyed) onClose();
    signal?.addEventListener('abort', onLate, { once: true });
  });
}

/** The length of a response whose head is complete. */
function wholeLength(bytes: Buffer): number {
  const end = bytes.indexOf('\r\n\r\n');
  return end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, end))?.[1] ?? 0);
}
