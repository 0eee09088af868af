// What a checker says when a run broke a rule.

/** The rules, by the names under which failures are told. */
export const CHECKERS = {
  answers: "a client's bytes are the right answers to its own requests, in their order",
  framing: 'every answer is valid HTTP/1.1',
  completeness: 'who was not hurt gets every answer whole',
  descriptors: 'every descriptor is closed exactly once and never used afterwards',
  deadlines: 'who is too slow is ended in time, and not before',
  liveness: 'nobody waits for ever',
  fairness: 'nobody who is ready waits more than a bounded number of turns',
  spin: 'a turn makes progress, or there is none',
  edges: 'before the loop blocks, everything that was reported was read',
  bounds: 'what is held for one connection is bounded',
  handlers: 'a handler sees every request once, whole, of the same client throughout, and learns of its leaving',
  log: 'every request that was handled has one line in the access log',
  leaks: 'in the end nothing is left',
  stale: 'events of earlier lives of a descriptor are dropped',
  repeatable: 'the same seed makes the same calls',
  crash: 'nothing is thrown that was not planned',
} as const;

export type CheckerName = keyof typeof CHECKERS;

export class CheckFailure extends Error {
  readonly checker: CheckerName;

  constructor(checker: CheckerName, what: string) {
    super(`${checker}: ${what}`);
    this.name = 'CheckFailure';
    this.checker = checker;
  }
}
