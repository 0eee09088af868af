// More load than a server can serve: clients that send requests without waiting for responses, so that it always has
// input to read. After SIGTERM no more requests are sent, and each one sent must get its response. Prints `running`, and
// at the end its result as JSON, as load.mjs does.
//   node flood.mjs PORT CLIENTS
import { connect } from 'node:net';

const [port, clients] = process.argv.slice(2).map(Number);
const BURST = 400;
const REQUESTS = Buffer.from('GET /load HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(BURST));

const seen = { answers: 0, wrong: 0, cut: 0 };
let open = clients;
let isRunning = false;
let isStopping = false;

function start() {
  const socket = connect(port, '127.0.0.1');
  let sent = 0;
  let received = 0;
  let answerLength = 0;
  const send = () => {
    if (isStopping) return socket.end();
    sent += BURST;
    socket.write(REQUESTS, send); // The next burst follows when the system has accepted this one.
  };
  socket.on('connect', send);
  socket.on('data', (bytes) => {
    // All responses have the length of the first one.
    if (received === 0)
      answerLength = bytes.indexOf('\r\n\r\n') + 4 + Number(/content-length: (\d+)/i.exec(bytes)?.[1]);
    if (received === 0 && !bytes.toString('latin1', 0, 16).startsWith('HTTP/1.1 200 OK')) seen.wrong++;
    received += bytes.length;
    if (isRunning || received < 100 * answerLength) return;
    isRunning = true;
    process.stdout.write('running\n');
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    seen.answers += Math.floor(received / answerLength);
    if (received !== sent * answerLength) seen.cut++;
    if (--open === 0) process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
  });
}

process.on('SIGTERM', () => {
  isStopping = true;
});
for (let i = 0; i < clients; i++) start();
