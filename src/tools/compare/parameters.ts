// The parameters of a comparison: what is varied, one parameter at a time, from a fixed baseline.

import type { ResponseName } from './contender.ts';

/** The load on a server: the value of every parameter. */
export interface Workload {
  /** Busy clients: each sends its next request as soon as it has the response. */
  readonly clients: number;
  /** A client sends its requests over one connection; otherwise each request has its own. */
  readonly keepAlive: boolean;
  /** Connections that sent one request and are idle. */
  readonly idle: number;
  /** Clients that request 1 MiB repeatedly and read 80 KiB a second. */
  readonly slow: number;
  readonly response: ResponseName;
}

/** The workload from which one parameter at a time is varied. */
export const BASELINE: Workload = { clients: 64, keepAlive: true, idle: 0, slow: 0, response: 'text' };

export const BASELINE_TEXT =
  '64 clients, connections kept alive, no idle ones, no slow readers, a short text from the application';

/** A parameter at one of its positions. */
export interface Variation {
  readonly parameter: string;
  /** `16`, `1 MiB`: a position of the parameter, as the tables name it. */
  readonly position: string;
  readonly setting: Workload;
}

export interface Parameter {
  readonly name: string;
  readonly text: string;
  /** All positions but the baseline; `--quick` measures the first `quick` of them. */
  readonly variations: readonly Variation[];
  readonly quick: number;
}

function parameter(
  name: string,
  text: string,
  quick: number,
  positions: readonly (readonly [string, Partial<Workload>])[],
): Parameter {
  const variations = positions.map(([position, change]) => ({
    parameter: name,
    position,
    setting: { ...BASELINE, ...change },
  }));
  return { name, text, variations, quick };
}

export const PARAMETERS: readonly Parameter[] = [
  parameter('clients', 'busy clients at once', 1, [
    ['1', { clients: 1 }],
    ['16', { clients: 16 }],
    ['256', { clients: 256 }],
    ['1000', { clients: 1_000 }],
  ]),
  parameter('idle', 'idle connections held beside the busy ones', 1, [
    ['1000', { idle: 1_000 }],
    ['10000', { idle: 10_000 }],
  ]),
  parameter('connection', 'keep-alive, or a connection for each request', 0, [['one a request', { keepAlive: false }]]),
  // The slow clients read a file, so the busy clients request a file too: compare this row with the 1 KiB file.
  parameter('slow', 'clients that read slowly beside the busy ones', 0, [['50', { slow: 50, response: 'kib' }]]),
  parameter('handler', 'what the application does', 0, [
    ['sleeps 10 ms', { response: 'sleep' }],
    ['burns 5 ms', { response: 'burn' }],
  ]),
  parameter('file', 'a file instead of the application', 0, [
    ['1 KiB', { response: 'kib' }],
    ['1 MiB', { response: 'mib' }],
  ]),
];

export const PARAMETER_NAMES: readonly string[] = PARAMETERS.map(({ name }) => name);

/** The baseline as a variation of its own. */
export const BASELINE_VARIATION: Variation = { parameter: 'baseline', position: '', setting: BASELINE };
