// Gives every request an async context of its own. A whole batch of requests is served from one entry
// into JavaScript, so what one handler leaves behind with AsyncLocalStorage.enterWith would otherwise be
// seen by the next client. It must not know what the handler does.

import { AsyncResource } from 'node:async_hooks';
import type { Handler } from '../http/handler.ts';

/**
 * `handler`, called within a fresh AsyncResource for each request. Costs about 3,800 instructions on
 * Node 20; every application adapter does it, the raw handler only when wrapped.
 */
export function withAsyncContext(handler: Handler): Handler {
  return (request, response) => {
    const context = new AsyncResource('EPOLL_SERVER_REQUEST');
    return context.runInAsyncScope(handler, undefined, request, response);
  };
}
