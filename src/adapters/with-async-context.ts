// Runs each request in its own async context. One entry into JavaScript serves a whole batch of requests. Without this,
// a context that one handler sets with AsyncLocalStorage.enterWith would be visible to the next client.

import { AsyncResource, executionAsyncId } from 'node:async_hooks';
import { type Channel, channel } from 'node:diagnostics_channel';
import type { Handler, HttpRequest, HttpResponse } from '../http/handler.ts';

/** Published before the application of an adapter is called: `{ request, response }`. */
const START: Channel = channel('epoll-server.request.start');
/** Published when the response was sent, or can no longer be: `{ request, response, error }`. */
const FINISH: Channel = channel('epoll-server.request.finish');

/**
 * `handler`, called within a fresh AsyncResource for each request. Every application adapter does it; a raw
 * handler has to be wrapped.
 */
export function withAsyncContext(handler: Handler): Handler {
  const run: Handler = (request, response) => {
    if (FINISH.hasSubscribers) publishFinish(request, response);
    // A subscriber may bind an AsyncLocalStorage to the channel, as tracers do.
    if (START.hasSubscribers) return START.runStores({ request, response }, () => handler(request, response));
    return handler(request, response);
  };
  return (request, response) => {
    // The default, but found sooner: without it, Node 20 searches an object without a prototype (300 instructions).
    const context = new AsyncResource('EPOLL_SERVER_REQUEST', { triggerAsyncId: executionAsyncId() });
    return context.runInAsyncScope(run, undefined, request, response);
  };
}

function publishFinish(request: HttpRequest, response: HttpResponse): void {
  request.retain();
  response.whenSent((error) => FINISH.publish({ request, response, error }));
}
