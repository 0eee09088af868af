// Measures the cost of many connections: memory for each, and the time of a turn. The simulated kernel has up to a
// million idle connections and a thousand busy ones; the real one as many as descriptors allow. docs/scale.md explains
// the figures.
//   node scripts/scale.js                       both tables
//   node scripts/scale.js simulated 100000      one line
//   node scripts/scale.js real 5000             one line
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SIMULATED = [1_000, 10_000, 100_000, 1_000_000];
const REAL = [1_000, 5_000, 15_000];
const BUSY = 1_000;
const ROUNDS = 40;
const SELF = fileURLToPath(import.meta.url);
const REQUEST = 'GET /?n=1 HTTP/1.1\r\nHost: scale\r\n\r\n';

function heapBytes() {
  for (let i = 0; i < 3; i++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The heap that the simulation itself takes for `count` connections without a server. */
async function worldAlone(count) {
  const { SimulatedKernel } = await import('../dist/testing/index.js');
  const kernel = new SimulatedKernel();
  const listener = kernel.listen('127.0.0.1', 0, 1);
  const before = heapBytes();
  const clients = [];
  for (let i = 0; i < count; i++) {
    clients.push(kernel.connectClient());
    kernel.add(kernel.accept(listener), 3);
  }
  const after = heapBytes();
  return { bytes: (after - before) / clients.length };
}

/** The heap with the server, and the time of a turn that serves {@link BUSY} of the clients. */
async function worldServed(count) {
  const { simulate } = await import('../dist/testing/index.js');
  const site = simulate({
    handler: (_, response) => response.send(200, {}, 'ok'),
    limits: { maxConnections: 4_194_304, maxAcceptsPerTurn: 65_536 },
    timeouts: { keepAliveMs: 86_400_000, firstByteMs: 86_400_000 },
    machine: { eventCapacity: BUSY },
  });
  const before = heapBytes();
  const clients = [];
  for (let i = 0; i < count; i++) {
    const client = site.connect();
    client.onBytes = ignore;
    clients.push(client);
    if (i % 50_000 === 49_999) await site.runFor(1);
  }
  await site.runFor(10);
  const after = heapBytes();
  const turnUs = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Spread over the table, as real clients are.
    for (let i = 0; i < BUSY; i++) clients[(i * 7_919 + round) % count].send(REQUEST);
    site.clock.advanceTo(site.clock.nowMs + 1);
    // Processor time, so that other programs do not affect the result.
    const begin = process.cpuUsage();
    site.kernel.turn();
    const { user, system } = process.cpuUsage(begin);
    turnUs.push(user + system);
    await site.runFor(5);
  }
  const { connections, requests } = site.server.stats();
  if (connections.open !== count || requests.handled < BUSY * ROUNDS)
    throw new Error(`${connections.open} open, ${requests.handled} served`);
  return { bytes: (after - before) / count, turnUs: turnUs.sort((a, b) => a - b)[ROUNDS >> 1] };
}

function ignore() {}

function child(args) {
  const flags = ['--expose-gc', '--max-old-space-size=12000'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, SELF, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

function simulatedLine(count) {
  const alone = child(['--alone', `${count}`]);
  const served = child(['--served', `${count}`]);
  const own = Math.round(served.bytes - alone.bytes);
  return `| ${count.toLocaleString('en')} | ${own} | ${Math.round(served.turnUs)} | ${(served.turnUs / BUSY).toFixed(2)} |`;
}

function kernelSlabBytes() {
  const slab = spawnSync(
    'sh',
    [
      '-c',
      "awk '/^(TCP|sock_inode_cache|filp|eventpoll_epi|eventpoll_pwq|dentry) /{s+=$3*$4} END{print s}' /proc/slabinfo",
    ],
    {
      encoding: 'utf8',
    },
  );
  return Number(slab.stdout) || 0;
}

function residentBytes(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

function line(process_, pattern) {
  return new Promise((resolve, reject) => {
    let text = '';
    process_.stdout.on('data', (bytes) => {
      text += bytes;
      const found = pattern.exec(text);
      if (found !== null) resolve(found);
    });
    process_.on('exit', (code) => reject(new Error(`ended with ${code}`)));
  });
}

/** Real idle connections, each after one request: resident memory of the server per connection. */
async function realLine(count) {
  const code = `const { serve } = await import('${new URL('../dist/index.js', import.meta.url)}');
    const s = await serve({ port: 0, timeouts: { keepAliveMs: 600000 }, handler: (q, r) => r.send(200, {}, q.query) });
    console.log('port ' + s.port);
    process.stdin.on('data', () => { for (let i = 0; i < 3; i++) gc(); console.log('gc ' + process.memoryUsage().heapUsed); });`;
  const server = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', code], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [, port] = await line(server, /port (\d+)/);
  const collected = async () => {
    const match = line(server, /gc (\d+)/);
    server.stdin.write('gc');
    return Number((await match)[1]);
  };
  // The first hundred connections load code, arenas and tables.
  const warm = spawn(process.execPath, [fileURLToPath(new URL('../bench/idle.js', import.meta.url)), port, '100'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await line(warm, /HELD (\d+)/);
  await new Promise((resolve) => warm.on('exit', resolve) && warm.stdin.end());
  const [heapBefore, before, slabsBefore] = [await collected(), residentBytes(server.pid), kernelSlabBytes()];
  const holder = spawn(
    process.execPath,
    [fileURLToPath(new URL('../bench/idle.js', import.meta.url)), port, `${count}`],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const [, held] = await line(holder, /HELD (\d+)/);
  const heap = (await collected()) - heapBefore;
  const resident = residentBytes(server.pid) - before;
  const slabs = kernelSlabBytes();
  holder.stdin.end();
  await new Promise((resolve) => holder.on('exit', resolve));
  server.kill();
  const each = (bytes) => Math.round(bytes / Number(held));
  const slab = each(slabs - slabsBefore);
  return `| ${Number(held).toLocaleString('en')} | ${each(heap)} | ${each(resident)} | ${slab > 0 ? slab : 'not readable'} |`;
}

const [what, count] = process.argv.slice(2);
if (what === '--alone' || what === '--served') {
  process.stdout.write(JSON.stringify(await (what === '--alone' ? worldAlone : worldServed)(Number(count))));
  process.exit(0);
}
if (what !== 'real') {
  process.stdout.write(
    `| idle connections | heap for each, bytes | a turn of ${BUSY} requests, µs | a request, µs |\n| --- | --- | --- | --- |\n`,
  );
  for (const size of count === undefined ? SIMULATED : [Number(count)])
    process.stdout.write(`${simulatedLine(size)}\n`);
}
if (what !== 'simulated') {
  process.stdout.write(
    '\n| held | heap for each, bytes | resident for each, bytes | kernel slabs for both ends, bytes |\n| --- | --- | --- | --- |\n',
  );
  for (const size of count === undefined ? REAL : [Number(count)]) process.stdout.write(`${await realLine(size)}\n`);
}
process.exit(0);
