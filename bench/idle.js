// Holds idle keep-alive connections: each sends one request, gets its response, and stays silent.
//   node idle.js PORT COUNT [tls]
// `tls`: encrypted connections. Prints `HELD n`; closes the connections when its standard input ends.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { TLS_ONLY } from './tls-client.js';

const AT_ONCE = 100;
/** Each address of the loopback network has ports of its own. */
const PER_ADDRESS = 2500;

const [port, count] = process.argv.slice(2, 4).map(Number);
const isEncrypted = process.argv[4] === 'tls';
const sockets = [];
let next = 0;
let failed = 0;

function hold(index) {
  return new Promise((resolve, reject) => {
    const localAddress = `127.0.0.${2 + Math.floor(index / PER_ADDRESS)}`;
    const address = { port, host: '127.0.0.1', localAddress };
    const socket = isEncrypted ? connectTls({ ...TLS_ONLY, ...address }) : connect(address);
    const path = isEncrypted ? '/text' : '/';
    socket.once(isEncrypted ? 'secureConnect' : 'connect', () =>
      socket.write(`GET ${path}?n=${index} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`),
    );
    socket.once('data', () => {
      sockets.push(socket);
      resolve();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed')));
  });
}

async function worker() {
  while (next < count) {
    const index = next++;
    await hold(index).catch((error) => {
      if (failed++ === 0) process.stderr.write(`idle connection ${index}: ${error.message}\n`);
    });
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, worker));
process.stdout.write(`HELD ${sockets.length}\n`);
process.stdin.on('end', () => {
  // A reset leaves no TIME_WAIT, so that the next round has free ports.
  for (const socket of sockets) {
    if (isEncrypted) socket.destroy();
    else socket.resetAndDestroy();
  }
  setTimeout(() => process.exit(0), 200);
});
process.stdin.resume();
