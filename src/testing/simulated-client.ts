// A client of the simulated kernel. It sends on demand, reads at a given rate, and disconnects in every way of a real
// client. Everything takes time on the virtual clock.

import { ByteQueue } from './byte-queue.ts';
import { dataFrames, END, FrameReader, frame, HELLO } from './frame-reader.ts';
import type { ClientEnd, SimulatedSocket } from './simulated-socket.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** How a client reads: at once, or `bytes` every `everyMs`. */
export interface ReadRate {
  /** Bytes per read. */
  readonly bytes: number;
  /** Virtual milliseconds between two reads. */
  readonly everyMs: number;
}

/** Bytes per read without a rate. */
const MAX_READ_BYTES = 65_536;

/** A client of a simulated server. Its bytes arrive after the latency, while the server runs. */
export class SimulatedClient implements ClientEnd {
  /** Called with received bytes; without it, {@link received} grows. */
  onBytes: ((bytes: Buffer) => void) | null = null;
  /** Called once, when the connection has ended for this client. */
  onEnd: ((end: 'fin' | 'reset') => void) | null = null;
  /** How the server's side ended; null: it has not. */
  end: 'fin' | 'reset' | null = null;
  /** Null: unlimited. A handshake that was begun is read at once. */
  readRate: ReadRate | null = null;
  readonly #clock: VirtualClock;
  readonly #latencyMs: number;
  #socket: SimulatedSocket | null = null;
  readonly #waiting = new ByteQueue();
  /** What {@link received} joins. */
  #pieces: Buffer[] = [];
  #finished = false;
  #finArrived = false;
  #gone = false;
  #paused = false;
  #readPlanned = false;
  /** Parses frames; null: bytes are sent and read without framing. */
  readonly #frames: FrameReader | null;
  /** What is sent after the handshake, the end included; null: there is none, or it is over. */
  #afterHandshake: (() => void)[] | null = null;
  /** The latest arrival time so far: later bytes never arrive earlier. */
  #lastArrivalMs = 0;

  /** `latencyMs`: the delay in each direction. `isFramed`: the server uses a transport. */
  constructor(clock: VirtualClock, latencyMs: number, isFramed = false) {
    this.#frames = isFramed ? new FrameReader() : null;
    this.#clock = clock;
    this.#latencyMs = latencyMs;
  }

