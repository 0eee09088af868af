// The client's end of the framed transport (test/native/framed_transport.h): a socket to write to and read from, with
// frames underneath. It waits for an ACK before it sends more than eight frames.

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export const HELLO = 1;
export const DATA = 2;
const ACK = 3;
const END = 4;

const HEAD_BYTES = 3;
const MAX_PAYLOAD_BYTES = 16_384;
const FRAMES_PER_ACK = 4;
const MAX_UNACKNOWLEDGED = 8;
/** Every data byte is XORed with it, so that bytes which bypass the transport are detected. */
const MASK = 0xa5;

/** One frame with its head. */
export function frame(type: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + payload.length);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt16BE(payload.length, 1);
  for (const [at, byte] of payload.entries()) bytes[HEAD_BYTES + at] = byte ^ MASK;
  return bytes;
}

export class FramedSocket extends Duplex {
  readonly #raw: Socket;
  /** Received bytes of an incomplete frame. */
  #received: Buffer = Buffer.alloc(0);
  #unacknowledged = 0;
  #peerEnded = false;
  /** Frames that wait for an ACK. */
  #waiting: Buffer[] = [];
  #written: ((error?: Error | null) => void) | null = null;

  /** `raw`: a socket that is about to connect. */
  constructor(raw: Socket) {
    super({ allowHalfOpen: true });
    this.#raw = raw;
    raw.once('connect', () => raw.write(frame(HELLO), () => this.emit('connect')));
    raw.on('data', (bytes) => this.#receive(bytes));
    raw.on('end', () => {
      if (!this.#peerEnded) this.destroy(new Error('the stream was cut'));
    });
    raw.on('error', (error) => this.destroy(error));
    raw.on('close', () => this.destroy());
  }

  get localPort(): number | undefined {
    return this.#raw.localPort;
  }

  resetAndDestroy(): void {
    this.#raw.resetAndDestroy();
    this.destroy();
  }

  /** Pushes bytes at once, without reading ahead. */
  override pause(): this {
    this.#raw.pause();
    return super.pause();
  }

  override resume(): this {
    this.#raw.resume();
    return super.resume();
  }

  override _read(): void {
    this.#raw.resume();
  }

  override _write(chunk: Buffer, _encoding: string, written: (error?: Error | null) => void): void {
    for (let at = 0; at < chunk.length; at += MAX_PAYLOAD_BYTES) {
      this.#waiting.push(frame(DATA, chunk.subarray(at, at + MAX_PAYLOAD_BYTES)));
    }
    if (this.#waiting.length === 0) {
      written();
      return;
    }
    this.#written = written;
    this.#send();
  }

  override _final(ended: () => void): void {
    this.#raw.write(frame(END));
    this.#raw.end(ended);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#raw.destroy();
    done(error);
  }

  #send(): void {
    while (this.#waiting.length > 0 && (this.#unacknowledged < MAX_UNACKNOWLEDGED || this.#peerEnded)) {
      this.#unacknowledged++;
      const isLast = this.#waiting.length === 1;
      this.#raw.write(this.#waiting.shift() ?? '', isLast ? (error) => this.#wrote(error) : undefined);
    }
  }

  #wrote(error?: Error | null): void {
    const written = this.#written;
    this.#written = null;
    written?.(error);
  }

  #receive(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    while (this.#received.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + this.#received.readUInt16BE(1);
      if (this.#received.length < end) return;
      this.#take(this.#received[0] ?? 0, this.#received.subarray(HEAD_BYTES, end));
      this.#received = this.#received.subarray(end);
    }
  }

  #take(type: number, payload: Buffer): void {
    if (type === DATA) {
      if (!this.push(payload.map((byte) => byte ^ MASK))) this.#raw.pause();
    } else if (type === END) {
      this.#peerEnded = true;
      this.push(null);
      this.#send();
    } else if (type === ACK) {
      this.#unacknowledged -= FRAMES_PER_ACK;
      this.#send();
    } else if (type !== HELLO) {
      this.destroy(new Error(`a frame of type ${type}`));
    }
  }
}
