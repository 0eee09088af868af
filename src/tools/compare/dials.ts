// The dials of a comparison: what is varied, one at a time, from a middle that stays.

import type { AnswerName } from './contender.ts';

/** Where all dials stand. */
export interface Workload {
  /** Busy clients, each of which asks again as soon as it has its answer. */
  readonly clients: number;
  /** Requests of a client go over one connection; otherwise each has its own. */
  readonly keepAlive: boolean;
  /** Connections that asked once and are silent. */
  readonly idle: number;
  /** Clients that ask for 1 MiB again and again, and take 80 KiB a second. */
  readonly slow: number;
  readonly answer: AnswerName;
}

/** From which one dial at a time is turned. */
export const MIDDLE: Workload = { clients: 64, keepAlive: true, idle: 0, slow: 0, answer: 'text' };

export const MIDDLE_TEXT =
  '64 clients, connections kept alive, no idle ones, no slow readers, a short text from an application';

/** A dial at one of its positions. */
export interface Turn {
  readonly dial: string;
  /** `16`, `a connection each`, `1 MiB file`. */
  readonly position: string;
  readonly setting: Workload;
}

export interface Dial {
  readonly name: string;
  readonly text: string;
  /** All positions but the middle; the first ones are for a quick look. */
  readonly turns: readonly Turn[];
  readonly quick: number;
}

function dial(
  name: string,
  text: string,
  quick: number,
  positions: readonly (readonly [string, Partial<Workload>])[],
): Dial {
  const turns = positions.map(([position, change]) => ({ dial: name, position, setting: { ...MIDDLE, ...change } }));
  return { name, text, turns, quick };
}

export const DIALS: readonly Dial[] = [
  dial('clients', 'busy clients at once', 1, [
    ['1', { clients: 1 }],
    ['16', { clients: 16 }],
    ['256', { clients: 256 }],
    ['1000', { clients: 1_000 }],
  ]),
  dial('idle', 'idle connections held beside the busy ones', 1, [
    ['1000', { idle: 1_000 }],
    ['10000', { idle: 10_000 }],
  ]),
  dial('connection', 'keep-alive, or a connection for each request', 0, [['one a request', { keepAlive: false }]]),
  // What is read slowly is a file, so that the busy ones ask for files too: compare it with the 1 KiB file.
  dial('slow', 'clients that read slowly beside the busy ones', 0, [['50', { slow: 50, answer: 'kib' }]]),
  dial('handler', 'what the application does', 0, [
    ['sleeps 10 ms', { answer: 'sleep' }],
    ['burns 5 ms', { answer: 'burn' }],
  ]),
  dial('file', 'a file instead of the application', 0, [
    ['1 KiB', { answer: 'kib' }],
    ['1 MiB', { answer: 'mib' }],
  ]),
];

export const DIAL_NAMES: readonly string[] = DIALS.map(({ name }) => name);

/** The middle as a turn of no dial. */
export const MIDDLE_TURN: Turn = { dial: 'middle', position: '', setting: MIDDLE };
