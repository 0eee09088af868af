// What slow clients of a Python application cost: the memory of the server for each, and what a fast client waits.

import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { StartedServer } from '../scripts/programs.js';
import { pause, residentOf, start } from './children.js';

const COMMAND = fileURLToPath(new URL('../dist/epoll-server.js', import.meta.url));
const SERVERS = fileURLToPath(new URL('servers', import.meta.url));
const CLIENTS = fileURLToPath(new URL('slow_clients.py', import.meta.url));
/** The kernel keeps up to 2.5 MB of a response. */
const CONTENT_BYTES = 4_000_000;
/** An upload sends this much at once, and then a little each second. */
const FIRST_BYTES = 48 * 1_024;
const WORKERS = 4;
const HELLOS = 1_000;
const WARM_RESPONSES = 200;
/** Clients that are slow for as long as the measurement takes. */
const PATIENCE_MS = '600000';
const OPTIONS = [
  ...['--handler-timeout-ms', PATIENCE_MS, '--send-timeout-ms', PATIENCE_MS, '--body-timeout-ms', PATIENCE_MS],
  ...['--min-send-bytes-per-second', '0', '--min-receive-bytes-per-second', '0'],
  ...['--max-connections-per-address', '0'],
];
/** A settled figure is one that has not moved by more than this share. */
const SETTLED = 0.01;
const MAX_SETTLE_MS = 60_000;
const SETTLE_STEP_MS = 4_000;

function opened(port) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', reject);
  });
}

/** Sends requests one after another; returns the milliseconds of each, sorted. */
async function hellos(port) {
  const socket = await opened(port);
  const times = [];
  for (let i = 0; i < HELLOS; i++) {
    const begin = performance.now();
    socket.write('GET /hello HTTP/1.1\r\nHost: a\r\n\r\n');
    const response = await new Promise((resolve) => socket.once('data', resolve));
    if (!response.includes('200 OK')) throw new Error(`the fast client got ${response}`);
    times.push(performance.now() - begin);
  }
  socket.destroy();
  return times.sort((a, b) => a - b);
}

/** The server has been busy before its memory is compared. */
async function warmUp(port) {
  await hellos(port);
  for (let i = 0; i < WARM_RESPONSES; i += WORKERS) {
    const responses = Array.from({ length: WORKERS }, () => fetch(`http://127.0.0.1:${port}/large`));
    await Promise.all(responses.map(async (response) => (await response).arrayBuffer()));
  }
}

/** The memory of the server once it has stopped changing. */
async function settled(pid) {
  let last = residentOf(pid);
  for (let waitedMs = 0; waitedMs < MAX_SETTLE_MS; waitedMs += SETTLE_STEP_MS) {
    await pause(SETTLE_STEP_MS);
    const now = residentOf(pid);
    if (Math.abs(now - last) < last * SETTLED) return now;
    last = now;
  }
  return last;
}

/** Starts slow clients in a process of their own; resolves when they have sent their requests. */
async function slowClients(python, kind, port, count) {
  const child = start(python, [CLIENTS, kind, `${port}`, `${count}`, `${FIRST_BYTES}`]);
  const begun = new Promise((resolve) => child.stdout.once('data', () => resolve('begun')));
  const outcome = await Promise.race([begun, child.ended]);
  if (outcome !== 'begun') throw new Error(`the slow clients ended with ${outcome}`);
  return child;
}

/**
 * Delays of a fast client in sorted milliseconds: `alone`, `spooling` (while responses go to temporary files), `slow` (with
 * all slow clients). Resident bytes of the server: `bytesOfReader`, `bytesOfUpload`.
 */
export async function measureSlowClients(python, count) {
  const args = [COMMAND, '0', 'slow_clients:application', '--python', python, '--python-workers', `${WORKERS}`];
  const env = { ...process.env, CONTENT_BYTES: `${CONTENT_BYTES}`, PYTHONDONTWRITEBYTECODE: '1' };
  const server = new StartedServer(process.execPath, [...args, ...OPTIONS], { cwd: SERVERS, env });
  const clients = [];
  try {
    const port = Number(new URL(await server.url()).port);
    await warmUp(port);
    const alone = await hellos(port);
    const empty = await settled(server.pid);
    clients.push(await slowClients(python, 'readers', port, count));
    const spooling = await hellos(port);
    const withReaders = await settled(server.pid);
    clients.push(await slowClients(python, 'uploads', port, count));
    const withBoth = await settled(server.pid);
    const slow = await hellos(port);
    const bytesOfReader = (withReaders - empty) / count;
    return { alone, spooling, slow, bytesOfReader, bytesOfUpload: (withBoth - withReaders) / count };
  } finally {
    for (const client of clients) {
      client.kill('SIGKILL');
      await client.ended;
    }
    // A server that has cut off a slow client at its end exits with 1.
    await server.stop().catch((error) => process.stderr.write(`${error.message}\n`));
  }
}
