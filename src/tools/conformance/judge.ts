// Whether what came back is one of the things that a case allows. It must not know how it was sent.

import { type Answer, type AnswerRule, fieldOf } from './answers.ts';
import { type Answers, type Case, type Expectation, OF_PAGE } from './case.ts';

/** What one delivery of a case led to. */
export interface Outcome {
  readonly answers: readonly Answer[];
  /** Interim statuses, with the number of final answers in front of each. */
  readonly interim: readonly (readonly [number, number])[];
  readonly end: 'fin' | 'reset' | null;
  /** Why the bytes were no answers; empty when they were. */
  readonly problem: string;
  /** Whether the next request was sent behind. */
  readonly followed: boolean;
  /** Recognises the answer to that request. */
  readonly isNext: (answer: Answer) => boolean;
  /** Rules that its answers broke. */
  readonly broken: ReadonlySet<AnswerRule>;
}

/** Which of the expectations of `example` is met, or why none is. */
export function judge(
  example: Case,
  outcome: Outcome,
  pageStatus: number,
): { readonly met: number } | { readonly why: string } {
  const reasons: string[] = [];
  for (const [index, expectation] of example.expect.entries()) {
    const why = objection(expectation, outcome, pageStatus);
    if (why === '') return { met: index };
    reasons.push(why);
  }
  const [first = ''] = reasons;
  return { why: reasons.every((reason) => reason === first) ? first : reasons.join(', nor: ') };
}

/** What came, in one line. */
export function summary({ answers, end, problem }: Outcome): string {
  const statuses = answers.map(({ status }) => status).join(' ') || 'no answer';
  return `${statuses}, then ${end ?? 'nothing'}${problem === '' ? '' : ` (${problem})`}`;
}

function objection(expectation: Expectation, outcome: Outcome, pageStatus: number): string {
  if (expectation.kind === 'notServed') return notServed(outcome);
  if (
    outcome.problem !== '' &&
    !(expectation.kind === 'refused' && outcome.answers.length === 0 && outcome.problem.startsWith('cut off'))
  ) {
    return `not readable: ${outcome.problem}`;
  }
  return expectation.kind === 'refused'
    ? notRefused(expectation.statuses, expectation.after, outcome)
    : notAnswered(expectation, outcome, pageStatus);
}

function notServed(outcome: Outcome): string {
  const served = outcome.answers.find(({ status }) => status < 400);
  return served === undefined ? '' : `served with ${served.status}`;
}

function notRefused(statuses: readonly number[], after: 'closed' | 'either', outcome: Outcome): string {
  const [answer, ...others] = outcome.answers;
  if (answer === undefined) return outcome.end === null ? 'neither answered nor closed' : '';
  if (!statuses.includes(answer.status)) return `answered ${summary(outcome)}; wanted ${few(statuses)} and the end`;
  const [next, ...more] = others;
  if (next !== undefined) {
    const goesOn = after === 'either' && more.length === 0 && outcome.isNext(next);
    return goesOn ? '' : `went on behind the error: ${summary(outcome)}`;
  }
  return outcome.end === null ? 'the connection was left open behind the error' : '';
}

function notAnswered(wanted: Answers, outcome: Outcome, pageStatus: number): string {
  const { answers } = outcome;
  const count = wanted.statuses.length;
  if (answers.length < count) return `${answers.length} of ${count} answered: ${summary(outcome)}`;
  for (const [i, statuses] of wanted.statuses.entries()) {
    const allowed = statuses.map((status) => (status === OF_PAGE ? pageStatus : status));
    const status = answers[i]?.status ?? 0;
    if (!allowed.includes(status)) return `answered ${status}; wanted ${few(allowed)}`;
    const content = wanted.contents?.[i] ?? null;
    const got = answers[i]?.content.toString('latin1') ?? '';
    if (content !== null && got !== content) return `other content: ${JSON.stringify(got.slice(0, 60))}`;
  }
  return wrongFields(wanted, outcome) || wrongRest(wanted, outcome);
}

function wrongFields(wanted: Answers, { answers: [first], interim }: Outcome): string {
  if (first === undefined) return '';
  for (const [name, pattern] of Object.entries(wanted.fields ?? {})) {
    const value = name === 'x-interim' ? interim[0]?.join(' ') : fieldOf(first, name);
    if (pattern === null && value !== undefined) return `${name} must not be there: ${value}`;
    if (pattern !== null && !pattern.test(value ?? '')) return `${name} is ${value ?? 'missing'}`;
  }
  const text = first.content.toString('latin1');
  return wanted.content?.test(text) === false ? `other content: ${JSON.stringify(text.slice(0, 60))}` : '';
}

/** What came behind the answers: the answer to the next request, or the end, and nothing else. */
function wrongRest(wanted: Answers, outcome: Outcome): string {
  const [next, ...more] = outcome.answers.slice(wanted.statuses.length);
  if (next !== undefined) {
    if (wanted.after === 'closed') return `went on behind its last answer: ${summary(outcome)}`;
    if (more.length > 0 || !outcome.isNext(next)) return `read other requests than were sent: ${summary(outcome)}`;
    return '';
  }
  if (!outcome.followed) return wanted.after === 'closed' && outcome.end === null ? 'the connection was left open' : '';
  if (wanted.after === 'open') return `the request behind it got no answer: ${summary(outcome)}`;
  return outcome.end === null ? 'neither answered the request behind it nor closed' : '';
}

function few(statuses: readonly number[]): string {
  return statuses.length > 8 ? `${statuses[0]} to ${statuses.at(-1)}` : statuses.join(', ');
}
