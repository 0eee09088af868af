// A WebSocket server of the package ws: `createServer` stands where http.createServer stood. Needs: npm install ws
//
//   node examples/websocket.js 3000
import { createServer } from 'epoll-server/node';
import { WebSocketServer } from 'ws';

const server = createServer((_request, response) => {
  response.writeHead(426, { 'Content-Type': 'text/plain' }).end('This is a WebSocket server\n');
});

new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});

server.listen(Number(process.argv[2] ?? 3000), '127.0.0.1', () => {
  console.log(`ws://127.0.0.1:${server.address().port}/`);
});
