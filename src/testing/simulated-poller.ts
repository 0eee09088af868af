// The poller of the simulated kernel: edge-triggered, with the weakest guarantees of Linux. Each event is reported
// once; without draining there is no second one until something new happens.

import { EEXIST, ENOENT } from '../kernel/errno.ts';
import {
  EVENT_FD,
  EVENT_GENERATION,
  EVENT_PREFETCHED,
  EVENT_READINESS,
  EVENT_WORDS,
  FAILED,
  HANGUP,
  NOT_PREFETCHED,
  READABLE,
  WRITABLE,
} from '../kernel/kernel.ts';
import type { FaultSource } from './fault-source.ts';

/** An object that can be watched. */
export interface Watched {
  /** All readiness bits that are true now. */
  readiness(): number;
  /** Called when these bits were reported to the server. */
  reported(bits: number): void;
  /** Called when a wait had room but did not report it. */
  delayed(): void;
}

interface Registration {
  readonly fd: number;
  readonly generation: number;
  readonly watched: Watched;
  interest: number;
  /** Bits raised since the last report. */
  pending: number;
  /** Whether it is in the list of descriptors that have events. */
  listed: boolean;
  /** Its index among all registrations. */
  place: number;
}

/** The number of remembered closed descriptors, for stale events. */
const MAX_REMEMBERED = 16;

export class SimulatedPoller {
  /** Reported events of closed descriptors: the server must have dropped as many. */
  staleEvents = 0;
  readonly #faults: FaultSource;
  readonly #byFd: (Registration | undefined)[] = [];
  readonly #all: Registration[] = [];
  #ready: Registration[] = [];
  readonly #closed: { readonly fd: number; readonly generation: number }[] = [];

  constructor(faults: FaultSource) {
    this.#faults = faults;
  }

  /** Whether a wait might report something. */
  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  get size(): number {
    return this.#all.length;
  }

  isWatched(fd: number): boolean {
    return this.#byFd[fd] !== undefined;
  }

  add(fd: number, generation: number, interest: number, watched: Watched): number {
    if (this.#byFd[fd] !== undefined) return EEXIST;
    const registration = { fd, generation, watched, interest, pending: 0, listed: false, place: this.#all.length };
    this.#byFd[fd] = registration;
    this.#all.push(registration);
    this.raise(fd, watched.readiness());
    return 0;
  }

  rearm(fd: number, interest: number): number {
    const registration = this.#byFd[fd];
    if (registration === undefined) return ENOENT;
    registration.interest = interest;
    this.raise(fd, registration.watched.readiness());
    return 0;
  }

  remove(fd: number): number {
    const registration = this.#byFd[fd];
    if (registration === undefined) return ENOENT;
    this.#byFd[fd] = undefined;
    const last = this.#all.pop();
    if (last !== undefined && last !== registration) {
      this.#all[registration.place] = last;
      last.place = registration.place;
    }
    if (registration.listed) this.#ready = this.#ready.filter((listed) => listed !== registration);
    return 0;
  }

  /** Removes a closed descriptor; a stale event of it may follow. */
  forget(fd: number): void {
    const registration = this.#byFd[fd];
    if (registration === undefined) return;
    this.remove(fd);
    this.#closed.push({ fd, generation: registration.generation });
    if (this.#closed.length > MAX_REMEMBERED) this.#closed.shift();
  }

  /** Raises an event: the next wait reports it, once. */
  raise(fd: number, bits: number): void {
    const registration = this.#byFd[fd];
    if (registration === undefined || bits === 0) return;
    registration.pending |= bits;
    if (registration.listed) return;
    registration.listed = true;
    this.#ready.push(registration);
  }

  /** Writes at most `capacity` events; returns how many. */
  take(events: Int32Array, capacity: number): number {
    const faults = this.#faults;
    const ready = this.#ready;
    this.#ready = [];
    if (ready.length > 1 && faults.strikes('shuffledBatch')) faults.draw('shuffledBatch').shuffle(ready);
    const room =
      ready.length > 1 && faults.strikes('smallBatch')
        ? Math.min(faults.draw('smallBatch').between(1, 3), capacity)
        : capacity;
    let count = 0;
    for (const registration of ready) {
      if (count >= room || faults.strikes('lateEvent')) {
        if (count < capacity) registration.watched.delayed();
        this.#ready.push(registration);
        continue;
      }
      registration.listed = false;
      const bits = this.#bitsOf(registration);
      registration.pending = 0;
      // Bits that are no longer true are not reported, as epoll checks again when it reports.
      if (bits === 0) continue;
      registration.watched.reported(bits);
      count = put(events, count, registration.fd, registration.generation, bits);
    }
    return this.#invent(events, count, capacity);
  }

  #bitsOf({ watched, pending, interest }: Registration): number {
    const now = watched.readiness();
    const bits = (this.#faults.isOn('separateBits') ? now & pending : now) & (interest | HANGUP | FAILED);
    return withCompanions(bits);
  }

  /** Adds events without a cause, and events of earlier generations of a descriptor. */
  #invent(events: Int32Array, written: number, capacity: number): number {
    const faults = this.#faults;
    let count = written;
    if (count < capacity && this.#all.length > 0 && faults.strikes('spuriousEvent')) {
      const draw = faults.draw('spuriousEvent');
      const { fd, generation, interest, watched } = draw.pick(this.#all);
      const bits = draw.pick([READABLE, WRITABLE, READABLE | WRITABLE]) & interest;
      // A batch contains a descriptor once.
      if (bits !== 0 && !isAmong(events, count, fd)) {
        watched.reported(bits);
        count = put(events, count, fd, generation, bits);
      }
    }
    if (count < capacity && this.#closed.length > 0 && faults.strikes('staleEvent')) {
      const draw = faults.draw('staleEvent');
      const { fd, generation } = draw.pick(this.#closed);
      this.staleEvents++;
      count = put(events, count, fd, generation, withCompanions(draw.pick([READABLE, WRITABLE, HANGUP, FAILED])));
    }
    return count;
  }
}

/** Adds readable and writable to an end or error, since recv and send return its details. */
function withCompanions(bits: number): number {
  return (bits & (HANGUP | FAILED)) === 0 ? bits : bits | READABLE | WRITABLE;
}

function isAmong(events: Int32Array, count: number, fd: number): boolean {
  for (let i = 0; i < count; i++) if (events[i * EVENT_WORDS + EVENT_FD] === fd) return true;
  return false;
}

function put(events: Int32Array, at: number, fd: number, generation: number, bits: number): number {
  events[at * EVENT_WORDS + EVENT_FD] = fd;
  events[at * EVENT_WORDS + EVENT_GENERATION] = generation;
  events[at * EVENT_WORDS + EVENT_READINESS] = bits;
  events[at * EVENT_WORDS + EVENT_PREFETCHED] = NOT_PREFETCHED;
  return at + 1;
}

/** The first `count` events as text. */
export function eventTexts(events: Int32Array, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => {
    const [fd, generation, bits = 0] = events.subarray(i * EVENT_WORDS, (i + 1) * EVENT_WORDS);
    const names = ['READABLE', 'WRITABLE', 'HANGUP', 'FAILED'].filter((_name, bit) => (bits & (1 << bit)) !== 0);
    return `event ${fd}.${generation} ${names.join('|')}`;
  });
}
