// The application that every model serves in a comparison, in the style of WSGI. `/text` returns the query string, so
// that each response can be checked against its request.

import { burn, sleep } from './peers/work.ts';

type StartResponse = (status: string, headers: readonly (readonly [string, string])[]) => unknown;

const HEADERS = [['Content-Type', 'text/plain; charset=utf-8']] as const;

export function application(
  environ: Readonly<Record<string, unknown>>,
  startResponse: StartResponse,
): string | Promise<string> {
  const path = environ['PATH_INFO'];
  startResponse(path === '/text' || path === '/sleep' || path === '/burn' ? '200 OK' : '404 Not Found', HEADERS);
  if (path === '/text') return String(environ['QUERY_STRING']);
  if (path === '/sleep') return sleep().then(() => 'slept\n');
  return path === '/burn' ? burn() : 'no such page\n';
}
