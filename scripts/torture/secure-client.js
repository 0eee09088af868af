// A good client over TLS: node secure-client.js PORT. `measure MS` on its standard input lets it send requests for that
// long, on a connection that is kept and, every tenth, on a new one. Prints a line of JSON: the p99 of both in
// milliseconds, and the number of wrong responses.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { connect } from 'node:tls';
import { contentOf, pause } from './target.js';

const NAME = 'small.txt';
const NEW_EVERY = 10;
const PAUSE_MS = 2;
const port = Number(process.argv[2]);
const content = contentOf(NAME);
const request = `GET /${NAME} HTTP/1.1\r\nHost: torture\r\n\r\n`;

async function open() {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

/** Resolves to whether the response is right. */
function exchange(socket) {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const done = () => {
      socket.off('data', onData).off('close', done);
      resolve(bytes.subarray(-content.length).equals(content) && bytes.toString('latin1', 0, 15) === 'HTTP/1.1 200 OK');
    };
    const onData = (piece) => {
      bytes = Buffer.concat([bytes, piece]);
      if (bytes.subarray(-content.length).equals(content)) done();
    };
    socket.on('data', onData).on('close', done);
    socket.write(request);
  });
}

function p99(times) {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length * 0.99)];
}

async function measure(ms) {
  const times = { kept: [], new: [] };
  let wrong = 0;
  let kept = await open();
  const timed = async (kind, run) => {
    const begin = performance.now();
    if (!(await run().catch(() => false))) wrong++;
    times[kind].push(performance.now() - begin);
  };
  const untilMs = performance.now() + ms;
  for (let count = 0; performance.now() < untilMs; count++) {
    if (kept.destroyed) kept = await open();
    await timed('kept', () => exchange(kept));
    if (count % NEW_EVERY === 0) {
      await timed('new', async () => {
        const socket = await open();
        const isRight = await exchange(socket);
        socket.destroy();
        return isRight;
      });
    }
    await pause(PAUSE_MS);
  }
  kept.destroy();
  return { kept: p99(times.kept), new: p99(times.new), wrong };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await measure(Number(line.split(' ')[1])))}\n`);
}
