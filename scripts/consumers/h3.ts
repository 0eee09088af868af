// An h3 application as in a deployment: `app.fetch` is the handler.

import { type Server, serve } from 'epoll-server';
import { fetchHandler } from 'epoll-server/fetch';
import { createEventStream, H3 } from 'h3';

const app = new H3();
app.get('/events', (event) => createEventStream(event).send());

export const server: Promise<Server> = serve({ fetch: app.fetch });
export const handlers = [fetchHandler(app), fetchHandler(app.fetch)];
