// Sends a case in one of its deliveries and collects the responses.

import type { Case, Delivery, Expectation, Step } from './case.ts';
import type { Outcome } from './judge.ts';
import { ProbeClient } from './probe-client.ts';
import { filledIn, type Target } from './target.ts';

/** One delivery of a case, for `split` with the index of the cut. */
export interface Sending {
  readonly delivery: Delivery;
  readonly at: number;
}

/** The pause between two writes, so that they arrive as two packets. */
const GAP_MS = 3;
const DRIP_GAP_MS = 1;
/** Longer cases are not sent byte by byte: that would take too long. */
const MAX_DRIP_BYTES = 1_200;
/** How long a connection may take to end after the expected responses. */
const END_MS = 30;
/** How long to wait for a response that should not come. */
const SILENCE_MS = 500;

/** The sendings of a case; at most `maxSplits` splits, evenly spread over longer cases. */
export function sendingsOf(example: Case, maxSplits: number): readonly Sending[] {
  const { length } = example.bytes;
  return example.deliveries.flatMap((delivery): readonly Sending[] => {
    if (delivery === 'drip' && length > MAX_DRIP_BYTES) return [];
    if (delivery !== 'split') return [{ delivery, at: 0 }];
    const cuts = Math.min(length - 1, maxSplits);
    return Array.from({ length: cuts }, (_, i) => ({ delivery, at: 1 + Math.floor((i * (length - 1)) / cuts) }));
  });
}

/** The number of final responses after which the case is complete. */
function expectedCount(expect: readonly Expectation[]): number {
  return Math.max(...expect.map((each) => (each.kind === 'responses' ? each.statuses.length : 1)));
}

/** A request after the case: its response shows where the server read it. */
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
  const sent = { methods: [...example.methods, nextMethod], http10: example.http10 };
  const client = await ProbeClient.open(target.address, sent, timeoutMs);
  const delivery = new CaseRun(client, example, target, timeoutMs);
  try {
    const followed = await delivery.run(sending, next.bytes);
    const { responses, interim, problem } = client.reader;
    return {
      responses,
      interim,
      end: client.end,
      problem: delivery.problem || problem,
      followed,
      isNext: next.isNext,
      broken: client.reader.broken,
    };
  } finally {
    client.reset();
  }
}

class CaseRun {
  /** The interim response that the script did not get. */
  problem = '';
  readonly #client: ProbeClient;
  readonly #example: Case;
  readonly #target: Target;
  readonly #timeoutMs: number;
  readonly #expected: number;

  constructor(client: ProbeClient, example: Case, target: Target, timeoutMs: number) {
    this.#client = client;
    this.#example = example;
    this.#target = target;
    this.#timeoutMs = timeoutMs;
    this.#expected = expectedCount(example.expect);
  }

  /** Resolves to whether the next request was sent after the case. */
  async run({ delivery, at }: Sending, next: string): Promise<boolean> {
    const bytes = filledIn(this.#example.bytes, this.#target);
    if (delivery === 'script') return this.#script(this.#example.steps ?? []);
    if (this.#example.expect.every(({ kind }) => kind === 'notServed')) return this.#expectNoResponse(bytes);
    if (delivery === 'whole') return this.#whole(bytes, next);
    const pieces =
      delivery === 'split' ? [bytes.slice(0, at), bytes.slice(at)] : delivery === 'drip' ? [...bytes] : [bytes];
    await this.#pieces(pieces, next, delivery === 'drip' ? DRIP_GAP_MS : GAP_MS);
    await this.#client.waitForResponses(this.#expected + 1, this.#timeoutMs);
    await this.#client.waitForEnd(this.#timeoutMs / 4);
    return true;
  }

  async #pieces(pieces: readonly string[], next: string, gapMs: number): Promise<void> {
    for (const [i, piece] of pieces.entries()) {
      if (i > 0) await this.#client.waitForEnd(gapMs);
      this.#client.send(i === pieces.length - 1 ? piece + next : piece);
    }
  }

  async #whole(bytes: string, next: string): Promise<boolean> {
    const client = this.#client;
    client.send(bytes);
    const hasResponses = await client.waitForResponses(this.#expected, this.#timeoutMs);
    await client.waitForEnd(END_MS);
    if (client.end !== null || !hasResponses || client.reader.problem !== '') return false;
    client.send(next);
    await client.waitForResponses(this.#expected + 1, this.#timeoutMs);
    await client.waitForEnd(this.#timeoutMs / 4);
    return true;
  }

  async #expectNoResponse(bytes: string): Promise<boolean> {
    this.#client.send(bytes);
    await this.#client.waitForResponses(1, SILENCE_MS);
    return false;
  }

  async #script(steps: readonly Step[]): Promise<boolean> {
    const client = this.#client;
    for (const step of steps) {
      if (step.do === 'send') client.send(filledIn(step.bytes, this.#target));
      else if (step.do === 'finish') client.finish();
      else if (step.do === 'responses') await client.waitForResponses(step.count, this.#timeoutMs);
      else {
        const { status } = step;
        const came = await client.until(() => client.reader.interim.some(([each]) => each === status), this.#timeoutMs);
        if (!came) this.problem = `no interim response ${status}`;
      }
    }
    const isSilent = this.#example.expect.every(({ kind }) => kind === 'notServed');
    if (!isSilent) await client.waitForResponses(this.#expected, this.#timeoutMs);
    const mustEnd = this.#example.expect.some((each) => each.kind === 'responses' && each.after === 'closed');
    await client.waitForEnd(isSilent ? SILENCE_MS : mustEnd ? this.#timeoutMs : END_MS);
    return false;
  }
}
