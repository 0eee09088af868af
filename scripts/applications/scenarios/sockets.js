// WebSockets: ws, socket.io, @fastify/websocket.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { lastRequest, request } from '../context.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const HANDSHAKE = {
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': KEY,
  'Sec-WebSocket-Version': '13',
};

async function socketIo(t, transports) {
  const { Server } = t.load('socket.io');
  const { io: connect } = t.load('socket.io-client');
  const server = createServer((_, response) => response.end('plain'));
  const io = new Server(server, { transports, allowUpgrades: false });
  io.on('connection', (socket) => {
    t.log('connection', socket.conn.transport.name);
    socket.on('ask', (word, answer) => answer(`${word}!`));
    socket.on('disconnect', (reason) => t.log('disconnect', reason));
  });
  const port = await t.serve(server);
  t.onEnd(() => io.close());
  const client = connect(`http://127.0.0.1:${port}`, { transports, reconnection: false });
  await once(client, 'connect');
  t.log(await client.emitWithAck('ask', 'hello'));
  t.log((await client.emitWithAck('ask', 'x'.repeat(50_000))).length);
  await t.send(port, lastRequest('GET /'));
  client.disconnect();
  await new Promise((resolve) => {
    const look = () => (t.record.some((line) => line.startsWith('disconnect')) ? resolve() : setTimeout(look, 5));
    look();
  });
}

export const SOCKETS = {
  'ws: echo': async (t) => {
    const { WebSocket, WebSocketServer } = t.load('ws');
    const server = createServer((_, response) => response.end('plain'));
    const webSockets = new WebSocketServer({ server, perMessageDeflate: true });
    webSockets.on('connection', (socket, incoming) => {
      t.log('connection', incoming.url, socket.extensions);
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
      socket.on('ping', (data) => t.log('ping', data.toString()));
      socket.on('close', (code, reason) => t.log('close', code, reason.toString()));
    });
    const port = await t.serve(server);
    const client = new WebSocket(`ws://127.0.0.1:${port}/path`);
    await once(client, 'open');
    client.send('text');
    t.log((await once(client, 'message')).toString());
    client.send(Buffer.alloc(200_000, 1));
    t.log((await once(client, 'message'))[0].length);
    client.ping('here');
    t.log((await once(client, 'pong')).toString());
    client.close(4000, 'bye');
    t.log((await once(client, 'close')).map(String));
    await t.send(port, lastRequest('GET /'));
  },
  'ws: the bytes of a handshake': async (t) => {
    const { WebSocketServer } = t.load('ws');
    const server = createServer();
    new WebSocketServer({ server }).on('connection', (socket) => socket.close(1000, 'done'));
    const port = await t.serve(server);
    const socket = await t.open(port);
    socket.write(request('GET /', HANDSHAKE));
    t.logBytes(await t.read(socket, /done/), port);
    socket.destroy();
  },
  'ws: handshakes that are refused': async (t) => {
    const { WebSocketServer } = t.load('ws');
    const server = createServer();
    const webSockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (incoming, socket, head) => {
      if (incoming.url === '/no') return socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
      webSockets.handleUpgrade(incoming, socket, head, (webSocket) => webSocket.close());
    });
    const port = await t.serve(server);
    await t.send(port, request('GET /no', HANDSHAKE));
    await t.send(port, request('GET /', { ...HANDSHAKE, 'Sec-WebSocket-Key': 'x' }));
    await t.send(port, request('GET /', { ...HANDSHAKE, 'Sec-WebSocket-Version': '1' }));
    await t.send(port, request('POST /', HANDSHAKE));
  },
  'ws: a client that vanishes': async (t) => {
    const { WebSocket, WebSocketServer } = t.load('ws');
    const server = createServer();
    const closed = new Promise((resolve) => {
      new WebSocketServer({ server }).on('connection', (socket) => {
        socket.on('error', (error) => t.log('error', error.code));
        socket.on('close', (code) => resolve(t.log('close', code)));
      });
    });
    const port = await t.serve(server);
    const client = new WebSocket(`ws://127.0.0.1:${port}/`);
    await once(client, 'open');
    client.terminate();
    await closed;
  },
  'socket.io: websocket': (t) => socketIo(t, ['websocket']),
  'socket.io: polling': (t) => socketIo(t, ['polling']),
  '@fastify/websocket': async (t) => {
    const { WebSocket } = t.load('ws');
    const app = t.load('fastify')({ serverFactory: (handler) => createServer(handler) });
    await app.register(t.load('@fastify/websocket'));
    app.get('/', { websocket: true }, (socket, { url }) =>
      socket.on('message', (data) => socket.send(`${url} ${data}`)),
    );
    app.get('/plain', async () => 'plain');
    t.onEnd(() => app.close());
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address();
    const client = new WebSocket(`ws://127.0.0.1:${port}/`);
    await once(client, 'open');
    client.send('hello');
    t.log((await once(client, 'message')).toString());
    client.close();
    await once(client, 'close');
    await t.send(port, lastRequest('GET /plain'));
    const socket = await t.open(port);
    socket.write(request('GET /none', HANDSHAKE));
    t.logBytes(await t.read(socket, /Not Found/), port);
    socket.destroy();
  },
};
