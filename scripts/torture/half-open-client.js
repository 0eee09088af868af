// Begins handshakes of TLS and never finishes them: node half-open-client.js PORT. `open N` on its standard input opens
// connections, which all send the same ClientHello, so that this client costs little; `close` resets them. Prints a line
// of JSON after each.
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';

const AT_ONCE = 100;
const port = Number(process.argv[2]);
const sockets = new Set();

/** The first bytes of a client of node:tls. */
function clientHello() {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.once('data', (bytes) => {
        socket.destroy();
        server.close(() => resolve(bytes));
      });
    });
    server.listen(0, '127.0.0.1', () => {
      connectTls({ port: server.address().port, host: '127.0.0.1' }).on('error', () => {});
    });
  });
}

/** Resolves when the server has sent its flight. */
function begin(hello) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(hello));
    sockets.add(socket);
    socket.once('data', () => resolve(true));
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      resolve(false);
    });
  });
}

async function open(count) {
  const hello = await clientHello();
  let left = count;
  let opened = 0;
  const worker = async () => {
    while (left-- > 0) if (await begin(hello)) opened++;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { opened };
}

async function close() {
  const { size } = sockets;
  await Promise.all(
    [...sockets].map(
      (socket) =>
        new Promise((resolve) => {
          socket.once('close', resolve);
          socket.resetAndDestroy();
        }),
    ),
  );
  return { open: size };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, count] = line.split(' ');
  const result = command === 'open' ? await open(Number(count)) : await close();
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
