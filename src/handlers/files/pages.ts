// Small pages of the server's own: what went wrong, and where a folder is. Nothing of a request stands in them
// that was not escaped.

import { type PreparedFields, prepareFields } from '../../http/fields.ts';
import type { HttpResponse } from '../../http/handler.ts';
import type { Pairs } from './representation.ts';

export const HTML = ['Content-Type', 'text/html; charset=utf-8'] as const;

/** Methods that exist (RFC 9110, 5789, 4918) and are not for files; others are 501. */
const KNOWN_METHODS = new Set([
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'CONNECT',
  'TRACE',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
]);

const ALLOW = ['Allow', 'GET, HEAD, OPTIONS'] as const;
const ALLOWED: PreparedFields = prepareFields([ALLOW]);

/** Answers what files cannot: 204 for OPTIONS, 405, or 501. */
export function answerMethod(method: string, response: HttpResponse, extra: Pairs): void {
  if (method === 'OPTIONS') response.send(204, ALLOWED);
  else if (KNOWN_METHODS.has(method)) {
    response.send(405, [ALLOW, HTML, ...extra], page(405, 'Files can be read with GET and HEAD.'));
  } else response.send(501, [HTML, ...extra], page(501, 'This method is not known here.'));
}

/**
 * Sends the client to `location`, which is relative: `//host` in a path leads nowhere else, and `./` keeps a colon
 * from being taken for a scheme.
 */
export function redirect(response: HttpResponse, location: string, query: string, extra: Pairs): void {
  const fields = [['Location', `${location}${query === '' ? '' : `?${query}`}`], HTML, ...extra] as const;
  response.send(301, fields, page(301, 'This is somewhere else now.'));
}

export function page(status: number, text: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${status}</title><h1>${status}</h1><p>${text}</p></html>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
