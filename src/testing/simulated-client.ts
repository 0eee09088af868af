// A client of the simulated kernel: sends when it is told to, reads as fast as it is told to, and leaves in
// any way a real one can. Everything takes its time on the virtual clock.

import { ByteQueue } from './byte-queue.ts';
import { dataFrames, END, FrameReader, frame } from './frame-reader.ts';
import type { ClientEnd, SimulatedSocket } from './simulated-socket.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** How a client reads: at once, or `bytes` every `everyMs`. */
export interface ReadRate {
  readonly bytes: number;
  readonly everyMs: number;
}

/** Read at a time when there is no rate. */
const MAX_READ_BYTES = 65_536;

export class SimulatedClient implements ClientEnd {
  /** Called with what was read; without it, {@link received} grows. */
  onBytes: ((bytes: Buffer) => void) | null = null;
  /** Called once, when the connection ended for this client. */
  onEnd: ((end: 'fin' | 'reset') => void) | null = null;
  /** How the server's side ended; null while it has not. */
  end: 'fin' | 'reset' | null = null;
  /** Null: as fast as bytes come. */
  readRate: ReadRate | null = null;
  readonly #clock: VirtualClock;
  readonly #latencyMs: number;
  #socket: SimulatedSocket | null = null;
  readonly #waiting = new ByteQueue();
  #received: Buffer = Buffer.alloc(0);
  #finished = false;
  #finArrived = false;
  #gone = false;
  #paused = false;
  #readPlanned = false;
  /** Takes frames apart; null: bytes are sent and read as they are. */
  readonly #frames: FrameReader | null;
  /** Nothing overtakes what was sent before. */
  #lastArrivalMs = 0;

  /** `latencyMs`: how long bytes are on their way, in each direction. `isFramed`: the server has a transport. */
  constructor(clock: VirtualClock, latencyMs: number, isFramed = false) {
    this.#frames = isFramed ? new FrameReader() : null;
    this.#clock = clock;
    this.#latencyMs = latencyMs;
  }

  /** What came so far and no {@link onBytes} took. */
  get received(): Buffer {
    return this.#received;
  }

  /** The server's end of the connection, for those who look behind the scenes. */
  get socket(): SimulatedSocket {
    if (this.#socket === null) throw new Error('this client is not connected');
    return this.#socket;
  }

  /** Whether the connection is over for this client: ended by either side. */
  get isOver(): boolean {
    return this.end !== null || this.#gone;
  }

  /** Said once by the kernel. */
  connected(socket: SimulatedSocket): void {
    this.#socket = socket;
  }

  /** Sends; strings as Latin-1. */
  send(bytes: string | Uint8Array): this {
    if (this.#finished || this.isOver) return this;
    const copy = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
    const wire = this.#frames === null ? copy : Buffer.concat([...dataFrames(copy)]);
    this.#arriveLater(() => {
      this.#waiting.push(wire);
      this.roomForMore();
    });
    return this;
  }

  /** Sends FIN behind everything that was sent; reading goes on. */
  finish(): this {
    if (this.#finished || this.isOver) return this;
    this.#finished = true;
    this.#arriveLater(() => {
      if (this.#frames !== null) this.#waiting.push(frame(END));
      this.#finArrived = true;
      this.roomForMore();
    });
    return this;
  }

  /** Sends RST: what is unread on either side is lost. */
  reset(): void {
    if (this.isOver) return;
    this.#gone = true;
    this.#arriveLater(() => {
      this.#waiting.clear();
      this.socket.fail();
    });
  }

  /** Stops reading: the server's output piles up. */
  pauseReading(): void {
    this.#paused = true;
  }

  resumeReading(): void {
    this.#paused = false;
    this.readable();
  }

  // ---- What the server's end tells ----------------------------------------------------------------

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
    this.#clock.after(this.readRate === null ? this.#latencyMs : this.readRate.everyMs, () => this.#read());
  }

  wasReset(): void {
    this.#waiting.clear();
    if (this.isOver) return;
    this.#endWith('reset');
  }

  #read(): void {
    this.#readPlanned = false;
    if (this.#paused || this.isOver) return;
    const { socket } = this;
    const count = Math.min(socket.outbound.length, this.readRate?.bytes ?? MAX_READ_BYTES);
    if (count > 0) {
      const bytes = Buffer.alloc(count);
      socket.outbound.take(bytes);
      socket.clientRead();
      this.#take(this.#frames === null ? bytes : this.#frames.read(bytes));
    }
    if (socket.outbound.length > 0) this.readable();
    else if (socket.outboundEnded && !this.isOver) this.#endWith('fin');
  }

  #take(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.onBytes === null) this.#received = Buffer.concat([this.#received, bytes]);
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
