// Sends a case in one of its deliveries and gathers what came back. It must not know what is right.

import type { Case, Delivery, Expectation, Step } from './case.ts';
import type { Outcome } from './judge.ts';
import { filledIn, type Target } from './target.ts';
import { Visitor } from './visitor.ts';

/** One way of sending: a delivery, and for `split` where. */
export interface Sending {
  readonly delivery: Delivery;
  readonly at: number;
}

/** Between two writes, so that they arrive as two. */
const GAP_MS = 3;
const DRIP_GAP_MS = 1;
/** Longer cases are not dripped: it would take longer than it tells. */
const MAX_DRIP_BYTES = 1_200;
/** For a connection that is about to end. */
const END_MS = 30;
/** For an answer that should not come. */
const SILENCE_MS = 500;

/** The sendings of a case; at most `maxSplits` splits, evenly spread over longer ones. */
export function sendingsOf(example: Case, maxSplits: number): readonly Sending[] {
  const { length } = example.bytes;
  return example.deliveries.flatMap((delivery): readonly Sending[] => {
    if (delivery === 'drip' && length > MAX_DRIP_BYTES) return [];
    if (delivery !== 'split') return [{ delivery, at: 0 }];
    const cuts = Math.min(length - 1, maxSplits);
    return Array.from({ length: cuts }, (_, i) => ({ delivery, at: 1 + Math.floor((i * (length - 1)) / cuts) }));
  });
}

/** How many answers show that the case is over. */
function wantedAnswers(expect: readonly Expectation[]): number {
  return Math.max(...expect.map((each) => (each.kind === 'answers' ? each.statuses.length : 1)));
}

/** A request by which is seen where the server believes that the next one begins. */
function nextRequest(target: Target, serial: number): { bytes: string; isNext: Outcome['isNext'] } {
  if (!target.parts.has('echo')) {
    const bytes = filledIn('GET {page} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n', target);
    return { bytes, isNext: ({ status }) => status === target.pageStatus };
  }
  const word = `next-${serial.toString(36).padStart(6, '0')}`;
  const head = `POST /echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: ${word.length}\r\nConnection: close\r\n\r\n`;
  const isNext: Outcome['isNext'] = ({ status, content }) => status === 200 && content.toString('latin1') === word;
  return { bytes: filledIn(head, target) + word, isNext };
}

/** @throws EpollServerError `ERR_TARGET` when the server cannot be reached any more. */
export async function deliver(
  example: Case,
  sending: Sending,
  target: Target,
  serial: number,
  timeoutMs: number,
): Promise<Outcome> {
  const next = nextRequest(target, serial);
  const nextMethod = target.parts.has('echo') ? 'POST' : 'GET';
  const asked = { methods: [...example.methods, nextMethod], old: example.old };
  const visitor = await Visitor.open(target.address, asked, timeoutMs);
  const delivery = new Exchange(visitor, example, target, timeoutMs);
  try {
    const followed = await delivery.run(sending, next.bytes);
    const { answers, interim, problem } = visitor.reader;
    return {
      answers,
      interim,
      end: visitor.end,
      problem: delivery.problem || problem,
      followed,
      isNext: next.isNext,
      broken: visitor.reader.broken,
    };
  } finally {
    visitor.leave();
  }
}

class Exchange {
  /** What the script waited for in vain. */
  problem = '';
  readonly #visitor: Visitor;
  readonly #example: Case;
  readonly #target: Target;
  readonly #timeoutMs: number;
  readonly #wanted: number;

  constructor(visitor: Visitor, example: Case, target: Target, timeoutMs: number) {
    this.#visitor = visitor;
    this.#example = example;
    this.#target = target;
    this.#timeoutMs = timeoutMs;
    this.#wanted = wantedAnswers(example.expect);
  }

  /** Returns whether the next request was sent behind the case. */
  async run({ delivery, at }: Sending, next: string): Promise<boolean> {
    const bytes = filledIn(this.#example.bytes, this.#target);
    if (delivery === 'script') return this.#script(this.#example.steps ?? []);
    if (this.#example.expect.every(({ kind }) => kind === 'notServed')) return this.#silence(bytes);
    if (delivery === 'whole') return this.#whole(bytes, next);
    const pieces =
      delivery === 'split' ? [bytes.slice(0, at), bytes.slice(at)] : delivery === 'drip' ? [...bytes] : [bytes];
    await this.#pieces(pieces, next, delivery === 'drip' ? DRIP_GAP_MS : GAP_MS);
    await this.#visitor.answers(this.#wanted + 1, this.#timeoutMs);
    await this.#visitor.ended(this.#timeoutMs / 4);
    return true;
  }

  async #pieces(pieces: readonly string[], next: string, gapMs: number): Promise<void> {
    for (const [i, piece] of pieces.entries()) {
      if (i > 0) await this.#visitor.ended(gapMs);
      this.#visitor.send(i === pieces.length - 1 ? piece + next : piece);
    }
  }

  async #whole(bytes: string, next: string): Promise<boolean> {
    const visitor = this.#visitor;
    visitor.send(bytes);
    const isAnswered = await visitor.answers(this.#wanted, this.#timeoutMs);
    await visitor.ended(END_MS);
    if (visitor.end !== null || !isAnswered || visitor.reader.problem !== '') return false;
    visitor.send(next);
    await visitor.answers(this.#wanted + 1, this.#timeoutMs);
    await visitor.ended(this.#timeoutMs / 4);
    return true;
  }

  async #silence(bytes: string): Promise<boolean> {
    this.#visitor.send(bytes);
    await this.#visitor.answers(1, SILENCE_MS);
    return false;
  }

  async #script(steps: readonly Step[]): Promise<boolean> {
    const visitor = this.#visitor;
    for (const step of steps) {
      if (step.do === 'send') visitor.send(filledIn(step.bytes, this.#target));
      else if (step.do === 'finish') visitor.finish();
      else if (step.do === 'answers') await visitor.answers(step.count, this.#timeoutMs);
      else {
        const { status } = step;
        const came = await visitor.until(
          () => visitor.reader.interim.some(([each]) => each === status),
          this.#timeoutMs,
        );
        if (!came) this.problem = `no ${status} came`;
      }
    }
    const isSilent = this.#example.expect.every(({ kind }) => kind === 'notServed');
    if (!isSilent) await visitor.answers(this.#wanted, this.#timeoutMs);
    const mustEnd = this.#example.expect.some((each) => each.kind === 'answers' && each.after === 'closed');
    await visitor.ended(isSilent ? SILENCE_MS : mustEnd ? this.#timeoutMs : END_MS);
    return false;
  }
}
