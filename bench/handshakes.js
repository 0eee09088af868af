// A client of bench/tls.js that makes a connection for each request, with the same version, cipher and group for every
// server: node handshakes.js PORT COUNT full|resumed. Prints one line of JSON. `resumed`: with the newest session ticket of
// an earlier connection; those that make the first sessions are not counted, and a server that refuses one is an error.

import { connect } from 'node:tls';
import { TLS_ONLY } from './tls-client.js';

const AT_ONCE = 8;
const [port, count, kind] = process.argv.slice(2);
const wanted = Number(count);
const request = `GET /text HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`;
let begun = 0;
let resumed = 0;

/** One request; resolves to the session of the connection. */
function exchange(session) {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...TLS_ONLY, host: '127.0.0.1', port: Number(port), session });
    let newest = session;
    let text = '';
    socket.on('session', (ticket) => {
      newest = ticket;
    });
    socket.on('secureConnect', () => {
      if (socket.isSessionReused()) resumed++;
      socket.write(request);
    });
    socket.on('data', (bytes) => {
      text += bytes;
    });
    socket.on('error', reject);
    socket.on('close', () => (text.includes(' 200 ') ? resolve(newest) : reject(new Error(`wrong response: ${text}`))));
  });
}

/** Each of these clients has sessions of its own, as clients do not use a ticket twice (RFC 8446 appendix C.4). */
async function client(first) {
  let session = first;
  while (begun < wanted) {
    begun++;
    const newest = await exchange(session);
    if (kind === 'resumed') session = newest;
  }
}

const sessions = [];
for (let i = 0; i < AT_ONCE; i++) sessions.push(kind === 'resumed' ? await exchange(undefined) : undefined);
process.stdout.write('READY\n');
process.stdin.once('data', async () => {
  await Promise.all(sessions.map(client));
  process.stdout.write(`${JSON.stringify({ handshakes: begun, resumed })}\n`);
  process.exit(0);
});
