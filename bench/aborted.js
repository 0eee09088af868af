// Measures the memory that is kept for requests whose client closed the connection, after a garbage collection. Two
// kinds: requests that never get a response, and responses that stream and never end.
//   node bench/aborted.js [--count N] [--adapter wsgi|fetch]

import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ControlledChild } from './children.js';

const SERVER = fileURLToPath(new URL('servers/bodies.js', import.meta.url));
const CLIENTS = 64;
const WARM_UP = 2_000;

/** Sends one request and resets the connection: after the first response bytes, or before any. */
async function reset(port, path) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  if (path === '/endless') await once(socket, 'data');
  else await new Promise((resolve) => setImmediate(resolve));
  socket.resetAndDestroy();
}

async function resetMany(port, count) {
  let remaining = count;
  const one = async () => {
    while (remaining-- > 0) await reset(port, remaining % 2 === 0 ? '/never' : '/endless');
  };
  await Promise.all(Array.from({ length: CLIENTS }, one));
}

async function settled(child) {
  for (;;) {
    const { connections } = await child.query('stats');
    if (connections.open === 0) return child.query('gc');
  }
}

const { values } = parseArgs({
  options: { count: { type: 'string', default: '100000' }, adapter: { type: 'string', default: 'fetch' } },
});
const count = Number(values.count);
const child = new ControlledChild('bodies', process.execPath, ['--expose-gc', SERVER, values.adapter]);
const port = Number(/^PORT (\d+)$/.exec(await child.line())?.[1]);
await resetMany(port, WARM_UP);
const before = await settled(child);
await resetMany(port, count);
const after = await settled(child);
const { requests } = await child.query('stats');
const kept = (name) => ((after[name] - before[name]) / count).toFixed(2);
process.stdout.write(
  `${values.adapter}: ${count} aborted requests (the server counted ${requests.aborted} of ${requests.handled} as aborted): ` +
    `${kept('heapUsed')} bytes of heap and ${kept('external')} bytes of buffers kept per request\n`,
);
await child.end();
process.exit();
