// A WSGI application under Debian's uWSGI behind this server, on a Unix domain socket and on a port: content both ways,
// wsgiref.validate, slow clients, a worker that dies, and reloads of uWSGI under load.
//   npm run check:uwsgi
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, withServer } from './programs.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const COMMAND = join(ROOT, 'dist', 'epoll-server.js');
const WORKERS = 2;
const LIMIT_MS = 30_000;
const STREAM_BYTES = 5_000_000;
/** Requests of each client while uWSGI reloads. */
const REQUESTS = 200;
const CLIENTS = 8;

let passed = 0;
let failed = 0;

function expect(what, got, wanted) {
  const isRight = JSON.stringify(got) === JSON.stringify(wanted);
  if (isRight) passed++;
  else failed++;
  process.stdout.write(`${isRight ? 'ok' : 'FAILED'}  ${what}${isRight ? '' : `: ${JSON.stringify(got)}`}\n`);
}

/** Starts uWSGI; resolves when it accepts connections. */
async function startUwsgi(address, where) {
  const args = ['--plugin', 'python3', '--socket', address, '--chdir', join(ROOT, 'scripts', 'uwsgi')];
  const own = [
    '--module',
    'application',
    '--master',
    '--processes',
    String(WORKERS),
    '--need-app',
    '--disable-logging',
  ];
  const child = spawn('uwsgi', [...args, ...own], { stdio: 'ignore' });
  const endMs = Date.now() + LIMIT_MS;
  for (;;) {
    const socket = connect(where);
    const [event] = await Promise.race(
      ['connect', 'error'].map(async (name) => [name, await once(socket, name)]),
    ).catch(() => ['error']);
    socket.destroy();
    if (event === 'connect') return child;
    if (Date.now() > endMs || child.exitCode !== null) throw new Error('uWSGI does not start');
    await sleep(50);
  }
}

async function text(url, init) {
  const response = await fetch(url, init);
  return [response.status, await response.text()];
}

async function checkRequests(base, name) {
  const [status, shown] = await text(`${base}/a%20b?x=1`);
  const variables = 'REQUEST_METHOD=GET SCRIPT_NAME= PATH_INFO=/a b QUERY_STRING=x=1 REMOTE_ADDR=127.0.0.1';
  expect(`${name}: variables`, [status, shown], [200, `${variables} wsgi.url_scheme=http`]);
  for (const size of [0, 1, 70_000, 5_000_000]) {
    const body = Buffer.alloc(size, 'abcdefg');
    const sum = createHash('sha256').update(body).digest('hex');
    expect(`${name}: ${size} bytes of content`, await text(`${base}/sum`, { method: 'POST', body }), [
      200,
      `${size} ${sum}`,
    ]);
  }
  expect(`${name}: a long response`, (await text(`${base}/stream`))[1].length, STREAM_BYTES);
  const head = await fetch(`${base}/`, { method: 'HEAD' });
  expect(`${name}: HEAD`, [head.status, Number(head.headers.get('Content-Length')) > 0], [200, true]);
  expect(`${name}: 304`, (await text(`${base}/not-modified`))[0], 304);
  // uWSGI closes the connection without a response.
  expect(`${name}: an application that fails`, (await text(`${base}/fail`))[0], 502);
  expect(`${name}: a worker that dies`, (await text(`${base}/die`, { method: 'POST' }))[0], 502);
  expect(`${name}: afterwards`, (await text(`${base}/`))[0], 200);
}

/** More clients than workers request a long response and read nothing: another client is answered all the same. */
async function checkSlowClients(base, name) {
  const { port } = new URL(base);
  const slow = Array.from({ length: 20 }, () => connect(Number(port), '127.0.0.1').pause());
  for (const socket of slow) socket.write('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(`${name}: beside 20 slow clients`, (await text(`${base}/`))[0], 200);
  for (const socket of slow) socket.destroy();
}

/** GETs while uWSGI reloads its workers: each is answered. */
async function checkReload(base, uwsgi, name) {
  const statuses = new Map();
  const client = async () => {
    for (let i = 0; i < REQUESTS; i++) {
      const [status] = await text(`${base}/`);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const clients = Array.from({ length: CLIENTS }, client);
  for (let i = 0; i < 3; i++) {
    uwsgi.kill('SIGHUP');
    await sleep(200);
  }
  await Promise.all(clients);
  expect(`${name}: reloads under load`, [...statuses], [[200, CLIENTS * REQUESTS]]);
}

if (spawnSync('uwsgi', ['--plugin', 'python3', '--version']).status !== 0) {
  process.stdout.write('NOT TRIED: uwsgi and its plugin python3 are not installed\n');
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), 'epoll-server-uwsgi-'));
try {
  const path = join(folder, 'app.sock');
  const port = await freePort();
  const places = [
    ['a Unix domain socket', path, { path }, `uwsgi:unix:${path}`],
    ['a port', `127.0.0.1:${port}`, { port, host: '127.0.0.1' }, `uwsgi:127.0.0.1:${port}`],
  ];
  for (const [name, address, where, place] of places) {
    const uwsgi = await startUwsgi(address, where);
    try {
      await withServer([process.execPath, COMMAND, '0', '--proxy', place], {}, async (url) => {
        await checkRequests(url, name);
        await checkSlowClients(url, name);
        await checkReload(url, uwsgi, name);
      });
    } finally {
      const ended = once(uwsgi, 'close');
      uwsgi.kill('SIGINT');
      await ended;
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
