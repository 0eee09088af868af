// Summarises several measurements: the median and the range. A contender is called better only if the ranges do not
// overlap.

import { max, median, min } from 'd3-array';
import type { ComparisonResult, Entry, Row } from './result.ts';
import type { Figures } from './trial.ts';

export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** A column of the table. */
export interface Measure {
  readonly title: string;
  readonly text: string;
  readonly isLowerBetter: boolean;
  readonly of: (figures: Figures) => number | null;
  readonly format: (value: number) => string;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Formats a number with three significant digits. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return whole(value);
  return size === 0 ? '0' : value.toFixed(size >= 10 ? 1 : 2);
}

/** Formats microseconds with the unit that fits. */
export function duration(us: number): string {
  if (us >= 1e6) return `${digits(us / 1e6)} s`;
  return us >= 1_000 ? `${digits(us / 1_000)} ms` : `${whole(us)} µs`;
}

function mebibytes(bytes: number): string {
  return `${digits(bytes / 2 ** 20)} MiB`;
}

/** A generator with too few responses reports 0. */
function latencyOrNull(us: number): number | null {
  return us > 0 ? us : null;
}

type MeasureName =
  | 'perSecond'
  | 'p50'
  | 'p99'
  | 'p999'
  | 'cpu'
  | 'systemCalls'
  | 'switches'
  | 'instructions'
  | 'resident'
  | 'idleBytes'
  | 'errors';

/** The columns, in the order of the table. */
export const MEASURES: Readonly<Record<MeasureName, Measure>> = {
  perSecond: {
    title: 'requests/s',
    text: 'responses with status 2xx per second',
    isLowerBetter: false,
    of: (figures) => figures.perSecond,
    format: whole,
  },
  p50: {
    title: 'p50',
    text: 'half of the responses were faster',
    isLowerBetter: true,
    of: (f) => latencyOrNull(f.p50Us),
    format: duration,
  },
  p99: {
    title: 'p99',
    text: '99 % of the responses were faster',
    isLowerBetter: true,
    of: (f) => latencyOrNull(f.p99Us),
    format: duration,
  },
  p999: {
    title: 'p99.9',
    text: '99.9 % were faster',
    isLowerBetter: true,
    of: (f) => latencyOrNull(f.p999Us),
    format: duration,
  },
  cpu: {
    title: 'CPU µs/request',
    text: "processor time of the server's processes, ended children included",
    isLowerBetter: true,
    of: (figures) => figures.userUs + figures.systemUs,
    format: digits,
  },
  systemCalls: {
    title: 'system calls/request',
    text: 'counted by perf or strace',
    isLowerBetter: true,
    of: (figures) => figures.systemCalls,
    format: digits,
  },
  switches: {
    title: 'switches/request',
    text: 'context switches',
    isLowerBetter: true,
    of: (figures) => figures.switches,
    format: (value) => value.toFixed(3),
  },
  instructions: {
    title: 'instructions/request',
    text: 'in user and kernel mode, where perf can count them',
    isLowerBetter: true,
    of: (figures) => figures.instructions,
    format: whole,
  },
  resident: {
    title: 'memory',
    text: 'resident, of all processes',
    isLowerBetter: true,
    of: (figures) => figures.residentBytes,
    format: mebibytes,
  },
  idleBytes: {
    title: 'bytes/idle connection',
    text: 'resident memory added by each idle connection, garbage included',
    isLowerBetter: true,
    of: (figures) => figures.idleBytes,
    format: whole,
  },
  errors: {
    title: 'errors',
    text: 'responses other than 2xx; connections that failed or got no response for two seconds',
    isLowerBetter: true,
    of: (figures) => figures.badResponses + figures.failures,
    format: whole,
  },
};

export function summaryOf(values: readonly (number | null)[]): Summary | null {
  const known = values.filter((value) => value !== null);
  const [middle, low, high] = [median(known), min(known), max(known)];
  return middle === undefined || low === undefined || high === undefined ? null : { median: middle, low, high };
}

/** Null when nothing was measured. */
export function summarize(row: Row | undefined, measure: Measure): Summary | null {
  return row === undefined ? null : summaryOf(row.rounds.map(measure.of));
}

export function restSummaryOf({ rest }: Entry): Summary | null {
  return summaryOf(rest);
}

/** The row of a contender at a position of a parameter; the baseline is the parameter `baseline` at ''. */
export function rowOf(
  { rows }: ComparisonResult,
  contender: string,
  parameter: string,
  position: string,
): Row | undefined {
  return rows.find((row) => row.contender === contender && row.parameter === parameter && row.position === position);
}

/** Names the best contender by `measure` at the baseline, if the ranges of the first two do not overlap. */
export function verdict(result: ComparisonResult, measure: Measure): string {
  const known = result.entries
    .map(({ name }) => ({ name, summary: summarize(rowOf(result, name, 'baseline', ''), measure) }))
    .flatMap(({ name, summary }) => (summary === null ? [] : [{ name, ...summary }]))
    .sort((a, b) => (measure.isLowerBetter ? a.median - b.median : b.median - a.median));
  const [first, second] = known;
  if (first === undefined || second === undefined) return '';
  const isOnce = [first, second].some(({ name }) => (rowOf(result, name, 'baseline', '')?.rounds.length ?? 0) < 2);
  if (isOnce) return `${measure.title}: no winner, one measurement has no range`;
  const overlap = measure.isLowerBetter ? second.low <= first.high : second.high >= first.low;
  const figures = `${measure.format(first.median)} and ${measure.format(second.median)}`;
  if (!overlap) return `${measure.title}: ${first.name} before ${second.name} (${figures})`;
  const equal = known.filter(({ low, high }) => (measure.isLowerBetter ? low <= first.high : high >= first.low));
  return `${measure.title}: no winner, the ranges of ${equal.map(({ name }) => name).join(', ')} overlap (best two: ${figures})`;
}

/** `12.3 ±4 %`: the median, and half the range as a share of it; `12.3 (1 to 40)` when the range exceeds the median. */
export function cell(summary: Summary | null, format: (value: number) => string): string {
  if (summary === null) return '—';
  const { median: middle, low, high } = summary;
  if (low === high) return format(middle);
  const spread = (high - low) / 2 / Math.abs(middle);
  if (!(spread < 1)) return `${format(middle)} (${format(low)} to ${format(high)})`;
  return spread < 0.005 ? format(middle) : `${format(middle)} ±${Math.round(spread * 100)} %`;
}
