// Decides whether the responses to a case are one of its allowed outcomes.

import { type Case, type Expectation, type ExpectedResponses, PAGE_STATUS } from './case.ts';
import { fieldOf, type ReceivedResponse, type ResponseRule } from './response-reader.ts';

/** The outcome of one delivery. */
export interface Outcome {
  readonly responses: readonly ReceivedResponse[];
  /** Interim statuses, each with the number of final responses before it. */
  readonly interim: readonly (readonly [number, number])[];
  readonly end: 'fin' | 'reset' | null;
  /** Why the bytes were not valid responses; empty when they were. */
  readonly problem: string;
  /** Whether the next request was sent after the case. */
  readonly followed: boolean;
  /** Recognises the response to that request. */
  readonly isNext: (response: ReceivedResponse) => boolean;
  /** The rules that its responses violated. */
  readonly broken: ReadonlySet<ResponseRule>;
}

/** Returns the index of the met expectation of `example`, or why none is met. */
export function judge(
  example: Case,
  outcome: Outcome,
  pageStatus: number,
): { readonly met: number } | { readonly why: string } {
  const reasons: string[] = [];
  for (const [index, expectation] of example.expect.entries()) {
    const why = objectionTo(expectation, outcome, pageStatus);
    if (why === '') return { met: index };
    reasons.push(why);
  }
  const [first = ''] = reasons;
  return { why: reasons.every((reason) => reason === first) ? first : reasons.join('; or: ') };
}

/** The outcome in one line. */
export function summary({ responses, end, problem }: Outcome): string {
  const statuses = responses.map(({ status }) => status).join(' ') || 'no response';
  return `${statuses}, then ${end ?? 'nothing'}${problem === '' ? '' : ` (${problem})`}`;
}

function objectionTo(expectation: Expectation, outcome: Outcome, pageStatus: number): string {
  if (expectation.kind === 'notServed') return notServed(outcome);
  if (
    outcome.problem !== '' &&
    !(expectation.kind === 'rejected' && outcome.responses.length === 0 && outcome.problem.startsWith('truncated'))
  ) {
    return `invalid response: ${outcome.problem}`;
  }
  return expectation.kind === 'rejected'
    ? notRejected(expectation.statuses, expectation.after, outcome)
    : notResponded(expectation, outcome, pageStatus);
}

function notServed(outcome: Outcome): string {
  const served = outcome.responses.find(({ status }) => status < 400);
  return served === undefined ? '' : `served with ${served.status}`;
}

function notRejected(statuses: readonly number[], after: 'closed' | 'either', outcome: Outcome): string {
  const [response, ...others] = outcome.responses;
  if (response === undefined) return outcome.end === null ? 'neither a response nor the end of the connection' : '';
  if (!statuses.includes(response.status))
    return `got ${summary(outcome)}; expected ${few(statuses)} and the end of the connection`;
  const [next, ...more] = others;
  if (next !== undefined) {
    const goesOn = after === 'either' && more.length === 0 && outcome.isNext(next);
    return goesOn ? '' : `further responses after the error: ${summary(outcome)}`;
  }
  return outcome.end === null ? 'the connection stayed open after the error' : '';
}

function notResponded(expected: ExpectedResponses, outcome: Outcome, pageStatus: number): string {
  const { responses } = outcome;
  const count = expected.statuses.length;
  if (responses.length < count) return `${responses.length} of ${count} responses: ${summary(outcome)}`;
  for (const [i, statuses] of expected.statuses.entries()) {
    const allowed = statuses.map((status) => (status === PAGE_STATUS ? pageStatus : status));
    const status = responses[i]?.status ?? 0;
    if (!allowed.includes(status)) return `got status ${status}; expected ${few(allowed)}`;
    const content = expected.contents?.[i] ?? null;
    const got = responses[i]?.content.toString('latin1') ?? '';
    if (content !== null && got !== content) return `wrong content: ${JSON.stringify(got.slice(0, 60))}`;
  }
  return wrongFields(expected, outcome) || wrongRest(expected, outcome);
}

function wrongFields(expected: ExpectedResponses, { responses: [first], interim }: Outcome): string {
  if (first === undefined) return '';
  for (const [name, pattern] of Object.entries(expected.fields ?? {})) {
    const value = name === 'x-interim' ? interim[0]?.join(' ') : fieldOf(first, name);
    if (pattern === null && value !== undefined) return `unexpected field ${name}: ${value}`;
    if (pattern !== null && !pattern.test(value ?? '')) return `${name} is ${value ?? 'missing'}`;
  }
  const text = first.content.toString('latin1');
  return expected.content?.test(text) === false ? `wrong content: ${JSON.stringify(text.slice(0, 60))}` : '';
}

/** Checks what follows the expected responses: the response to the next request, or the end, and nothing else. */
function wrongRest(expected: ExpectedResponses, outcome: Outcome): string {
  const [next, ...more] = outcome.responses.slice(expected.statuses.length);
  if (next !== undefined) {
    if (expected.after === 'closed') return `further responses after the last expected one: ${summary(outcome)}`;
    if (more.length > 0 || !outcome.isNext(next))
      return `the server read requests that were not sent: ${summary(outcome)}`;
    return '';
  }
  if (!outcome.followed) return expected.after === 'closed' && outcome.end === null ? 'the connection stayed open' : '';
  if (expected.after === 'open') return `no response to the next request: ${summary(outcome)}`;
  return outcome.end === null ? 'neither a response to the next request nor the end of the connection' : '';
}

function few(statuses: readonly number[]): string {
  return statuses.length > 8 ? `${statuses[0]} to ${statuses.at(-1)}` : statuses.join(', ');
}
