// What a streamed body of any size costs in memory: resident memory of a server of its own, while bytes go up and
// come down, over what it had when it was idle.
//   node bench/memory.js [--mib N] [--adapter wsgi|fetch|raw]

import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { residentOf, Talker } from './children.js';

const SERVER = fileURLToPath(new URL('servers/bodies.js', import.meta.url));
const MIB = 1_048_576;
const LOOK_EVERY_MS = 20;

/** The most resident bytes of a process while `work` runs. */
async function peakDuring(pid, work) {
  let peak = residentOf(pid);
  const timer = setInterval(() => {
    peak = Math.max(peak, residentOf(pid));
  }, LOOK_EVERY_MS);
  await work();
  clearInterval(timer);
  return peak;
}

/** Sends `bytes` and checks that they were counted. */
async function upload(port, bytes) {
  const socket = connect(port, '127.0.0.1');
  const piece = Buffer.alloc(65_536, 'x');
  socket.write(`POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`);
  for (let left = bytes; left > 0; left -= piece.length) {
    if (!socket.write(left < piece.length ? piece.subarray(0, left) : piece)) await once(socket, 'drain');
  }
  let text = '';
  socket.on('data', (data) => {
    text += data;
  });
  while (!text.includes(`\r\n\r\n${bytes}`)) await once(socket, 'data');
  socket.destroy();
}

/** Receives an answer of `bytes`, slower than it could be sent now and then. */
async function download(port, bytes) {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET /down?${bytes} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  let received = 0;
  socket.on('data', (data) => {
    received += data.length;
  });
  await once(socket, 'end');
  if (received < bytes) throw new Error(`only ${received} of ${bytes} bytes came`);
}

const { values } = parseArgs({
  options: { mib: { type: 'string', default: '1024' }, adapter: { type: 'string', default: 'fetch' } },
});
const bytes = Number(values.mib) * MIB;
const talker = new Talker('bodies', process.execPath, [SERVER, values.adapter]);
const port = Number(/^PORT (\d+)$/.exec(await talker.line())?.[1]);
// What is compiled and pooled once is not what a body costs.
await upload(port, 16 * MIB);
await download(port, 16 * MIB);
const idle = residentOf(talker.pid);
for (const [name, work] of Object.entries({ up: upload, down: download })) {
  const peak = await peakDuring(talker.pid, () => work(port, bytes));
  const more = (peak - idle) / MIB;
  process.stdout.write(
    `${values.adapter}, ${values.mib} MiB ${name}: ${(idle / MIB).toFixed(1)} MiB idle, at most ${more.toFixed(1)} MiB more\n`,
  );
}
await talker.end();
process.exit();
