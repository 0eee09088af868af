// The readiness half of the simulated kernel: edge-triggered, and no kinder than Linux. What is reported is
// reported once; who does not drain it gets no second event until something new happens.

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
import type { Dials } from './dials.ts';

/** What can be watched. */
export interface Watched {
  /** Every readiness bit that is true now. */
  readiness(): number;
  /** These bits were handed to the server. */
  reported(bits: number): void;
  /** A wait that had room did not report it. */
  delayed(): void;
}

interface Registration {
  readonly fd: number;
  readonly generation: number;
  readonly watched: Watched;
  interest: number;
  /** What happened since the last report. */
  pending: number;
  /** Whether it stands in the list of those who have something to report. */
  listed: boolean;
  /** Its place among all registrations. */
  place: number;
}

/** Closed descriptors that are remembered, for events that come too late. */
const MAX_REMEMBERED = 16;

export class SimulatedPoller {
  /** Events of closed descriptors that were reported: a server must have dropped as many. */
  staleEvents = 0;
  readonly #dials: Dials;
  readonly #byFd: (Registration | undefined)[] = [];
  readonly #all: Registration[] = [];
  #ready: Registration[] = [];
  readonly #closed: { readonly fd: number; readonly generation: number }[] = [];

  constructor(dials: Dials) {
    this.#dials = dials;
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

  /** The descriptor was closed: an event of it may still come, too late. */
  forget(fd: number): void {
    const registration = this.#byFd[fd];
    if (registration === undefined) return;
    this.remove(fd);
    this.#closed.push({ fd, generation: registration.generation });
    if (this.#closed.length > MAX_REMEMBERED) this.#closed.shift();
  }

  /** Something happened: the next wait reports it, once. */
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
    const dials = this.#dials;
    const ready = this.#ready;
    this.#ready = [];
    if (ready.length > 1 && dials.strikes('shuffledBatch')) dials.draw('shuffledBatch').shuffle(ready);
    const room =
      ready.length > 1 && dials.strikes('smallBatch')
        ? Math.min(dials.draw('smallBatch').between(1, 3), capacity)
        : capacity;
    let count = 0;
    for (const registration of ready) {
      if (count >= room || dials.strikes('lateEvent')) {
        if (count < capacity) registration.watched.delayed();
        this.#ready.push(registration);
        continue;
      }
      registration.listed = false;
      const bits = this.#bitsOf(registration);
      registration.pending = 0;
      // What was read or written away meanwhile is not reported, as epoll looks again when it reports.
      if (bits === 0) continue;
      registration.watched.reported(bits);
      count = put(events, count, registration.fd, registration.generation, bits);
    }
    return this.#invent(events, count, capacity);
  }

  #bitsOf({ watched, pending, interest }: Registration): number {
    const now = watched.readiness();
    const bits = (this.#dials.isOn('separateBits') ? now & pending : now) & (interest | HANGUP | FAILED);
    return withCompanions(bits);
  }

  /** Events without a cause, and of earlier lives of a descriptor. */
  #invent(events: Int32Array, taken: number, capacity: number): number {
    const dials = this.#dials;
    let count = taken;
    if (count < capacity && this.#all.length > 0 && dials.strikes('spuriousEvent')) {
      const draw = dials.draw('spuriousEvent');
      const { fd, generation, interest, watched } = draw.pick(this.#all);
      const bits = draw.pick([READABLE, WRITABLE, READABLE | WRITABLE]) & interest;
      // A batch names a descriptor once.
      if (bits !== 0 && !isAmong(events, count, fd)) {
        watched.reported(bits);
        count = put(events, count, fd, generation, bits);
      }
    }
    if (count < capacity && this.#closed.length > 0 && dials.strikes('staleEvent')) {
      const draw = dials.draw('staleEvent');
      const { fd, generation } = draw.pick(this.#closed);
      this.staleEvents++;
      count = put(events, count, fd, generation, withCompanions(draw.pick([READABLE, WRITABLE, HANGUP, FAILED])));
    }
    return count;
  }
}

/** The truth about an end or an error comes from recv and send: those bits say so. */
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

/** The first `count` events in words. */
export function eventTexts(events: Int32Array, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => {
    const [fd, generation, bits = 0] = events.subarray(i * EVENT_WORDS, (i + 1) * EVENT_WORDS);
    const names = ['READABLE', 'WRITABLE', 'HANGUP', 'FAILED'].filter((_name, bit) => (bits & (1 << bit)) !== 0);
    return `event ${fd}.${generation} ${names.join('|')}`;
  });
}
