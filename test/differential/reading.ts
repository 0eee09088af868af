// The result of parsing a stream: the complete messages, and how the parser stopped.

export interface Message {
  readonly method: string;
  readonly target: string;
  /** The minor version as it was sent. */
  readonly version: string;
  /** Names in lower case, in order. */
  readonly fields: readonly (readonly [string, string])[];
  readonly content: string;
  readonly trailers: readonly (readonly [string, string])[];
}

export interface Reading {
  readonly messages: readonly Message[];
  /** `open`: it waits for more; `closed`: the last message ended the connection; `wrong`: it rejected the stream. */
  readonly end: 'open' | 'closed' | 'wrong';
  /** Why it rejected the stream: our message, or the code of node:http. */
  readonly problem: string;
}

/**
 * The first message that differs, by its index: each parser read it, rejected it, waits for it, or did not parse it.
 */
export interface Difference {
  readonly at: number;
  readonly ours: Message | Reading['end'];
  readonly theirs: Message | Reading['end'];
  readonly ourProblem: string;
  readonly theirProblem: string;
}

/** The first difference; null when there is none. The bytes behind it are not compared. */
export function differenceOf(ours: Reading, theirs: Reading): Difference | null {
  const count = Math.min(ours.messages.length, theirs.messages.length);
  let at = 0;
  while (at < count && JSON.stringify(ours.messages[at]) === JSON.stringify(theirs.messages[at])) at++;
  const [ourMessage, theirMessage] = [ours.messages[at] ?? ours.end, theirs.messages[at] ?? theirs.end];
  if (ourMessage === theirMessage) return null;
  return { at, ours: ourMessage, theirs: theirMessage, ourProblem: ours.problem, theirProblem: theirs.problem };
}
