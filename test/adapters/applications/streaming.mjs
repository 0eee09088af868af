// Applications of frameworks that stream, and one that sets fields of the connection. Each has a name.

import { createEventStream, H3 } from 'h3';
import { Hono } from 'hono';
import { stream, streamSSE, streamText } from 'hono/streaming';

export const hono = new Hono();
hono.get('/sse', (context) =>
  streamSSE(context, async (events) => {
    for (const data of ['a', 'b']) await events.writeSSE({ data });
  }),
);
hono.get('/text', (context) =>
  streamText(context, async (text) => {
    for (const piece of ['a', 'b']) await text.write(piece);
  }),
);
hono.get('/bytes', (context) =>
  stream(context, async (bytes) => {
    for (const piece of [65, 66]) await bytes.write(Uint8Array.of(piece));
  }),
);

export const h3 = new H3();
h3.get('/sse', (event) => {
  const events = createEventStream(event);
  void events.push(['a', 'b']).then(() => events.close());
  return events.send();
});

export function fetch(request) {
  const { searchParams } = new URL(request.url);
  return new Response('äbc', { headers: [...searchParams] });
}
