// How a simulated call goes, and goes wrong: what the dials make of receiving, sending, accepting and waiting.
// It must not know descriptors.

import {
  EAGAIN,
  ECONNABORTED,
  ECONNRESET,
  EINTR,
  EIO,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  ENOSPC,
  ENOTCONN,
  EPERM,
  EPIPE,
  EPROTO,
} from '../kernel/errno.ts';
import { READABLE, WRITABLE } from '../kernel/kernel.ts';
import type { Dials, FaultName } from './dials.ts';
import type { SimulatedListener } from './simulated-listener.ts';
import type { SimulatedSocket } from './simulated-socket.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What a dial holds back comes at most this much later. */
const MAX_HELD_BACK_MS = 20;

const EXHAUSTED = [EMFILE, ENFILE, ENOBUFS, ENOMEM] as const;

export class FaultyNetwork {
  /** Milliseconds by which time jumped, in waits that came back late. */
  jumpedMs = 0;
  readonly #clock: VirtualClock;
  readonly #dials: Dials;
  readonly #onFault: (dial: FaultName) => void;
  #exhaustedUntilMs = 0;

  constructor(clock: VirtualClock, dials: Dials, onFault: (dial: FaultName) => void) {
    this.#clock = clock;
    this.#dials = dials;
    this.#onFault = onFault;
  }

  /** What happens to time while the process waits. */
  delay(): void {
    const dials = this.#dials;
    if (this.#strikes('lateWait')) this.#jump(dials.draw('lateWait').between(1, 300));
    if (this.#strikes('clockJump')) this.#jump(dials.draw('clockJump').magnitude(300, 600_000));
    if (this.#strikes('wallClockStep')) {
      this.#clock.stepWallClock(dials.draw('wallClockStep').between(-7_200_000, 7_200_000));
    }
  }

  /** Why this accept fails; 0: it does not. */
  refuseAccept(listener: SimulatedListener): number {
    const dials = this.#dials;
    if (this.#clock.nowMs < this.#exhaustedUntilMs) return dials.draw('exhaustedAccept').pick(EXHAUSTED);
    if (this.#strikes('exhaustedAccept')) {
      this.#exhaustedUntilMs = this.#clock.nowMs + dials.draw('exhaustedAccept').magnitude(1, 3_000);
      return EMFILE;
    }
    if (this.#strikes('interrupted')) return EINTR;
    if (!this.#strikes('abortedAccept')) return 0;
    const lost = listener.backlog.shift();
    if (lost !== undefined) hurt(lost, 'it was gone before it was accepted');
    return dials.draw('abortedAccept').pick([ECONNABORTED, EPROTO, EPERM]);
  }

  /** Why this connection cannot be watched; 0: it can. */
  refuseAdd(socket: SimulatedSocket): number {
    if (!this.#strikes('addFails')) return 0;
    socket.hurt ||= 'it could not be watched';
    return this.#dials.draw('addFails').pick([ENOMEM, ENOSPC, EMFILE]);
  }

  /** Moves what arrived into `target`. Returns the count, 0 at the end, or -errno. */
  receive(socket: SimulatedSocket, target: Uint8Array): number {
    this.#maybeReset(socket);
    if (this.#strikes('interrupted')) {
      socket.delayed();
      return EINTR;
    }
    const available = Math.min(socket.inbound.length, target.length);
    if (available === 0) {
      if (socket.error !== 0) return socket.takeError(0);
      socket.endSeen = socket.inboundEnded || socket.isDead;
      return socket.endSeen ? 0 : EAGAIN;
    }
    // Bytes that "come later" make an event of their own, unless the end was reported already.
    if (!socket.hangupReported && this.#strikes('receiveAgain')) {
      this.#later('receiveAgain', socket, READABLE);
      return EAGAIN;
    }
    let wanted = available;
    if (available > 1 && this.#strikes('partialReceive')) {
      wanted = this.#dials.draw('partialReceive').between(1, available - 1);
      if (!socket.hangupReported) this.#later('partialReceive', socket, READABLE);
    }
    return socket.receive(target.subarray(0, wanted), this.#clock.nowMs);
  }

  /** Takes what there is room for. Returns the count, or -errno. */
  send(socket: SimulatedSocket, pieces: readonly Uint8Array[]): number {
    this.#maybeReset(socket);
    if (this.#strikes('interrupted')) return EINTR;
    if (this.#strikes('sendFails')) {
      hurt(socket, 'a send failed');
      socket.takeError(0);
      return this.#dials.draw('sendFails').pick([ECONNRESET, EPIPE, ENOBUFS]);
    }
    if (socket.isDead) return socket.takeError(EPIPE);
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (length === 0) return 0;
    let taken = Math.min(length, socket.sendRoom);
    if (taken > 0 && this.#strikes('sendAgain')) {
      taken = 0;
      this.#later('sendAgain', socket, WRITABLE);
    } else if (taken > 1 && this.#strikes('shortSend')) {
      taken = this.#dials.draw('shortSend').between(1, taken - 1);
      this.#later('shortSend', socket, WRITABLE);
    }
    if (taken < length) socket.wantsRoom = true;
    if (taken === 0) return EAGAIN;
    // What the caller's memory holds later must not matter: the bytes are copied now.
    socket.transmit(Buffer.concat(pieces, length).subarray(0, taken), this.#clock.nowMs);
    return taken;
  }

  shutdown(socket: SimulatedSocket): number {
    if (this.#strikes('shutdownFails')) hurt(socket, 'it was reset before shutdown');
    if (socket.isDead) return ENOTCONN;
    socket.endOutput(this.#clock.nowMs);
    return 0;
  }

  /** What close(2) says; the descriptor is closed all the same. */
  closeResult(): number {
    return this.#strikes('closeFails') ? this.#dials.draw('closeFails').pick([EINTR, EIO]) : 0;
  }

  #jump(ms: number): void {
    this.#clock.skip(ms);
    this.jumpedMs += ms;
  }

  /** What a dial held back happens after a while. */
  #later(dial: FaultName, socket: SimulatedSocket, bits: number): void {
    socket.heldBack++;
    this.#clock.after(this.#dials.draw(dial).between(0, MAX_HELD_BACK_MS), () => {
      socket.heldBack--;
      socket.raise(bits & socket.readiness());
    });
  }

  #maybeReset(socket: SimulatedSocket): void {
    if (!socket.isDead && this.#strikes('reset')) hurt(socket, 'it was reset from outside');
  }

  #strikes(dial: FaultName): boolean {
    if (!this.#dials.strikes(dial)) return false;
    this.#onFault(dial);
    return true;
  }
}

/** The connection is lost for both ends, and nobody of them is to blame. */
function hurt(socket: SimulatedSocket, how: string): void {
  socket.hurt ||= how;
  socket.fail();
  socket.client.wasReset();
}
