// What a parser makes of a stream of bytes: the messages that are whole, and how it stopped.

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
  /** `open`: it waits for more; `closed`: the last message was the connection's last; `wrong`: it refused. */
  readonly end: 'open' | 'closed' | 'wrong';
  /** Why it refused: our text, or the other's code. */
  readonly problem: string;
}

/** Where two readings part: at the message `at`, which each read, refused, waits for, or does not look at. */
export interface Difference {
  readonly at: number;
  readonly ours: Message | Reading['end'];
  readonly theirs: Message | Reading['end'];
  readonly ourProblem: string;
  readonly theirProblem: string;
}

/** The first difference; null when there is none. What either made of the bytes behind it says nothing. */
export function differenceOf(ours: Reading, theirs: Reading): Difference | null {
  const count = Math.min(ours.messages.length, theirs.messages.length);
  let at = 0;
  while (at < count && JSON.stringify(ours.messages[at]) === JSON.stringify(theirs.messages[at])) at++;
  const [ourMessage, theirMessage] = [ours.messages[at] ?? ours.end, theirs.messages[at] ?? theirs.end];
  if (ourMessage === theirMessage) return null;
  return { at, ours: ourMessage, theirs: theirMessage, ourProblem: ours.problem, theirProblem: theirs.problem };
}
