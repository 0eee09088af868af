// The error responses that the server makes itself. Clients that accept HTML by name, such as browsers, get a page; all
// others get a line of text.

import { namesMediaType } from './accept.ts';
import type { FieldReader } from './conditions.ts';
import { extendFields, type PrecompiledFields, precompileFields } from './fields.ts';
import type { HttpResponse } from './handler.ts';
import { escapeHtml, makePage } from './page.ts';
import { reasonPhrase } from './status.ts';

const STYLE = `
main{padding-top:12vh}
h1{margin:0;font-size:clamp(2rem,1.5rem + 2.4vw,2.875rem);line-height:1.15;letter-spacing:-.02em}
p{margin:1.25rem 0 0;font-size:1.1875rem}
.status{margin:0;color:var(--soft);font-variant-numeric:tabular-nums}
`.trim();

const TEXT = precompileFields({ 'Content-Type': 'text/plain; charset=utf-8', Vary: 'Accept' });
const HTML = precompileFields({ 'Content-Type': 'text/html; charset=utf-8', Vary: 'Accept' });

/** `text`: a sentence, not yet escaped for HTML. */
export function errorPage(status: number, text: string): string {
  const reason = reasonPhrase(status);
  const body = `<p class="status">${status}</p>\n<h1>${escapeHtml(reason)}</h1>\n<p>${escapeHtml(text)}</p>`;
  return makePage({ title: `${status} ${reason}`.trim(), style: STYLE, body });
}

export interface ErrorResponse {
  readonly status: number;
  /** A sentence, for the page. */
  readonly sentence: string;
  /** For clients that do not accept HTML by name. */
  readonly text: string;
  /** More fields: lines `Name: value CRLF`, made by the server itself. */
  readonly lines?: string;
}

/** A handler failed. */
export const INTERNAL_ERROR: ErrorResponse = {
  status: 500,
  sentence: 'The server could not answer this request.',
  text: 'Internal Server Error\n',
};

/** A handler lacks a resource that may be available again soon. */
export const UNAVAILABLE: ErrorResponse = {
  status: 503,
  sentence: 'The server cannot answer this request right now.',
  text: 'Service Unavailable\n',
  lines: 'Retry-After: 1\r\n',
};

/** An error response with a reason: `problem` is a phrase that follows a colon. */
export function problemResponse(status: number, problem: string): ErrorResponse {
  return {
    status,
    sentence: `${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`,
    text: `${status} ${reasonPhrase(status)}: ${problem}\n`,
  };
}

/** Sends `answer` as a page or as text. `request`: null when it was malformed. */
export function sendError(request: FieldReader | null, response: HttpResponse, answer: ErrorResponse): void {
  const { status, sentence, text, lines } = answer;
  if (namesMediaType(request?.header('accept'), 'text/html')) {
    response.send(status, withLines(HTML, lines), errorPage(status, sentence));
  } else {
    response.send(status, withLines(TEXT, lines), text);
  }
}

function withLines(fields: PrecompiledFields, lines: string | undefined): PrecompiledFields {
  return lines === undefined ? fields : extendFields(fields, lines, -1);
}
