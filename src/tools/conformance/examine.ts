// Runs cases against a server: a bounded number of connections at once, within a bounded time.

import { ANSWER_RULES, type AnswerRule } from './answers.ts';
import type { Case, Level } from './case.ts';
import { deliver, type Sending, sendingsOf } from './deliver.ts';
import { judge, type Outcome, summary } from './judge.ts';
import type { Target } from './target.ts';

export type Verdict = 'passed' | 'failed' | 'warned' | 'skipped';

/** What became of one case. */
export interface CaseResult {
  readonly id: string;
  readonly group: string;
  readonly title: string;
  readonly level: Level;
  readonly rfc: string;
  readonly why: string;
  /** `failed`: something that MUST be; `warned`: something that SHOULD be. */
  readonly verdict: Verdict;
  /** What was wrong, and in which delivery; why it was skipped. */
  readonly detail: string;
  readonly deliveries: number;
}

export interface ExamineOptions {
  /** Connections at once. */
  readonly maxConnections: number;
  /** For one answer. */
  readonly timeoutMs: number;
  /** For all of it: what is left then is skipped. */
  readonly maxDurationMs: number;
  /** Splits of one case; a case with more bytes is cut at places spread evenly over it. */
  readonly maxSplits: number;
  /** Told after every case. */
  readonly onResult?: (result: CaseResult, done: number, all: number) => void;
}

/** Runs `cases` against `target`; the results in their order, and then those of the rules for every answer. */
export async function examine(
  target: Target,
  cases: readonly Case[],
  options: ExamineOptions,
): Promise<readonly CaseResult[]> {
  const examination = new Examination(target, options, cases.length);
  const results: CaseResult[] = [];
  for (const group of new Set(cases.map((each) => each.group))) {
    const ofGroup = cases.filter((each) => each.group === group);
    results.push(...(await Promise.all(ofGroup.map((each) => examination.run(each)))));
  }
  return [...results, ...examination.rules()];
}

class Examination {
  readonly #target: Target;
  readonly #options: ExamineOptions;
  readonly #endMs: number;
  readonly #all: number;
  readonly #broken = new Map<AnswerRule, string>();
  #done = 0;
  #serial = 0;
  #connections = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(target: Target, options: ExamineOptions, all: number) {
    this.#target = target;
    this.#options = options;
    this.#all = all;
    this.#endMs = performance.now() + options.maxDurationMs;
  }

  async run(example: Case): Promise<CaseResult> {
    const result = await this.#examine(example);
    this.#options.onResult?.(result, ++this.#done, this.#all);
    return result;
  }

  /** What every answer is held to, whatever it answers. */
  rules(): readonly CaseResult[] {
    return Object.entries(ANSWER_RULES).map(([rule, [title, rfc]]) => {
      const first = [...this.#broken].find(([broken]) => broken === rule)?.[1];
      return {
        id: `answers/${rule}`,
        group: 'answers',
        title,
        level: 'must',
        rfc,
        why: 'held against every answer that came',
        verdict: first === undefined ? 'passed' : 'failed',
        detail: first === undefined ? '' : `first broken in ${first}`,
        deliveries: 0,
      };
    });
  }

  async #examine(example: Case): Promise<CaseResult> {
    const missing = example.needs.filter((part) => !this.#target.parts.has(part));
    if (missing.length > 0) return resultOf(example, 'skipped', `the target has no ${missing.join(', no ')}`, 0);
    const sendings = sendingsOf(example, this.#options.maxSplits);
    const met = new Map<number, Sending>();
    let count = 0;
    // In the order of deliveries: what fails whole is not split.
    for (const delivery of new Set(sendings.map((each) => each.delivery))) {
      const those = sendings.filter((each) => each.delivery === delivery);
      const outcomes = await Promise.all(those.map((sending) => this.#send(example, sending)));
      count += outcomes.length;
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome === 'late') return resultOf(example, 'skipped', 'out of time', count);
        if ('why' in outcome) return failed(example, `${nameOf(those[i])}: ${outcome.why}`, count);
        const sending = those[i];
        if (sending !== undefined && !met.has(outcome.met)) met.set(outcome.met, sending);
      }
    }
    if (met.size > 1)
      return failed(
        example,
        `the outcome depends on delivery: ${[...met.values()].map(nameOf).join(' and ')} differ`,
        count,
      );
    return resultOf(example, 'passed', '', count);
  }

  /** Tried again once: a busy machine is no fault of the server. */
  async #send(example: Case, sending: Sending): Promise<{ met: number } | { why: string } | 'late'> {
    const first = await this.#sendOnce(example, sending, 1);
    return first !== 'late' && 'why' in first ? this.#sendOnce(example, sending, 2) : first;
  }

  async #sendOnce(
    example: Case,
    sending: Sending,
    patience: number,
  ): Promise<{ met: number } | { why: string } | 'late'> {
    await this.#enter();
    try {
      if (performance.now() > this.#endMs) return 'late';
      const { timeoutMs } = this.#options;
      const outcome = await deliver(example, sending, this.#target, ++this.#serial, timeoutMs * patience);
      this.#remember(example, outcome);
      const judged = judge(example, outcome, this.#target.pageStatus);
      return 'met' in judged ? judged : { why: judged.why || summary(outcome) };
    } finally {
      this.#leave();
    }
  }

  #remember(example: Case, { broken }: Outcome): void {
    for (const rule of broken) if (!this.#broken.has(rule)) this.#broken.set(rule, example.id);
  }

  async #enter(): Promise<void> {
    if (this.#connections < this.#options.maxConnections) this.#connections++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The place goes to who waits longest. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#connections--;
    else next();
  }
}

function nameOf(sending: Sending | undefined): string {
  return sending?.delivery === 'split' ? `split at ${sending.at}` : (sending?.delivery ?? '');
}

function failed(example: Case, detail: string, deliveries: number): CaseResult {
  return resultOf(example, example.level === 'must' ? 'failed' : 'warned', detail, deliveries);
}

function resultOf(example: Case, verdict: Verdict, detail: string, deliveries: number): CaseResult {
  const { id, group, title, level, rfc, why } = example;
  return { id, group, title, level, rfc, why, verdict, detail, deliveries };
}
