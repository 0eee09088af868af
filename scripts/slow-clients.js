// Measures what slow clients of a Python application cost: the memory of the server for each, and what a fast client waits.
// docs/python.md has the figures.
//   node scripts/slow-clients.js             1,000 slow readers and 1,000 slow uploads
//   node scripts/slow-clients.js 200 0       that many readers and uploads
//   CONTENT_BYTES=8000000 node scripts/slow-clients.js     the size of each response; the kernel keeps up to 2.5 MB of it
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../dist/epoll-server.js', import.meta.url));
const READERS = Number(process.argv[2] ?? 1_000);
const UPLOADS = Number(process.argv[3] ?? 1_000);
const CONTENT_BYTES = Number(process.env.CONTENT_BYTES ?? 4_000_000);
const WORKERS = 4;
const HELLOS = 1_000;
const WARM_RESPONSES = 200;
/** A slow upload sends this much at once, and then a little each second. */
const FIRST_BYTES = Number(process.env.UPLOAD_BYTES ?? 48 * 1_024);
const DRIP_BYTES = 512;
/** A settled figure is one that has not moved by more than this share. */
const SETTLED = 0.01;
const MAX_SETTLE_MS = 60_000;

const APPLICATION = `
CONTENT = b"x" * ${CONTENT_BYTES}
def application(environ, start_response):
    environ["wsgi.input"].read()
    body = CONTENT if environ["PATH_INFO"] == "/large" else b"hello"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
`;

function residentBytes(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

function listening(server) {
  return new Promise((resolve, reject) => {
    let text = '';
    server.stdout.on('data', (bytes) => {
      text += bytes;
      const found = /:(\d+)/.exec(text);
      if (found !== null) resolve(Number(found[1]));
    });
    server.on('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
}

function opened(port) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', reject);
  });
}

/** Sends requests one after another; returns what each took, in milliseconds. */
async function hellos(port, count) {
  const socket = await opened(port);
  const times = [];
  for (let i = 0; i < count; i++) {
    const begin = performance.now();
    socket.write('GET /hello HTTP/1.1\r\nHost: a\r\n\r\n');
    const answer = await new Promise((resolve) => socket.once('data', resolve));
    if (!answer.includes('200 OK')) throw new Error(`the fast client got ${answer}`);
    times.push(performance.now() - begin);
  }
  socket.destroy();
  return times.sort((a, b) => a - b);
}

function shown(times) {
  const at = (share) => (times[Math.ceil(times.length * share) - 1] ?? 0).toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`;
}

/** The server has been busy before its memory is compared. */
async function warmUp(port) {
  await hellos(port, HELLOS);
  for (let i = 0; i < WARM_RESPONSES; i += WORKERS) {
    const answers = Array.from({ length: WORKERS }, () => fetch(`http://127.0.0.1:${port}/large`));
    await Promise.all(answers.map(async (answer) => (await answer).arrayBuffer()));
  }
}

/** The memory of the server once it has stopped changing. */
async function settled(pid) {
  let last = residentBytes(pid);
  for (let waited = 0; waited < MAX_SETTLE_MS; waited += 4_000) {
    await sleep(4_000);
    const now = residentBytes(pid);
    if (Math.abs(now - last) < last * SETTLED) return now;
    last = now;
  }
  return last;
}

/** Clients of Python, which can make their receive buffers small: then the responses do not wait in the kernel. */
const CLIENTS = `
import socket, sys, time
kind, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
clients = []
for _ in range(count):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    if kind == "readers":
        client.sendall(b"GET /large HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
    else:
        client.sendall(b"POST / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 10000000\\r\\n\\r\\n" + b"x" * ${FIRST_BYTES})
    clients.append(client)
print("all have begun", flush=True)
while kind == "uploads":
    time.sleep(1)
    for client in clients:
        client.sendall(b"x" * ${DRIP_BYTES})
sys.stdin.read()
`;

const children = [];

/** Starts slow clients in a process of their own, and waits until they have sent their requests. */
function slowClients(kind, port, count) {
  const child = spawn('python3', ['-c', CLIENTS, kind, `${port}`, `${count}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', (code) => reject(new Error(`the slow clients ended with ${code}`)));
  });
}

const folder = mkdtempSync(join(tmpdir(), 'slow-clients-'));
writeFileSync(join(folder, 'slow.py'), APPLICATION);
const limits = [
  '--send-timeout-ms',
  '600000',
  '--body-timeout-ms',
  '600000',
  '--min-send-bytes-per-second',
  '0',
  '--min-receive-bytes-per-second',
  '0',
  '--max-connections-per-address',
  '0',
];
const server = spawn(
  process.execPath,
  [process.env.COMMAND ?? COMMAND, '0', 'slow:application', '--python-workers', `${WORKERS}`, ...limits],
  {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
try {
  const port = await listening(server);
  await warmUp(port);
  console.log(`alone:                     ${shown(await hellos(port, HELLOS))}`);
  const empty = await settled(server.pid);
  console.log(`the server alone:          ${(empty / 1_048_576).toFixed(0)} MiB`);
  const perClient = (from, to, count) => `${((to - from) / 1_024 / count).toFixed(1)} KiB each`;
  if (READERS > 0) {
    await slowClients('readers', port, READERS);
    console.log(`while they are spooled:    ${shown(await hellos(port, HELLOS))}`);
  }
  const withReaders = await settled(server.pid);
  if (READERS > 0) console.log(`${READERS} slow readers:         ${perClient(empty, withReaders, READERS)}`);
  if (UPLOADS > 0) {
    await slowClients('uploads', port, UPLOADS);
    const withBoth = await settled(server.pid);
    console.log(`${UPLOADS} slow uploads:         ${perClient(withReaders, withBoth, UPLOADS)}`);
  }
  console.log(`with the slow clients:     ${shown(await hellos(port, HELLOS))}`);
} finally {
  for (const child of children) {
    child.removeAllListeners('exit');
    child.kill();
  }
  server.removeAllListeners('exit');
  server.kill();
  await new Promise((resolve) => server.once('exit', resolve));
  rmSync(folder, { recursive: true });
}
