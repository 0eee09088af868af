// Sends requests to an Express application over this server. Half of them are aborted somewhere: in the head, in the
// body, before or within the response. Afterwards memory, descriptors and listeners must be what they were.
//   npm run soak:node                        one million requests, some minutes
//   npm run soak:node -- --requests 20000
//   npm run soak:node -- --seconds 600       ends after this time, however many they were
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readOptions } from './arguments.js';

const { requests: given, seconds: bound } = readOptions(import.meta.url, {
  requests: { type: 'string', default: '1000000' },
  seconds: { type: 'string', default: 'Infinity' },
});
const total = Number(given);
if (!Number.isInteger(total) || total < 100) throw new Error(`--requests must be a number from 100 on, not ${given}`);

/** The content of each response ends so, and a chunked one with these bytes behind it. */
const END = 'done\n';
const CHUNK_END_BYTES = 7;
const LANES = 32;
const MB = 1_048_576;
/** What a garbage collector and caches of the same size make of the same traffic. */
const MAX_HEAP_GROWTH_BYTES = 4 * MB;
const MAX_RSS_GROWTH_BYTES = 48 * MB;
/** The first part of the requests fills caches and pools. */
const WARM_UP = 0.2;
const MAX_WAIT_MS = 60_000;

const get = (path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const body = JSON.stringify(Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`key${index}`, 'value'])));
const post = `POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const WHOLE = [get('/'), get('/later'), post, get('/stream')];
const pick = (list) => list[Math.floor(Math.random() * list.length)];

/** The ways to leave: bytes of a request, and what the client waits for. */
const ABORTED = [
  () => ({ bytes: cut(get('/')) }),
  () => ({ bytes: cut(post) }),
  () => ({ bytes: pick(WHOLE) }),
  () => ({ bytes: get('/') + get('/later') }),
  () => ({ bytes: get('/stream'), waits: true }),
  () => ({ bytes: pick(WHOLE), waits: true }),
];

function cut(text) {
  return text.slice(0, 1 + Math.floor(Math.random() * (text.length - 1)));
}

/** Sends whole requests, each after the response to the one before; false: the connection ended. */
function exchange(socket, count) {
  return new Promise((resolve) => {
    let left = count;
    let tail = '';
    const end = () => resolve(left === 0);
    socket.on('close', end);
    socket.on('data', (data) => {
      tail += data.toString('latin1', Math.max(0, data.length - END.length - CHUNK_END_BYTES));
      if (!tail.includes(END)) {
        tail = tail.slice(-END.length);
        return;
      }
      tail = '';
      left--;
      if (left > 0) socket.write(pick(WHOLE));
      else end();
    });
    if (left > 0) socket.write(pick(WHOLE));
    else end();
  });
}

/** One client: some whole requests, then one that it does not wait for. Resolves to how many of each. */
async function visit(port) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const count = Math.floor(Math.random() * 3);
  if (!(await exchange(socket, count))) throw new Error('the server closed a connection in use');
  const { bytes, waits = false } = pick(ABORTED)();
  const answered = waits ? once(socket, 'data') : null;
  await new Promise((resolve) => socket.write(bytes, resolve));
  if (answered !== null) await answered;
  const closed = once(socket, 'close');
  // Most with RST: FIN leaves a port in TIME_WAIT, of which there are too few for a million.
  if (Math.random() < 0.02) socket.destroy();
  else socket.resetAndDestroy();
  await closed;
  return count + 1;
}

async function send(port, most, endMs, onProgress) {
  let sent = 0;
  let aborted = 0;
  const lane = async () => {
    while (sent < most && Date.now() < endMs) {
      const count = await visit(port);
      sent += count;
      aborted++;
      onProgress(sent);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { sent, aborted };
}

const child = fork(fileURLToPath(new URL('soak/express-server.js', import.meta.url)), { execArgv: ['--expose-gc'] });
process.on('exit', () => child.kill('SIGKILL'));

/** What the server holds when its connections are closed. */
async function state() {
  const late = Date.now() + MAX_WAIT_MS;
  for (;;) {
    child.send('state');
    const [found] = await once(child, 'message');
    if ((found.connections === 0 && found.begun === found.closed) || Date.now() > late) return found;
    await sleep(100);
  }
}

const lineOf = ({ heapUsed, rss, external, descriptors, connections, timers }) =>
  `heap ${(heapUsed / MB).toFixed(1)} MB, external ${(external / MB).toFixed(1)} MB, resident ${(rss / MB).toFixed(1)} MB, ` +
  `${descriptors} descriptors, ${connections} connections, ${timers} timers`;

const [{ port }] = await once(child, 'message');
const started = Date.now();
let reportedAt = started;
const progress = (name) => (sent) => {
  if (Date.now() - reportedAt < 10_000) return;
  reportedAt = Date.now();
  process.stdout.write(`${name}: ${sent} requests, ${Math.round((reportedAt - started) / 1000)} s\n`);
};
const warm = await send(port, total * WARM_UP, started + Number(bound) * WARM_UP * 1_000, progress('warm-up'));
const before = await state();
process.stdout.write(`after ${warm.sent} requests: ${lineOf(before)}\n`);
const rest = await send(port, total - warm.sent, started + Number(bound) * 1_000, progress('then'));
const after = await state();
process.stdout.write(`after ${warm.sent + rest.sent} requests: ${lineOf(after)}\n`);
const aborted = warm.aborted + rest.aborted;
const seconds = Math.round((Date.now() - started) / 1000);
process.stdout.write(
  `${aborted} of them were aborted; ${after.begun} reached the application, ${after.closed} closed; ${seconds} s\n`,
);

const problems = [
  after.connections !== 0 && `${after.connections} connections are open`,
  after.descriptors > before.descriptors && `${after.descriptors - before.descriptors} more descriptors are open`,
  after.timers > before.timers && `${after.timers - before.timers} more timers run`,
  after.begun !== after.closed && `${after.begun - after.closed} responses emitted no 'close': ${after.open}`,
  after.again > 0 && `${after.again} responses emitted 'close' twice`,
  after.heapUsed - before.heapUsed > MAX_HEAP_GROWTH_BYTES && 'the heap has grown',
  after.external - before.external > MAX_HEAP_GROWTH_BYTES && 'memory outside of the heap has grown',
  after.rss - before.rss > MAX_RSS_GROWTH_BYTES && 'resident memory has grown',
].filter((each) => each !== false);
for (const problem of problems) process.stdout.write(`FAILED: ${problem}\n`);
process.exit(problems.length === 0 ? 0 : 1);
