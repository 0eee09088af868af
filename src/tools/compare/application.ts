// What the models answer when they are compared: an application in the style of WSGI, so that every model does the
// same. `/text` gives the query back, which tells one answer from another.

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
