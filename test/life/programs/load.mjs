// Load: keep-alive clients that send the next requests as soon as their responses have arrived, until SIGTERM or the end
// of the server. Prints `running` after the first responses, and its result as JSON at the end. Requests are pipelined,
// so that the server is the bottleneck and not this program.
//   node load.mjs PORT CLIENTS
import { connect } from 'node:net';

const [port, clients] = process.argv.slice(2).map(Number);
const DEPTH = 32;
const REQUESTS = 'GET /load HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(DEPTH);
const STATUS_LINE = 'HTTP/1.1 200 OK\r\n';
/** The number of responses to all clients after which the server counts as under load. */
const WARM_UP = clients * DEPTH * 10;

const seen = { answers: 0, wrong: 0, cut: 0 };
const sockets = new Set();
let isRunning = false;
let isStopping = false;

/** The end of the first response in `text`; -1 while it is incomplete. */
function answerEnd(text) {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return -1;
  const end = head + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1]);
  return text.length >= end ? end : -1;
}

/** Counts the complete responses in `text`; returns the rest. */
function count(text) {
  let rest = text;
  for (let end = answerEnd(rest); end > 0; end = answerEnd(rest)) {
    if (rest.startsWith(STATUS_LINE)) seen.answers++;
    else seen.wrong++;
    rest = rest.slice(end);
  }
  if (!isRunning && seen.answers >= WARM_UP) {
    isRunning = true;
    process.stdout.write('running\n');
  }
  return rest;
}

/** As {@link count} for identical responses, with one comparison for the whole batch. */
function countBatch(text) {
  if (text.split(STATUS_LINE).length - 1 !== DEPTH || !isRunning) return count(text);
  seen.answers += DEPTH;
  return '';
}

function start() {
  const socket = connect(port, '127.0.0.1');
  let kept = '';
  let batchLength = 0;
  sockets.add(socket);
  socket.setNoDelay(true).setEncoding('latin1');
  socket.on('connect', () => socket.write(REQUESTS));
  socket.on('data', (text) => {
    kept += text;
    if (batchLength === 0) batchLength = DEPTH * Math.max(answerEnd(kept), 0);
    if (batchLength === 0 || kept.length < batchLength) return;
    kept = countBatch(kept);
    if (isStopping) socket.end();
    else socket.write(REQUESTS);
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    if (count(kept) !== '') seen.cut++;
    sockets.delete(socket);
    if (sockets.size === 0) process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
  });
}

process.on('SIGTERM', () => {
  isStopping = true;
});
for (let i = 0; i < clients; i++) start();
