// A transport between a simulated socket and the kernel's calls, after the contract in native/transport.h. Frames are
// delivered when they are complete; an ACK follows every fourth frame, and nothing more is read before it is sent. An
// encrypted one has the states of TLS: a handshake before, plaintext instead of it, and an end that must be announced.

import { EAGAIN, ECONNRESET, EINTR, EPIPE, EPROTO } from '../kernel/errno.ts';
import { READABLE, WRITABLE } from '../kernel/kernel.ts';
import { ACK, dataFrames, END, FRAME_HEAD_BYTES, frame, frameBytes, HELLO } from './frame-reader.ts';

const FRAMES_PER_ACK = 4;

/** A request begins with a letter, and no frame does. */
const FIRST_LETTER = 0x41;

/** Bytes that one receive reads from the socket. */
const WIRE_BYTES = 2_048;

/** The socket below: each call returns a count or -errno. */
export interface Wire {
  readonly receive: (target: Uint8Array) => number;
  readonly send: (bytes: Uint8Array) => number;
  readonly shutdown: () => number;
}

/** Only an encrypted transport is not open from the beginning. */
type Stage = 'begins' | 'handshaking' | 'plaintext' | 'open';

export class SimulatedTransport {
  /** Bytes of the wire that the socket accepted. */
  wireSentBytes = 0;
  readonly #wire: Wire;
  /** The readiness for which the last receive and the last send wait; 0: none. */
  #receiveAwaits = READABLE;
  #sendAwaits = 0;
  #in: Buffer = Buffer.alloc(0);
  /** The undelivered payload of the current frame, at the beginning of the input. */
  #payloadLeft = 0;
  #out: Buffer = Buffer.alloc(0);
  /** Bytes in `#out` that the caller will pass again. */
  #countedLater = 0;
  #unacknowledged = 0;
  /** Whether `#out` has to be sent before anything is read. */
  #writesFirst = false;
  #peerEnded = false;
  #endReported = false;
  #ended = false;
  #isShut = false;
  #error = 0;
  /** Whether a handshake may begin in this wait; null: the transport does not encrypt. */
  readonly #mayBegin: (() => boolean) | null;
  #stage: Stage;

  constructor(wire: Wire, mayBegin: (() => boolean) | null) {
    this.#wire = wire;
    this.#mayBegin = mayBegin;
    this.#stage = mayBegin === null ? 'open' : 'begins';
  }

  /** Whether a handshake is over. */
  get isSecure(): boolean {
    return this.#mayBegin !== null && this.#stage === 'open';
  }

