// One upstream: a program that runs an application behind this server. Bounds the connections to it and the requests that
// wait for one.

import type { Outgoing } from '../connection/outgoing.ts';
import type { OutgoingAddress } from '../connection/outgoing-connection.ts';
import type { HttpRequest } from '../http/handler.ts';
import type { Limits } from '../limits.ts';
import { Deadline, type DeadlineOwner } from '../reactor/deadline.ts';
import type { SpoolSpace } from './spool-space.ts';
import { WorkerFiles } from './worker-file.ts';

/** What all upstreams of a server share. */
export interface UpstreamContext {
  readonly outgoing: Outgoing;
  readonly space: SpoolSpace;
  readonly limits: Limits;
  readonly onError: (error: unknown, request: HttpRequest | null) => void;
}

export interface UpstreamOptions {
  /** For messages: `uwsgi:unix:/run/app.sock`. */
  readonly name: string;
  readonly address: OutgoingAddress;
  /** Its workers are started by this server: they may name a file as the content of a response. */
  readonly isTrusted?: boolean;
}

/** A request that needs a connection. */
export interface Applicant {
  /** It has a place: it connects. */
  placeFree(): void;
}

/** When the backlog of the upstream is full, and no connection of this server ends, another attempt follows after this. */
const RETRY_MS = 100;

export class Upstream implements DeadlineOwner {
  readonly name: string;
  readonly address: OutgoingAddress;
  readonly context: UpstreamContext;
  readonly #isTrusted: boolean;
  #files: WorkerFiles | null = null;
  #inUse = 0;
  /** In the order in which they came. */
  readonly #waiting = new Set<Applicant>();
  /** Those for which the backlog was full; they come first. */
  readonly #postponed = new Set<Applicant>();
  /** The backlog of the upstream was full: requests wait, although they have a place. */
  #isRefusing = false;
  readonly #retry: Deadline = new Deadline(this);
  #isAdmitting = false;

  constructor({ name, address, isTrusted = false }: UpstreamOptions, context: UpstreamContext) {
    this.name = name;
    this.address = address;
    this.context = context;
    this.#isTrusted = isTrusted;
  }

  /** The files that its workers may name; null: they may name none. */
  get files(): WorkerFiles | null {
    if (this.#isTrusted) this.#files ??= new WorkerFiles(() => this.context.outgoing.nowMs());
    return this.#files;
  }

  /** The applicant gets a place, now or later. False: too many others wait. */
  apply(applicant: Applicant): boolean {
    const waiting = this.#waiting.size + this.#postponed.size;
    if (this.#hasPlace && waiting === 0) {
      this.#inUse++;
      applicant.placeFree();
      return true;
    }
    if (waiting >= this.context.limits.maxUpstreamQueue) return false;
    this.#waiting.add(applicant);
    return true;
  }

  /** The applicant does not wait any more. */
  withdraw(applicant: Applicant): void {
    this.#waiting.delete(applicant);
    this.#postponed.delete(applicant);
  }

  /** A place is free again. */
  release(): void {
    this.#inUse--;
    this.#isRefusing = false;
    this.#admit();
  }

  /** The backlog of the upstream is full: the applicant, which has a place, waits again. */
  postpone(applicant: Applicant): void {
    this.#inUse--;
    this.#isRefusing = true;
    this.#postponed.add(applicant);
    this.context.outgoing.setDeadline(this.#retry, RETRY_MS);
  }

  expire(): void {
    this.#isRefusing = false;
    this.#admit();
  }

  get #hasPlace(): boolean {
    return !this.#isRefusing && this.#inUse < this.context.limits.maxUpstreamConnections;
  }

  #admit(): void {
    // An applicant that cannot connect releases its place in here. A call for each of them would exhaust the stack.
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    this.#admitAll();
    this.#isAdmitting = false;
  }

  #admitAll(): void {
    for (const queue of [this.#postponed, this.#waiting]) {
      for (const applicant of queue) {
        if (!this.#hasPlace) return;
        queue.delete(applicant);
        this.#inUse++;
        applicant.placeFree();
      }
    }
  }
}