  /** The bytes received so far that no {@link onBytes} consumed. */
  get received(): Buffer {
    const [only] = this.#pieces;
    if (only !== undefined && this.#pieces.length === 1) return only;
    const joined = Buffer.concat(this.#pieces);
    this.#pieces = [joined];
    return joined;
  }

  /** The server's end of the connection, for inspection. */
  get socket(): SimulatedSocket {
    if (this.#socket === null) throw new Error('this client is not connected');
    return this.#socket;
  }

  /** Whether the connection has ended for this client, by either side. */
  get isOver(): boolean {
    return this.end !== null || this.#gone;
  }

  /** Called once by the kernel. */
  connected(socket: SimulatedSocket): void {
    this.#socket = socket;
  }

  /** Begins the handshake of an encrypted connection. What is sent before its end follows it. */
  beginHandshake(): this {
    this.#afterHandshake = [];
    return this.sendWire(frame(HELLO));
  }

  /** The server has ended its output in the way of its transport. */
  get isEndAnnounced(): boolean {
    return this.#frames?.hasEnd === true;
  }

  /** Sends; strings as Latin-1. */
  send(bytes: string | Uint8Array): this {
    if (this.#finished || this.isOver) return this;
    const copy = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
    const wire = this.#frames === null ? copy : Buffer.concat([...dataFrames(copy)]);
    if (this.#afterHandshake === null) return this.sendWire(wire);
    this.#afterHandshake.push(() => this.sendWire(wire));
    return this;
  }

  /** Sends bytes as they are, without framing. */
  sendWire(wire: Uint8Array): this {
    if (this.isOver) return this;
    this.#arriveLater(() => {
      this.#waiting.push(wire);
      this.roomForMore();
    });
    return this;
  }

  /** Sends FIN behind all sent bytes; reading continues. */
  finish(): this {
    if (this.#finished || this.isOver) return this;
    this.#finished = true;
    if (this.#afterHandshake === null) this.#finishLater(true);
    else this.#afterHandshake.push(() => this.#finishLater(true));
    return this;
  }

  /** Sends FIN without the transport's own end. */
  cutOff(): void {
    this.#finished = true;
    this.#finishLater(false);
  }

  #finishLater(isAnnounced: boolean): void {
    this.#arriveLater(() => {
      if (isAnnounced && this.#frames?.hasHello === true) this.#waiting.push(frame(END));
      this.#finArrived = true;
      this.roomForMore();
    });
  }

  /** Sends RST: unread bytes on either side are lost. */
  reset(): void {
    if (this.isOver) return;
    this.#gone = true;
    this.#arriveLater(() => {
      this.#waiting.clear();
      this.socket.fail();
    });
  }

  /** Stops reading, so that the server's output accumulates; a handshake that was begun is finished first. */
  pauseReading(): void {
    if (this.#afterHandshake === null) this.#paused = true;
    else this.#afterHandshake.push(() => this.pauseReading());
  }

  /** Reads the output that has accumulated, and continues reading. */
  resumeReading(): void {
    this.#paused = false;
    this.readable();
  }

  // ---- Events of the server's end -----------------------------------------------------------------

  get waitingBytes(): number {
    return this.#waiting.length;
  }

  roomForMore(): void {
    const { socket } = this;
    if (this.#gone && this.#waiting.length === 0) return;
    const room = socket.isClosed ? this.#waiting.length : socket.receiveCapacity - socket.inbound.length;
    if (this.#waiting.length > 0 && room > 0) {
      const bytes = new Uint8Array(Math.min(room, this.#waiting.length));
      this.#waiting.take(bytes);
      socket.arrive(bytes, this.#clock.nowMs);
    }
    if (this.#finArrived && this.#waiting.length === 0) {
      this.#finArrived = false;
      socket.arriveEnd();
    }
  }

  readable(): void {
    if (this.#readPlanned || this.#paused || this.isOver) return;
    this.#readPlanned = true;
    this.#clock.after(this.#currentRate?.everyMs ?? this.#latencyMs, () => this.#read());
  }

  wasReset(): void {
    this.#waiting.clear();
    if (this.isOver) return;
    this.#endWith('reset');
  }

  get #currentRate(): ReadRate | null {
    return this.#afterHandshake === null ? this.readRate : null;
  }

  #read(): void {
    this.#readPlanned = false;
    if (this.#paused || this.isOver) return;
    const { socket } = this;
    const count = Math.min(socket.outbound.length, this.#currentRate?.bytes ?? MAX_READ_BYTES);
    if (count > 0) {
      const bytes = Buffer.alloc(count);
      socket.outbound.take(bytes);
      socket.clientRead();
      this.#take(this.#frames === null ? bytes : this.#frames.read(bytes));
      if (this.#frames?.hasHello === true) this.#continue();
    }
    if (socket.outbound.length > 0) this.readable();
    else if (socket.outboundEnded && !this.isOver) this.#endWith('fin');
  }

  /** The handshake is over. */
  #continue(): void {
    const sends = this.#afterHandshake ?? [];
    this.#afterHandshake = null;
    for (const send of sends) send();
  }

  #take(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.onBytes === null) this.#pieces.push(bytes);
    else this.onBytes(bytes);
  }

  #endWith(end: 'fin' | 'reset'): void {
    this.end = end;
    this.onEnd?.(end);
  }

  #arriveLater(call: () => void): void {
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#clock.nowMs + this.#latencyMs);
    this.#clock.after(this.#lastArrivalMs - this.#clock.nowMs, call);
  }
}
