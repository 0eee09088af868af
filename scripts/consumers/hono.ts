// A Hono application as in a deployment: `app.fetch` is the handler, with bindings or without.

import { type Server, serve } from 'epoll-server';
import { fetchHandler } from 'epoll-server/fetch';
import { Hono } from 'hono';
import { stream, streamSSE, streamText } from 'hono/streaming';

const app = new Hono();
app.get('/events', (context) => streamSSE(context, (events) => events.writeSSE({ data: 'x' })));
app.get('/text', (context) => streamText(context, async (text) => void (await text.write('x'))));
app.get('/bytes', (context) => stream(context, async (bytes) => void (await bytes.write(new Uint8Array(1)))));

const bound = new Hono<{ Bindings: { name: string }; Variables: { user: string } }>();

export const servers: Promise<Server>[] = [serve({ fetch: app.fetch }), serve({ fetch: bound.fetch })];
export const handlers = [fetchHandler(app), fetchHandler(app.fetch), fetchHandler(bound)];
