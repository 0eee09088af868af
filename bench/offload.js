// Measures whether a computing application delays files: latencies of a small static file in three situations. Alone,
// while an application computes 50 ms per request in the same event loop, and while it computes in a pool.
//   node bench/offload.js [--seconds N] [--threads N]

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { ControlledChild } from './children.js';

const SERVER = fileURLToPath(new URL('servers/burn.js', import.meta.url));
/** Requests a second for files: few enough that no queue builds up, so the latency is that of the server. */
const FILE_RATE = 200;
const FILE_CLIENTS = 4;
const BURNING_CLIENTS = 1;

async function latencies(folder, threads, isBurning, seconds) {
  const child = new ControlledChild('burn', process.execPath, [SERVER, folder, `${threads}`]);
  const port = Number(/^PORT (\d+)$/.exec(await child.line())?.[1]);
  const { port: burningPort } = await child.query('stats');
  const load = { duration: seconds, timeout: 60 };
  const burning = isBurning
    ? autocannon({ ...load, url: `http://127.0.0.1:${burningPort}/`, connections: BURNING_CLIENTS })
    : Promise.resolve({ '2xx': 0 });
  const files = await autocannon({
    ...load,
    url: `http://127.0.0.1:${port}/1k.txt`,
    connections: FILE_CLIENTS,
    overallRate: FILE_RATE,
  });
  const burnt = (await burning)['2xx'];
  await child.end();
  return { p50: files.latency.p50, p99: files.latency.p99, files: files['2xx'], burnt };
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '5' }, threads: { type: 'string', default: '2' } },
});
const folder = mkdtempSync(join(tmpdir(), 'epoll-offload-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, '1k.txt'), 'x'.repeat(1024));
const CASES = [
  ['files alone', 0, false],
  ['beside 50 ms of computing in the loop', 0, true],
  [`beside 50 ms of computing in a pool of ${values.threads}`, Number(values.threads), true],
];
for (const [name, threads, isBurning] of CASES) {
  const { p50, p99, files, burnt } = await latencies(folder, threads, isBurning, Number(values.seconds));
  process.stdout.write(`${name}: p50 ${p50} ms, p99 ${p99} ms (${files} files, ${burnt} computed)\n`);
}
process.exit();
