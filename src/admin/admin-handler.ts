// The handler of the admin listener: probes, metrics and the status. It answers nothing else.

import { messageOf } from '../errors.ts';
import { sendError } from '../http/error-response.ts';
import { precompileFields } from '../http/fields.ts';
import type { Handler, HttpRequest, HttpResponse } from '../http/handler.ts';
import { METRICS_TYPE, metricsText } from './metrics-text.ts';
import type { Snapshot } from './snapshot.ts';
import { statusJson, statusPage } from './status-page.ts';

/** What the admin listener shows. */
export interface AdminView {
  /** Why no client should come, such as `draining`; empty: the server is ready. */
  unready(): Promise<string>;
  /** Null: nothing serves yet. */
  snapshot(): Promise<Snapshot | null>;
  /** The addresses of the server. */
  readonly places: readonly string[];
}

const PLAIN = precompileFields({ 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
const METRICS = precompileFields({ 'Content-Type': METRICS_TYPE, 'Cache-Control': 'no-store' });
const JSON_FIELDS = precompileFields({
  'Content-Type': 'application/json',
  'Cache-Control': 'no-store',
  Vary: 'Accept',
});
const PAGE = precompileFields({
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
  Vary: 'Accept',
  'X-Content-Type-Options': 'nosniff',
});

const NOT_FOUND = {
  status: 404,
  sentence: 'The admin listener has /livez, /readyz, /metrics and /status.',
  text: 'Not Found: the admin listener has /livez, /readyz, /metrics and /status\n',
} as const;

export function adminHandler(view: AdminView): Handler {
  return async (request, response) => {
    const { path, method } = request;
    if (method !== 'GET' && method !== 'HEAD')
      return response.send(405, { Allow: 'GET, HEAD' }, 'Method Not Allowed\n');
    if (path === '/livez') return response.send(200, PLAIN, 'ok\n');
    if (path === '/readyz') return sendReady(await view.unready(), response);
    if (path === '/metrics') return sendMetrics(view, response);
    if (path === '/status' || path === '/') return sendStatus(view, request, response);
    sendError(request, response, NOT_FOUND);
  };
}

function sendReady(unready: string, response: HttpResponse): void {
  if (unready === '') response.send(200, PLAIN, 'ok\n');
  else response.send(503, PLAIN, `${unready}\n`);
}

async function sendMetrics(view: AdminView, response: HttpResponse): Promise<void> {
  const [snapshot, unready] = await Promise.all([view.snapshot(), view.unready().catch(messageOf)]);
  response.send(200, METRICS, metricsText(snapshot, unready === ''));
}

/** Browsers ask for text/html first; programs get JSON. */
async function sendStatus(view: AdminView, request: HttpRequest, response: HttpResponse): Promise<void> {
  const [snapshot, unready] = await Promise.all([view.snapshot(), view.unready()]);
  const status = { unready, places: view.places, snapshot };
  const wantsPage = request.header('accept')?.includes('text/html') === true && request.query !== 'json';
  if (wantsPage) response.send(200, PAGE, statusPage(status));
  else response.send(200, JSON_FIELDS, statusJson(status));
}
