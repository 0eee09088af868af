// Runs cases against a server: with a limit of concurrent connections and of time.

import type { Case, Level } from './case.ts';
import { deliver, type Sending, sendingsOf } from './deliver.ts';
import { judge, type Outcome, summary } from './judge.ts';
import { RESPONSE_RULES, type ResponseRule } from './response-reader.ts';
import type { Target } from './target.ts';

export type Verdict = 'passed' | 'failed' | 'warned' | 'skipped';

/** The result of one case. */
export interface CaseResult {
  readonly id: string;
  readonly group: string;
  readonly title: string;
  readonly level: Level;
  readonly rfc: string;
  readonly why: string;
  /** `failed`: a MUST is violated; `warned`: a SHOULD is violated. */
  readonly verdict: Verdict;
  /** What was wrong and in which delivery, or why the case was skipped. */
  readonly detail: string;
  readonly deliveries: number;
}

export interface ExamineOptions {
  /** The limit of concurrent connections. */
  readonly maxConnections: number;
  /** The time limit for one response. */
  readonly timeoutMs: number;
  /** The limit for the whole run; the remaining cases are skipped. */
  readonly maxDurationMs: number;
  /** The limit of splits for a case; a longer case is cut at evenly spread indexes. */
  readonly maxSplits: number;
  /** Called after every case. */
  readonly onResult?: (result: CaseResult, done: number, all: number) => void;
}

/** Runs `cases` against `target`. Returns their results in order, then those of the rules for every response. */
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
  readonly #broken = new Map<ResponseRule, string>();
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

  /** The results of the rules for every response. */
  rules(): readonly CaseResult[] {
    return Object.entries(RESPONSE_RULES).map(([rule, [title, rfc]]) => {
      const first = [...this.#broken].find(([broken]) => broken === rule)?.[1];
      return {
        id: `responses/${rule}`,
        group: 'responses',
        title,
        level: 'must',
        rfc,
        why: 'checked for every response',
        verdict: first === undefined ? 'passed' : 'failed',
        detail: first === undefined ? '' : `first violated in ${first}`,
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
    // In the order of deliveries: a case that fails whole is not split.
    for (const delivery of new Set(sendings.map((each) => each.delivery))) {
      const those = sendings.filter((each) => each.delivery === delivery);
      const outcomes = await Promise.all(those.map((sending) => this.#send(example, sending)));
      count += outcomes.length;
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome === 'late') return resultOf(example, 'skipped', 'time limit reached', count);
        if ('why' in outcome) return failed(example, `${nameOf(those[i])}: ${outcome.why}`, count);
        const sending = those[i];
        if (sending !== undefined && !met.has(outcome.met)) met.set(outcome.met, sending);
      }
    }
    if (met.size > 1)
      return failed(
        example,
        `the outcome depends on the delivery: ${[...met.values()].map(nameOf).join(' and ')} differ`,
        count,
      );
    return resultOf(example, 'passed', '', count);
  }

  /** Retries once with more time: a slow machine is not a fault of the server. */
  async #send(example: Case, sending: Sending): Promise<{ met: number } | { why: string } | 'late'> {
    const first = await this.#sendOnce(example, sending, 1);
    return first !== 'late' && 'why' in first ? this.#sendOnce(example, sending, 2) : first;
  }

  async #sendOnce(
    example: Case,
    sending: Sending,
    timeoutFactor: number,
  ): Promise<{ met: number } | { why: string } | 'late'> {
    await this.#acquireSlot();
    try {
      if (performance.now() > this.#endMs) return 'late';
      const { timeoutMs } = this.#options;
      const outcome = await deliver(example, sending, this.#target, ++this.#serial, timeoutMs * timeoutFactor);
      this.#remember(example, outcome);
      const judged = judge(example, outcome, this.#target.pageStatus);
      return 'met' in judged ? judged : { why: judged.why || summary(outcome) };
    } finally {
      this.#releaseSlot();
    }
  }

  #remember(example: Case, { broken }: Outcome): void {
    for (const rule of broken) if (!this.#broken.has(rule)) this.#broken.set(rule, example.id);
  }

  async #acquireSlot(): Promise<void> {
    if (this.#connections < this.#options.maxConnections) this.#connections++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Passes the slot to the longest waiting case. */
  #releaseSlot(): void {
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
