// Measures Python applications under this server: Flask beside gunicorn (sync) behind nginx, the time to the first
// response, the cost of slow clients, and what others wait while a worker hangs.
//   npm run bench:python
//   npm run bench:python -- --only hello,start --rounds 9 --seconds 3
//   npm run bench:python -- --only slow --clients 1000
//   npm run bench:python -- --python /usr/bin/python3      the Python that has Flask and gunicorn (the default)

import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions } from '../scripts/arguments.js';
import { runToEnd, StartedServer, withServer } from '../scripts/programs.js';
import { HANGS, measureHang } from '../scripts/python/hung-worker.js';
import { makeScratch } from './cases.js';
import { cpuOf, pause, start } from './children.js';
import { Load } from './load.js';
import { findNginx, startNginx } from './nginx.js';
import { align, median } from './report.js';
import { measureSlowClients } from './slow-clients.js';

const COMMAND = fileURLToPath(new URL('../dist/epoll-server.js', import.meta.url));
const SERVERS = fileURLToPath(new URL('servers', import.meta.url));
const FLASK = fileURLToPath(new URL('../scripts/python/flask', import.meta.url));
const WORKERS = 2;
const START_MS = 20_000;
/** V8 has compiled what is hot by then. */
const WARM_REQUESTS = 30_000;
const KIB = 1_024;
/** The least requests per processor second, where gunicorn behind nginx has 1. */
const HELLO_TARGET = 1;
/** The most that a start may take, where importing Flask and starting this server take 1. */
const START_TARGET = 1.2;
const MEMORY_TARGET_KIB = 64;
/** The most that slow clients may lengthen the delays of a fast one. */
const SLOW_TARGET = 2;
/** The most that a hung worker may lengthen the delays of others: two runs of the same differ by as much. */
const HANG_TARGET = 1.25;
const NAMES = ['hello', 'start', 'slow', 'hang'];

