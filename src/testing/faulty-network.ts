// Injects faults into simulated calls: receiving, sending, accepting and waiting.

import {
  EAGAIN,
  ECONNABORTED,
  ECONNRESET,
  EINTR,
  EIO,
  EMFILE,
  ENETUNREACH,
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
import type { FaultName, FaultSource } from './fault-source.ts';
import type { SimulatedListener } from './simulated-listener.ts';
import type { SimulatedSocket } from './simulated-socket.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** The longest delay of a fault that delays. */
const MAX_HELD_BACK_MS = 20;

const MAX_CONNECT_DELAY_MS = 300;

const EXHAUSTED = [EMFILE, ENFILE, ENOBUFS, ENOMEM] as const;

export class FaultyNetwork {
  /** The sum of time jumps, in milliseconds, of waits that returned late. */
  jumpedMs = 0;
  readonly #clock: VirtualClock;
  readonly #faults: FaultSource;
  readonly #onFault: (fault: FaultName) => void;
  #exhaustedUntilMs = 0;

  constructor(clock: VirtualClock, faults: FaultSource, onFault: (fault: FaultName) => void) {
    this.#clock = clock;
    this.#faults = faults;
    this.#onFault = onFault;
  }

  /** Lets time jump while the process waits. */
  delay(): void {
    const faults = this.#faults;
    if (this.#strikes('lateWait')) this.#jump(faults.draw('lateWait').between(1, 300));
    if (this.#strikes('clockJump')) this.#jump(faults.draw('clockJump').magnitude(300, 600_000));
    if (this.#strikes('wallClockStep')) {
      this.#clock.stepWallClock(faults.draw('wallClockStep').between(-7_200_000, 7_200_000));
    }
  }

  /** The error of this accept; 0: none. */
  refuseAccept(listener: SimulatedListener): number {
    const faults = this.#faults;
    if (this.#clock.nowMs < this.#exhaustedUntilMs) return faults.draw('exhaustedAccept').pick(EXHAUSTED);
    if (this.#strikes('exhaustedAccept')) {
      this.#exhaustedUntilMs = this.#clock.nowMs + faults.draw('exhaustedAccept').magnitude(1, 3_000);
      return EMFILE;
    }
    if (this.#strikes('interrupted')) return EINTR;
    if (!this.#strikes('abortedAccept')) return 0;
    const lost = listener.backlog.shift();
    if (lost !== undefined) injectFault(lost, 'it was gone before it was accepted');
    return faults.draw('abortedAccept').pick([ECONNABORTED, EPROTO, EPERM]);
  }

  /** The error of this connect; 0: none. `isUnix`: it is a Unix domain socket. */
  refuseConnect(isUnix: boolean): number {
    if (this.#strikes('connectFails')) {
      return this.#faults.draw('connectFails').pick(isUnix ? [EMFILE, ENOBUFS] : [EMFILE, ENETUNREACH, EAGAIN]);
    }
    return isUnix && this.#strikes('fullBacklog') ? EAGAIN : 0;
  }

  /** Whether the connection in progress is refused. */
  refusesLate(): boolean {
    return this.#strikes('connectRefused');
  }

  /** How much longer a connection is in progress. */
  connectDelayMs(): number {
    return this.#strikes('lateConnect') ? this.#faults.draw('lateConnect').between(1, MAX_CONNECT_DELAY_MS) : 0;
  }

  /** The error of registering this connection with the poller; 0: none. */
  refuseAdd(socket: SimulatedSocket): number {
    if (!this.#strikes('addFails')) return 0;
    socket.injectedFault ||= 'it could not be watched';
    return this.#faults.draw('addFails').pick([ENOMEM, ENOSPC, EMFILE]);
  }

  /** Moves received bytes into `target`. Returns the count, 0 at the end, or -errno. */
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
    // The bytes that come later cause an event of their own, unless the end was reported already.
    if (!socket.hangupReported && this.#strikes('receiveAgain')) {
      this.#later('receiveAgain', socket, READABLE);
      return EAGAIN;
    }
    let wanted = available;
    if (available > 1 && this.#strikes('partialReceive')) {
      wanted = this.#faults.draw('partialReceive').between(1, available - 1);
      if (!socket.hangupReported) this.#later('partialReceive', socket, READABLE);
    }
    return socket.receive(target.subarray(0, wanted), this.#clock.nowMs);
  }

  /** Sends as many bytes as there is room for. Returns the count, or -errno. */
  send(socket: SimulatedSocket, pieces: readonly Uint8Array[]): number {
    this.#maybeReset(socket);
    if (this.#strikes('interrupted')) return EINTR;
    if (this.#strikes('sendFails')) {
      injectFault(socket, 'a send failed');
      socket.takeError(0);
      return this.#faults.draw('sendFails').pick([ECONNRESET, EPIPE, ENOBUFS]);
    }
    if (socket.isDead) return socket.takeError(EPIPE);
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (length === 0) return 0;
    let accepted = Math.min(length, socket.sendRoom);
    if (accepted > 0 && this.#strikes('sendAgain')) {
      accepted = 0;
      this.#later('sendAgain', socket, WRITABLE);
    } else if (accepted > 1 && this.#strikes('shortSend')) {
      accepted = this.#faults.draw('shortSend').between(1, accepted - 1);
      this.#later('shortSend', socket, WRITABLE);
    }
    if (accepted < length) socket.wantsRoom = true;
    if (accepted === 0) return EAGAIN;
    // The caller may reuse its memory: copy the bytes now.
    socket.transmit(Buffer.concat(pieces, length).subarray(0, accepted), this.#clock.nowMs);
    return accepted;
  }

  shutdown(socket: SimulatedSocket): number {
    if (this.#strikes('shutdownFails')) injectFault(socket, 'it was reset before shutdown');
    if (socket.isDead) return ENOTCONN;
    socket.endOutput(this.#clock.nowMs);
    return 0;
  }

  /** The result of close(2); the descriptor is closed in any case. */
  closeResult(): number {
    return this.#strikes('closeFails') ? this.#faults.draw('closeFails').pick([EINTR, EIO]) : 0;
  }

  #jump(ms: number): void {
    this.#clock.skip(ms);
    this.jumpedMs += ms;
  }

  /** Raises a delayed event after a random time. */
  #later(fault: FaultName, socket: SimulatedSocket, bits: number): void {
    socket.heldBack++;
    this.#clock.after(this.#faults.draw(fault).between(0, MAX_HELD_BACK_MS), () => {
      socket.heldBack--;
      socket.raise(bits & socket.readiness());
    });
  }

  #maybeReset(socket: SimulatedSocket): void {
    if (!socket.isDead && this.#strikes('reset')) injectFault(socket, 'it was reset from outside');
  }

  #strikes(fault: FaultName): boolean {
    if (!this.#faults.strikes(fault)) return false;
    this.#onFault(fault);
    return true;
  }
}

/** Records that the connection is lost for both ends, and that neither end caused it. */
function injectFault(socket: SimulatedSocket, how: string): void {
  socket.injectedFault ||= how;
  socket.fail();
  socket.client.wasReset();
}
