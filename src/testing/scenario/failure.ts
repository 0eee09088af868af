// The failure of a check: a broken rule of a run.

/** The rules, by the names in failures. */
export const CHECKERS = {
  answers: 'a client receives the correct responses to its own requests, in their order',
  framing: 'every response is valid HTTP/1.1',
  completeness: 'a client without an injected fault gets every response completely',
  descriptors: 'every descriptor is closed exactly once and never used afterwards',
  deadlines: 'a client that is too slow is disconnected in time, and not before',
  liveness: 'no client waits for ever',
  fairness: 'a ready client waits a bounded number of turns',
  spin: 'every turn makes progress',
  edges: 'before the loop blocks, all reported input was read',
  bounds: 'the buffers of a connection are bounded',
  handlers: 'a handler gets every request once and complete, and is notified when its client leaves',
  log: 'every handled request has one line in the access log',
  leaks: 'at the end no resource is open',
  stale: 'events of earlier generations of a descriptor are dropped',
  repeatable: 'the same seed makes the same calls',
  crash: 'no unexpected error is thrown',
} as const;

/** One of the keys of {@link CHECKERS}. */
export type CheckerName = keyof typeof CHECKERS;

/** A violated rule. */
export class CheckFailure extends Error {
  /** The rule. */
  readonly checker: CheckerName;

  /** `what`: a description of the violation. */
  constructor(checker: CheckerName, what: string) {
    super(`${checker}: ${what}`);
    this.name = 'CheckFailure';
    this.checker = checker;
  }
}
