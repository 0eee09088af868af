// Measures the memory for a streamed body of any size: resident memory of a server while bytes are uploaded and
// downloaded, compared with its idle state.
//   node bench/memory.js [--mib N] [--adapter wsgi|fetch|raw]

import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ControlledChild, residentOf } from './children.js';

const SERVER = fileURLToPath(new URL('servers/bodies.js', import.meta.url));
const MIB = 1_048_576;
const LOOK_EVERY_MS = 20;

/** The peak of resident bytes of a process while `work` runs. */
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

/** Receives a response of `bytes`, with pauses, so that the server has to wait for the client. */
async function download(port, bytes) {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET /down?${bytes} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  let received = 0;
  socket.on('data', (data) => {
    received += data.length;
  });
  await once(socket, 'end');
  if (received < bytes) throw new Error(`only ${received} of ${bytes} bytes arrived`);
}

const { values } = parseArgs({
  options: { mib: { type: 'string', default: '1024' }, adapter: { type: 'string', default: 'fetch' } },
});
const bytes = Number(values.mib) * MIB;
const child = new ControlledChild('bodies', process.execPath, [SERVER, values.adapter]);
const port = Number(/^PORT (\d+)$/.exec(await child.line())?.[1]);
// Compilation and pools cost memory once: it is not that of a body.
await upload(port, 16 * MIB);
await download(port, 16 * MIB);
const idle = residentOf(child.pid);
for (const [name, work] of Object.entries({ up: upload, down: download })) {
  const peak = await peakDuring(child.pid, () => work(port, bytes));
  const more = (peak - idle) / MIB;
  process.stdout.write(
    `${values.adapter}, ${values.mib} MiB ${name}: ${(idle / MIB).toFixed(1)} MiB idle, at most ${more.toFixed(1)} MiB more\n`,
  );
}
await child.end();
process.exit();
