// Words with which the tables of cases are written.

import type { Answers, Case, Delivery, Expectation, Level, NotServed, Part, Refused, Step } from '../case.ts';
import { OF_PAGE } from '../case.ts';

export const HOST = 'Host: {host}\r\n';

const EVERY_DELIVERY: readonly Delivery[] = ['whole', 'pipelined', 'split', 'drip'];
/** For long or costly cases, and those whose bytes hold nothing that a cut could hide. */
export const AT_ONCE: readonly Delivery[] = ['whole', 'pipelined'];

/** A GET of the page, with further lines. */
export function get(lines = '', target = '{page}', method = 'GET', version = 'HTTP/1.1'): string {
  return `${method} ${target} ${version}\r\n${HOST}${lines}\r\n`;
}

/** A POST to the echo. */
export function post(lines: string, body = '', target = '/echo'): string {
  return `POST ${target} HTTP/1.1\r\n${HOST}${lines}\r\n${body}`;
}

/** A chunked POST to the echo: `body` is the coded one. */
export function chunked(body: string, lines = ''): string {
  return post(`Transfer-Encoding: chunked\r\n${lines}`, body);
}

/** Answered as the page is, and the connection goes on. */
export const SERVED: Answers = { kind: 'answers', statuses: [[OF_PAGE]], after: 'open' };
/** Answered as the page is; the connection may end. */
export const SERVED_ONCE: Answers = { ...SERVED, after: 'either' };
/** Answered as the page is, and then the connection ends. */
export const SERVED_LAST: Answers = { ...SERVED, after: 'closed' };

/** The echo answers with `content`. */
export function echoes(content: string, after: Answers['after'] = 'open'): Answers {
  return { kind: 'answers', statuses: [[200]], contents: [content], after };
}

/** Answered with one of `statuses`. */
export function answered(statuses: readonly number[], more: Partial<Answers> = {}): Answers {
  return { kind: 'answers', statuses: [statuses], after: 'either', ...more };
}

/** Refused with one of `statuses` (400), or without a word, and closed. */
export function refused(...statuses: readonly number[]): Refused {
  return { kind: 'refused', statuses: statuses.length === 0 ? [400] : statuses, after: 'closed' };
}

/** Refused; the connection may go on where the next request begins. */
export function declined(...statuses: readonly number[]): Refused {
  return { ...refused(...statuses), after: 'either' };
}

export const NOT_SERVED: NotServed = { kind: 'notServed' };

/** Any client's fault, and what is not implemented. */
export const ANY_REFUSAL: readonly number[] = [...Array.from({ length: 100 }, (_, i) => 400 + i), 501, 505];

interface More {
  readonly level?: Level;
  readonly needs?: readonly Part[];
  readonly methods?: readonly string[];
  readonly old?: readonly number[];
  readonly deliveries?: readonly Delivery[];
  readonly steps?: readonly Step[];
}

/** A case without its group. */
export interface Draft extends More {
  readonly title: string;
  readonly rfc: string;
  readonly why: string;
  readonly bytes: string;
  readonly expect: readonly Expectation[];
}

/** One case: a title, its section, why, its bytes, and what may come back. */
export function draft(
  title: string,
  rfc: string,
  why: string,
  bytes: string,
  expect: Expectation | readonly Expectation[],
  more: More = {},
): Draft {
  return { title, rfc, why, bytes, expect: 'kind' in expect ? [expect] : expect, ...more };
}

/** Finishes the drafts of a group: ids, and what was not said. */
export function group(name: string, defaults: More, drafts: readonly Draft[]): readonly Case[] {
  const seen = new Map<string, number>();
  return drafts.map((each) => {
    const words = each.title
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '');
    const count = (seen.get(words) ?? 0) + 1;
    seen.set(words, count);
    const whole = { level: 'must', needs: ['page'], methods: ['GET'], old: [], deliveries: EVERY_DELIVERY } as const;
    return { ...whole, ...defaults, ...each, id: `${name}/${words}${count === 1 ? '' : `-${count}`}`, group: name };
  });
}
