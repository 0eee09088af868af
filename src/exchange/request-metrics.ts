// Counts responses by what handled the request and by status class, with histograms of durations. It allocates nothing
// for a request.

import { SERVED_BY, SERVED_BY_NAMES, type ServedBy } from '../http/served-by.ts';
import { type DurationCounts, DurationHistogram } from './duration-histogram.ts';

/** The status classes. `none`: the connection ended before the response began. */
export const STATUS_CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const;

const LAST_CLASS = STATUS_CLASSES.length - 1;

/** Counters of all requests so far. */
export interface RequestCounts {
  /** Responses by {@link SERVED_BY}, then by {@link STATUS_CLASSES}. */
  readonly responses: readonly (readonly number[])[];
  /** From the end of the request's head to the end of the response, by {@link SERVED_BY}. */
  readonly durations: readonly DurationCounts[];
}

export class RequestMetrics {
  /** A clock that is read anew, since the one of a turn stands still while handlers compute. */
  readonly nowMs: () => number;
  readonly #responses = new Float64Array(SERVED_BY_NAMES.length * STATUS_CLASSES.length);
  readonly #durations: readonly DurationHistogram[] = SERVED_BY_NAMES.map(() => new DurationHistogram());

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  /** Counts a response that began to be made at `startedMs`. `status`: 0 when it did not begin. */
  answered(servedBy: ServedBy, status: number, startedMs: number): void {
    // RFC 9110 section 15: clients take a status beyond 599, which node:http permits, for 5xx.
    const at = servedBy * STATUS_CLASSES.length + Math.min((status / 100) | 0, LAST_CLASS);
    this.#responses[at] = (this.#responses[at] ?? 0) + 1;
    this.#durations[servedBy]?.add(this.nowMs() - startedMs);
  }

  /** Counts a request that the server rejected before it called a handler. */
  refused(status: number): void {
    this.answered(SERVED_BY.NONE, status, this.nowMs());
  }

  get counts(): RequestCounts {
    const width = STATUS_CLASSES.length;
    return {
      responses: SERVED_BY_NAMES.map((_, at) => [...this.#responses.subarray(at * width, (at + 1) * width)]),
      durations: this.#durations.map((histogram) => histogram.counts),
    };
  }
}
