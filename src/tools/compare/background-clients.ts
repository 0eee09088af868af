// The clients beside those of the load: idle ones that asked once and hold their connection, slow readers, and one
// that asks while the others do and compares every answer. All of them are sockets of this process.

import { connect, type Socket } from 'node:net';
import { type AnswerName, FIXED_QUERY, TARGETS } from './contender.ts';
import { pause } from './program.ts';

/**
 * Clients that come at the same time. A server that takes one at a time has that many to turn away later, and one that
 * starts a process for each starts so many at once.
 */
const AT_ONCE = 8;

/** Each address of this machine's loopback network has 28,000 ports of its own. */
const PER_ADDRESS = 2_500;

/** A slow reader takes this much, this often. */
const SLOW_BYTES = 4_096;
const SLOW_MS = 50;
/** It asks for this many at once, more than sockets have buffers for. */
const SLOW_REQUESTS = 16;

/** Between two checked answers. */
const CHECK_MS = 10;

/** Longer than any window: who is not served until it closes is not counted. */
const CHECK_LIMIT_MS = 60_000;

/** What a server may say to one client too many. */
const REFUSED = 'it refuses clients';

/** What one answer must be. */
export interface Expected {
  readonly answer: AnswerName;
  /** The server gives the text of the fixed query whatever is asked. */
  readonly isFixed: boolean;
  /** Of the files. */
  readonly kib: Buffer;
  readonly mib: Buffer;
}

export interface Checked {
  readonly checked: number;
  readonly wrong: number;
  /** The first answer that was wrong. */
  readonly example: string;
}

export class BackgroundClients {
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #came = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /**
   * Opens connections that ask once and then hold; gives up when no more is answered for `stallMs`.
   * Returns how many were answered.
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
        const answer = client === null ? null : await ask(client, expected, query, stallMs + lastMs - Date.now());
        if (answer !== '') return;
        held++;
        lastMs = Date.now();
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, one));
    signal.throwIfAborted();
    return held;
  }

  /** Clients that ask for 1 MiB again and again, and take it slowly. */
  async slow(count: number): Promise<void> {
    const request = requestFor(TARGETS.mib, true).repeat(SLOW_REQUESTS);
    for (let i = 0; i < count; i++) {
      const socket = await this.#client();
      if (socket === null) continue;
      socket.write(request);
      // Who listens to `readable` is sent nothing by itself: `read` lets in as much as it takes out.
      socket.on('readable', () => {});
      const timer = setInterval(() => socket.read(Math.min(SLOW_BYTES, socket.readableLength)), SLOW_MS);
      socket.on('close', () => clearInterval(timer));
    }
  }

  /** One answer, compared byte for byte: empty when it is right, otherwise what is wrong. */
  async prove(expected: Expected, limitMs: number): Promise<string> {
    const socket = await this.#client();
    if (socket === null) return REFUSED;
    const problem = await ask(socket, expected, `n=${Date.now()}`, limitMs);
    socket.resetAndDestroy();
    return problem === null ? `nothing came within ${limitMs} ms` : problem;
  }

  /** Asks and compares until `stop`. Who is never served is not counted. */
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
        socket === null ? REFUSED : await ask(socket, expected, `n=${checked * 7_919}`, CHECK_LIMIT_MS, signal);
      if (problem === null) break;
      if (problem !== REFUSED) checked++;
      if (problem !== REFUSED && problem !== '') {
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

  /** Everyone leaves: with a reset, which keeps no port waiting. */
  release(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async #client(): Promise<Socket | null> {
    const localAddress = `127.0.0.${2 + (Math.floor(this.#came++ / PER_ADDRESS) % 200)}`;
    const socket = connect({ port: this.#port, host: '127.0.0.1', localAddress });
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return new Promise((resolve) => {
      socket.once('connect', () => resolve(socket));
      socket.once('error', () => resolve(null));
      // Whatever befalls it later shows in what it receives.
      socket.on('error', () => {});
    });
  }
}

function requestFor(target: string, keepAlive: boolean): string {
  return `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${keepAlive ? '' : 'Connection: close\r\n'}\r\n`;
}

/** Empty: the right answer came; null: none came in time; otherwise what is wrong with it. */
async function ask(
  socket: Socket,
  expected: Expected,
  query: string,
  limitMs: number,
  signal?: AbortSignal,
): Promise<string | null> {
  const { answer, isFixed } = expected;
  const target = answer === 'text' ? `${TARGETS.text}?${isFixed ? FIXED_QUERY : query}` : TARGETS[answer];
  const content = contentFor(expected, query);
  socket.write(requestFor(target, true));
  const bytes = await receive(socket, limitMs, signal);
  if (bytes === null) return null;
  const end = bytes.indexOf('\r\n\r\n');
  const head = bytes.toString('latin1', 0, Math.max(end, 0));
  if (head.startsWith('HTTP/1.1 503 ')) return REFUSED;
  const isRight =
    head.startsWith('HTTP/1.1 200 ') && (content === null || (end >= 0 && bytes.subarray(end + 4).equals(content)));
  return isRight ? '' : `wrong answer to ${target}: ${JSON.stringify(bytes.toString('latin1', 0, 200))}`;
}

/** Null: any content is right, since nobody knows what the work comes to. */
function contentFor({ answer, isFixed, kib, mib }: Expected, query: string): Buffer | null {
  if (answer === 'text') return Buffer.from(isFixed ? FIXED_QUERY : query);
  if (answer === 'sleep') return Buffer.from('slept\n');
  return answer === 'burn' ? null : answer === 'kib' ? kib : mib;
}

/** A head and as many bytes as it announces, or what came until the end; null: too late. */
function receive(socket: Socket, limitMs: number, signal: AbortSignal | undefined): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    /** Of the whole answer; 0: its head has not ended. */
    let announced = 0;
    let tail = Buffer.alloc(0);
    const settle = (isWhole: boolean): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose);
      signal?.removeEventListener('abort', onLate);
      resolve(isWhole ? Buffer.concat(pieces) : null);
    };
    const onLate = (): void => settle(false);
    const onClose = (): void => settle(true);
    const onData = (piece: Buffer): void => {
      pieces.push(piece);
      bytes += piece.length;
      if (announced === 0) {
        // The head's end may be cut, but only its end: what was searched is not searched again.
        tail = Buffer.concat([tail.subarray(-3), piece]);
        if (tail.includes('\r\n\r\n')) announced = wholeLength(Buffer.concat(pieces));
      }
      if (announced > 0 && bytes >= announced) settle(true);
    };
    const timer = setTimeout(onLate, Math.max(limitMs, 1));
    socket.on('data', onData).on('close', onClose);
    if (socket.destroyed) onClose();
    signal?.addEventListener('abort', onLate, { once: true });
  });
}

/** Bytes of the answer whose head is there. */
function wholeLength(bytes: Buffer): number {
  const end = bytes.indexOf('\r\n\r\n');
  return end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, end))?.[1] ?? 0);
}
