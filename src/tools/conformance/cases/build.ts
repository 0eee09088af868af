// Functions and constants with which the tables of cases are written.

import type {
  Case,
  Delivery,
  Expectation,
  ExpectedResponses,
  Level,
  NotServed,
  Part,
  Rejected,
  Step,
} from '../case.ts';
import { PAGE_STATUS } from '../case.ts';

export const HOST = 'Host: {host}\r\n';

const EVERY_DELIVERY: readonly Delivery[] = ['whole', 'pipelined', 'split', 'drip'];
/** Deliveries for long or costly cases, and for bytes in which a cut makes no difference. */
export const UNSPLIT: readonly Delivery[] = ['whole', 'pipelined'];

/** A GET of the page, with further field lines. */
export function get(lines = '', target = '{page}', method = 'GET', version = 'HTTP/1.1'): string {
  return `${method} ${target} ${version}\r\n${HOST}${lines}\r\n`;
}

/** A POST to the echo. */
export function post(lines: string, body = '', target = '/echo'): string {
  return `POST ${target} HTTP/1.1\r\n${HOST}${lines}\r\n${body}`;
}

/** A chunked POST to the echo: `body` is the encoded content. */
export function chunked(body: string, lines = ''): string {
  return post(`Transfer-Encoding: chunked\r\n${lines}`, body);
}

/** A response as for the page; the connection stays open. */
export const SERVED: ExpectedResponses = { kind: 'responses', statuses: [[PAGE_STATUS]], after: 'open' };
/** A response as for the page; the connection may end. */
export const SERVED_ONCE: ExpectedResponses = { ...SERVED, after: 'either' };
/** A response as for the page, then the end of the connection. */
export const SERVED_LAST: ExpectedResponses = { ...SERVED, after: 'closed' };

/** The echo returns `content`. */
export function echoes(content: string, after: ExpectedResponses['after'] = 'open'): ExpectedResponses {
  return { kind: 'responses', statuses: [[200]], contents: [content], after };
}

/** A response with one of `statuses`. */
export function responds(statuses: readonly number[], more: Partial<ExpectedResponses> = {}): ExpectedResponses {
  return { kind: 'responses', statuses: [statuses], after: 'either', ...more };
}

/** Rejected with one of `statuses` (default 400), or without a response, and closed. */
export function rejected(...statuses: readonly number[]): Rejected {
  return { kind: 'rejected', statuses: statuses.length === 0 ? [400] : statuses, after: 'closed' };
}

/** Rejected; the connection may stay open if the next request is read where it begins. */
export function declined(...statuses: readonly number[]): Rejected {
  return { ...rejected(...statuses), after: 'either' };
}

export const NOT_SERVED: NotServed = { kind: 'notServed' };

/** Any client error, and what is not implemented. */
export const ANY_ERROR: readonly number[] = [...Array.from({ length: 100 }, (_, i) => 400 + i), 501, 505];

interface More {
  readonly level?: Level;
  readonly needs?: readonly Part[];
  readonly methods?: readonly string[];
  readonly http10?: readonly number[];
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

/** One case: a title, its section, the reason, its bytes, and the allowed outcomes. */
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

/** Completes the drafts of a group: ids and defaults. */
export function group(name: string, defaults: More, drafts: readonly Draft[]): readonly Case[] {
  const seen = new Map<string, number>();
  return drafts.map((each) => {
    const words = each.title
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '');
    const count = (seen.get(words) ?? 0) + 1;
    seen.set(words, count);
    const whole = { level: 'must', needs: ['page'], methods: ['GET'], http10: [], deliveries: EVERY_DELIVERY } as const;
    return { ...whole, ...defaults, ...each, id: `${name}/${words}${count === 1 ? '' : `-${count}`}`, group: name };
  });
}
