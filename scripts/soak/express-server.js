// An Express application over this server, for scripts/soak-node.js. Its parent asks it for what it holds.
import { readdirSync } from 'node:fs';
import express from 'express';
import { createServer } from '../../dist/node.js';

const STREAMED = 'x'.repeat(16_384);

/** Responses that began, closed, and closed more than once. */
const responses = { begun: 0, closed: 0, again: 0 };

const app = express();
/** What has begun and not closed. */
const open = new Set();

app.use((request, response, next) => {
  responses.begun++;
  const name = `${request.method} ${request.url}`;
  const isOpen = { name };
  open.add(isOpen);
  let isClosed = false;
  response.on('close', () => {
    if (isClosed) responses.again++;
    isClosed = true;
    open.delete(isOpen);
    responses.closed++;
  });
  next();
});
app.get('/', (_request, response) => response.send('done\n'));
app.post('/json', express.json(), (request, response) =>
  response.send(`${Object.keys(request.body ?? {}).length} done\n`),
);
app.get('/later', (_request, response) => setImmediate(() => response.send('done\n')));
app.get('/stream', (_request, response) => {
  let left = 8;
  const next = () => {
    if (response.destroyed) return;
    if (left-- === 0) response.end('done\n');
    else if (response.write(STREAMED)) setImmediate(next);
    else response.once('drain', next);
  };
  next();
});
// Express needs four parameters to take it for one. What the body parser says of a client that left has no reader.
app.use((_error, _request, response, _next) => response.destroy());

const server = createServer(app);
// A client that a busy machine keeps from sending must not find its connection closed.
server.keepAliveTimeout = 300_000;
server.headersTimeout = 0;
server.requestTimeout = 0;

process.on('message', async () => {
  // Two turns, so that what has closed is released.
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
  globalThis.gc();
  const connections = await new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
  const { heapUsed, rss, arrayBuffers, external } = process.memoryUsage();
  const descriptors = readdirSync('/proc/self/fd').length;
  const timers = process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
  process.send({
    heapUsed,
    rss,
    external,
    arrayBuffers,
    descriptors,
    connections,
    timers,
    open: [...open].slice(0, 5).map(({ name }) => name),
    ...responses,
  });
});

server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
