// A Hono application (npm install hono): node dist/epoll-server.js 9000 examples/hono.js

import { Hono } from 'hono';

const app = new Hono();
app.get('/', (context) => context.text('Hello from Hono\n'));
app.get('/users/:name', (context) => context.json({ name: context.req.param('name') }));
app.post('/echo', async (context) => context.body(await context.req.text()));

export default app;
