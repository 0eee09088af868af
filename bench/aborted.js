// What is kept of requests whose client left: memory after a collection, before and after many of them, of two kinds:
// those that are never answered, and those whose answer streams and never ends.
//   node bench/aborted.js [--count N] [--adapter wsgi|fetch]

import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Talker } from './children.js';

const SERVER = fileURLToPath(new URL('servers/bodies.js', import.meta.url));
const CLIENTS = 64;
const WARM_UP = 2_000;

/** One request that is left by RST: when its head came, or before anything can come. */
async function leave(port, path) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  if (path === '/endless') await once(socket, 'data');
  else await new Promise((resolve) => setImmediate(resolve));
  socket.resetAndDestroy();
}

async function leaveMany(port, count) {
  let left = count;
  const one = async () => {
    while (left-- > 0) await leave(port, left % 2 === 0 ? '/never' : '/endless');
  };
  await Promise.all(Array.from({ length: CLIENTS }, one));
}

async function settled(talker) {
  for (;;) {
    const { connections } = await talker.ask('stats');
    if (connections.open === 0) return talker.ask('gc');
  }
}

const { values } = parseArgs({
  options: { count: { type: 'string', default: '100000' }, adapter: { type: 'string', default: 'fetch' } },
});
const count = Number(values.count);
const talker = new Talker('bodies', process.execPath, ['--expose-gc', SERVER, values.adapter]);
const port = Number(/^PORT (\d+)$/.exec(await talker.line())?.[1]);
await leaveMany(port, WARM_UP);
const before = await settled(talker);
await leaveMany(port, count);
const after = await settled(talker);
const { requests } = await talker.ask('stats');
const kept = (name) => ((after[name] - before[name]) / count).toFixed(2);
process.stdout.write(
  `${values.adapter}: ${count} requests left by their clients (${requests.aborted} of ${requests.handled} counted as aborted): ` +
    `${kept('heapUsed')} bytes of heap, ${kept('external')} of buffers kept for each\n`,
);
await talker.end();
process.exit();