  /** Whether a receive can succeed without an event of the socket. */
  get holdsInput(): boolean {
    if (this.#error !== 0) return true;
    if (this.#peerEnded && this.#payloadLeft === 0) return !this.#endReported;
    return !this.#writesFirst && (this.#payloadLeft > 0 || frameBytes(this.#in) > 0);
  }

  /** Whether the caller has to wait for an event before it receives. */
  get receiveWaits(): boolean {
    return this.#receiveAwaits !== 0;
  }

  /** Whether the socket has not accepted all bytes of the wire. */
  get hasPendingOutput(): boolean {
    return this.#error === 0 && this.#out.length > 0;
  }

  /** Whether the server has ended its output; FIN may still be pending. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** Converts the readiness of the socket to that of the transport. */
  report(readiness: number): number {
    if (this.#out.length > 0 && (readiness & WRITABLE) !== 0) this.#flush();
    const canReceive = this.receiveWaits && this.holdsInput;
    let reported = readiness;
    if (canReceive || (readiness & this.#receiveAwaits) !== 0) reported |= READABLE;
    if ((readiness & this.#sendAwaits) !== 0) reported |= WRITABLE;
    if ((reported & READABLE) !== 0) this.#receiveAwaits = 0;
    if ((reported & WRITABLE) !== 0) this.#sendAwaits = 0;
    return reported;
  }

  receive(target: Uint8Array): number {
    let filled = 0;
    let status = 1;
    while (filled < target.length) {
      status = this.#error !== 0 ? this.#error : this.#nextPayload();
      if (status <= 0) break;
      const count = Math.min(this.#payloadLeft, target.length - filled);
      target.set(this.#in.subarray(0, count), filled);
      this.#in = this.#in.subarray(count);
      this.#payloadLeft -= count;
      filled += count;
    }
    const isOver = status > 0 || (filled === 0 && status !== EAGAIN);
    this.#receiveAwaits = isOver ? 0 : this.#writesFirst ? WRITABLE : READABLE;
    if (filled > 0 || target.length === 0) return filled;
    if (status === 0) this.#endReported = true;
    return status;
  }

  send(bytes: Uint8Array): number {
    if (this.#ended) return EPIPE;
    if (this.#stage === 'begins' || this.#stage === 'handshaking') {
      this.#sendAwaits = READABLE;
      return this.#error !== 0 ? this.#error : EAGAIN;
    }
    let counted = 0;
    for (;;) {
      const status = this.#error !== 0 ? this.#error : this.#flush();
      this.#sendAwaits = status === 0 ? 0 : WRITABLE;
      if (status !== 0) return counted > 0 ? counted : status;
      const carried = Math.min(this.#countedLater, bytes.length - counted);
      counted += carried;
      this.#countedLater -= carried;
      if (counted === bytes.length) return counted;
      const rest = bytes.subarray(counted);
      const isPlain = this.#stage === 'plaintext';
      const [next = Buffer.alloc(0)] = isPlain ? [Buffer.from(rest)] : dataFrames(rest);
      this.#out = Buffer.concat([this.#out, next]);
      this.#countedLater = isPlain ? next.length : next.length - FRAME_HEAD_BYTES;
    }
  }

  /** Sends the end frame and then FIN; later, if the socket is full. */
  shutdown(): number {
    if (this.#error !== 0) return this.#error;
    if (!this.#ended && this.#stage === 'open') this.#out = Buffer.concat([this.#out, frame(END)]);
    this.#ended = true;
    const status = this.#flush();
    return status === EAGAIN ? 0 : status;
  }

  /** Advances to the next data byte. Returns 1 if there is one, 0 at the end, or -errno. */
  #nextPayload(): number {
    for (;;) {
      const status = this.#writesFirst ? this.#flush() : 0;
      if (status !== 0) return status;
      if (this.#payloadLeft > 0) return 1;
      if (this.#peerEnded) return 0;
      if (this.#stage !== 'open') {
        const begun = this.#begin();
        if (begun <= 0) return begun;
      } else if (frameBytes(this.#in) > 0) {
        this.#takeHead();
      } else {
        const received = this.#fill();
        if (received !== 0) return received;
      }
    }
  }

  /** Continues the handshake, or passes plaintext. Returns 1 if there is more to do, else as {@link #nextPayload}. */
  #begin(): number {
    if (this.#stage === 'begins' && this.#in.length > 0) {
      this.#stage = this.#in.readUInt8(0) >= FIRST_LETTER ? 'plaintext' : 'handshaking';
    }
    if (this.#stage === 'plaintext' && this.#in.length > 0) {
      this.#payloadLeft = this.#in.length;
      return 1;
    }
    if (this.#stage !== 'handshaking' || frameBytes(this.#in) === 0) {
      const received = this.#fill();
      return received !== 0 ? received : this.#peerEnded ? 0 : 1;
    }
    // The input is held until the next wait.
    if (this.#mayBegin?.() === false) return EAGAIN;
    if (this.#in[0] !== HELLO) {
      this.#error = EPROTO;
      return EPROTO;
    }
    this.#in = this.#in.subarray(frameBytes(this.#in));
    this.#out = Buffer.concat([this.#out, frame(HELLO)]);
    this.#stage = 'open';
    const flushed = this.#flush();
    return flushed === 0 || flushed === EAGAIN ? 1 : flushed;
  }

  #takeHead(): void {
    if (this.#in[0] === END) this.#peerEnded = true;
    else this.#payloadLeft = frameBytes(this.#in) - FRAME_HEAD_BYTES;
    this.#in = this.#in.subarray(FRAME_HEAD_BYTES);
    if (this.#peerEnded || ++this.#unacknowledged < FRAMES_PER_ACK) return;
    this.#unacknowledged = 0;
    // After the end frame the peer does not wait for an ACK.
    if (this.#ended) return;
    this.#out = Buffer.concat([this.#out, frame(ACK)]);
    this.#writesFirst = true;
  }

  /** Receives once: 0 when bytes or the end came. */
  #fill(): number {
    const bytes = Buffer.alloc(WIRE_BYTES);
    const count = untilDone(() => this.#wire.receive(bytes));
    if (count === EAGAIN) return EAGAIN;
    if (count < 0) this.#error = count;
    else if (count > 0) this.#in = Buffer.concat([this.#in, bytes.subarray(0, count)]);
    // Data may have been cut off before an end that was not announced.
    else if (this.#in.length > 0 || this.isSecure) this.#error = ECONNRESET;
    else this.#peerEnded = true;
    return this.#error;
  }

  /** 0 when the socket has accepted everything, otherwise the error. */
  #flush(): number {
    while (this.#out.length > 0) {
      const count = untilDone(() => this.#wire.send(this.#out));
      if (count === EAGAIN) return EAGAIN;
      if (count < 0) {
        this.#error = count;
        return count;
      }
      this.wireSentBytes += count;
      this.#out = this.#out.subarray(count);
    }
    this.#writesFirst = false;
    if (!this.#ended || this.#isShut) return 0;
    this.#isShut = true;
    return this.#wire.shutdown();
  }
}

/** Repeats a call that was interrupted. */
function untilDone(call: () => number): number {
  for (;;) {
    const result = call();
    if (result !== EINTR) return result;
  }
}