const values = readOptions(import.meta.url, {
  only: { type: 'string' },
  rounds: { type: 'string', default: '7' },
  seconds: { type: 'string', default: '3' },
  clients: { type: 'string', default: '1000' },
  python: { type: 'string', default: '/usr/bin/python3' },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const { python } = values;
const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };

function say(text) {
  process.stderr.write(`bench:python: ${text}\n`);
}

/** The ids of a process and of all that it has started. */
function family(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

/** Processor seconds of these processes and of all that they have started. */
function secondsOf(pids) {
  return pids.flatMap(family).reduce((sum, pid) => sum + cpuOf(pid).user + cpuOf(pid).system, 0);
}

async function until(isTrue, what) {
  for (const endMs = Date.now() + START_MS; !isTrue(); await pause(20)) {
    if (Date.now() > endMs) throw new Error(`waited in vain until ${what}`);
  }
}

function startOurs(...args) {
  return new StartedServer(process.execPath, [COMMAND, '0', ...args], { cwd: SERVERS, env: environment });
}

function startFlask(workers) {
  return startOurs('flask_hello:app', '--python', python, '--python-workers', `${workers}`);
}

/** gunicorn with its default worker, and nginx as the documentation of gunicorn has it. */
async function startOthers(nginx, scratch) {
  const socket = join(scratch, 'gunicorn.sock');
  const args = ['-m', 'gunicorn', '--bind', `unix:${socket}`, '--workers', `${WORKERS}`, '--worker-tmp-dir', scratch];
  const options = { cwd: SERVERS, env: environment, stdio: 'ignore' };
  const gunicorn = start(python, [...args, 'flask_hello:app'], options);
  await until(() => existsSync(socket) && family(gunicorn.pid).length > WORKERS, 'gunicorn has started');
  const location = `location / { proxy_pass http://unix:${socket}; proxy_redirect off; proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme; }`;
  const front = await startNginx(nginx, scratch, scratch, location);
  const end = async () => {
    await front.end();
    gunicorn.kill('SIGTERM');
    await gunicorn.ended;
  };
  return { port: front.port, pids: [front.pid, gunicorn.pid], end };
}

/** Requests per processor second of all processes. */
async function rateOf(load, { port, pids }) {
  const before = secondsOf(pids);
  const { requests } = await load.fixed(port, { path: '/' }, seconds);
  return requests / (secondsOf(pids) - before);
}

async function warmUp(load, { port }) {
  for (let sent = 0; sent < WARM_REQUESTS; ) sent += (await load.fixed(port, { path: '/' }, seconds)).requests;
}

/** Flask hello in both stacks, in turn. */
async function measureHello() {
  const nginx = findNginx();
  if (nginx === null) throw new Error('nginx is not installed (Debian: apt install nginx-light)');
  if (runToEnd(python, ['-c', 'import flask, gunicorn']).exit !== 0) {
    throw new Error(`${python} has no Flask or gunicorn (Debian: apt install python3-flask gunicorn)`);
  }
  const load = new Load();
  const others = await startOthers(nginx, makeScratch());
  const server = startFlask(WORKERS);
  try {
    const own = { port: Number(new URL(await server.url()).port), pids: [server.pid] };
    for (const stack of [own, others]) await warmUp(load, stack);
    const found = [];
    for (let round = 0; round < rounds; round++) {
      const [here, there] = [await rateOf(load, own), await rateOf(load, others)];
      found.push({ here, there, ratio: here / there });
      say(`hello: round ${round + 1} of ${rounds}: ${here.toFixed(0)} and ${there.toFixed(0)} requests per CPU second`);
    }
    const of = (key) => median(found.map((each) => each[key]));
    const shown = `here ${of('here').toFixed(0)}, gunicorn behind nginx ${of('there').toFixed(0)}`;
    return [row('Flask hello, requests per CPU second', shown, of('ratio'), 'at least', HELLO_TARGET)];
  } finally {
    await server.stop();
    await others.end();
  }
}

/** Resolves when a connection to the port gets a response of 200. */
async function firstResponse(port) {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const text = await new Promise((resolve) => {
      socket.once('data', (bytes) => resolve(bytes.toString('latin1'))).once('error', () => resolve(''));
    });
    socket.destroy();
    if (text.startsWith('HTTP/1.1 200')) return;
    await pause(2);
  }
}

/** Milliseconds from the start of a server to its first response. */
async function startOf(begin) {
  const beganMs = performance.now();
  const server = begin();
  try {
    await firstResponse(Number(new URL(await server.url()).port));
    return performance.now() - beganMs;
  } finally {
    await server.stop();
  }
}

function importOf() {
  const beganMs = performance.now();
  const { exit } = runToEnd(python, ['-c', 'import flask'], { env: environment });
  if (exit !== 0) throw new Error(`${python} has no Flask (Debian: apt install python3-flask)`);
  return performance.now() - beganMs;
}

async function measureStart() {
  const found = [];
  for (let round = 0; round < rounds; round++) {
    const imported = importOf();
    const own = await startOf(() => startOurs('./small.mjs', '--adapter', 'raw'));
    const flask = await startOf(() => startFlask(1));
    found.push({ imported, own, flask, ratio: flask / (imported + own) });
  }
  const of = (key) => median(found.map((each) => each[key]));
  const [flask, own, imported] = ['flask', 'own', 'imported'].map((key) => of(key).toFixed(0));
  const shown = `${flask} ms; import flask ${imported} ms, an application in JavaScript ${own} ms`;
  return [row('start to first response', shown, of('ratio'), 'at most', START_TARGET)];
}

const at = (sorted, share) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;

async function measureSlow() {
  const count = Number(values.clients);
  const { alone, spooling, slow, bytesOfReader, bytesOfUpload } = await measureSlowClients(python, count);
  const p99 = (delays) => `p99 ${at(delays, 0.99).toFixed(2)} ms, alone ${at(alone, 0.99).toFixed(2)} ms`;
  const memory = (bytes) => [`${(bytes / KIB).toFixed(1)} KiB`, bytes / KIB, 'at most', MEMORY_TARGET_KIB];
  const delay = (delays) => [p99(delays), at(delays, 0.99) / at(alone, 0.99), 'at most', SLOW_TARGET];
  say(`slow: the longest request while ${count} responses were spooled: ${at(spooling, 1).toFixed(0)} ms`);
  return [
    row(`one of ${count} slow readers`, ...memory(bytesOfReader)),
    row(`one of ${count} slow uploads`, ...memory(bytesOfUpload)),
    row('a fast client while responses are spooled', ...delay(spooling)),
    row('a fast client beside all slow ones', ...delay(slow)),
  ];
}

/** The p99 of others while one worker of three hangs. */
async function measureHung(hang) {
  const args = [COMMAND, '0', 'site_app:app', '--python', python, '--python-workers', '3'];
  // The worker that hangs is killed when this is over.
  const command = [process.execPath, ...args, '--shutdown-timeout-ms', '500'];
  const found = [];
  for (let round = 0; round < rounds; round++) {
    const { before, meanwhile } = await withServer(command, { cwd: FLASK, env: environment }, (url) =>
      measureHang(url, hang),
    );
    found.push({ before: at(before, 0.99), meanwhile: at(meanwhile, 0.99) });
  }
  const [before, meanwhile] = ['before', 'meanwhile'].map((key) => median(found.map((each) => each[key])));
  const ratio = median(found.map((each) => each.meanwhile / each.before));
  const shown = `p99 ${meanwhile.toFixed(2)} ms, before ${before.toFixed(2)} ms`;
  return row(`others while a worker hangs (${hang})`, shown, ratio, 'at most', HANG_TARGET);
}

async function measureHangs() {
  const rows = [];
  for (const hang of HANGS) rows.push(await measureHung(hang));
  return rows;
}

/** The cells of one line of the table. */
function row(title, shown, value, bound, target) {
  const isMet = bound === 'at least' ? value >= target : value <= target;
  return [isMet ? 'met' : 'missed', title, value.toFixed(2), `${bound} ${target}`, shown];
}

async function main() {
  const wanted = values.only?.split(',') ?? NAMES;
  const unknown = wanted.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new Error(`there is no case ${unknown}: ${NAMES.join(', ')}`);
  if (!(rounds >= 1 && seconds > 0 && Number(values.clients) >= 1)) {
    throw new Error('rounds, seconds and clients are numbers above 0');
  }
  const measures = { hello: measureHello, start: measureStart, slow: measureSlow, hang: measureHangs };
  const rows = [];
  for (const name of wanted) rows.push(...(await measures[name]()));
  process.stdout.write(align([['', `Node.js ${process.version}, ${python}`, 'value', 'target', 'measured'], ...rows]));
}

await main().catch((error) => {
  say(error.message);
  process.exitCode = 1;
});
process.exit();
