// A socket.io server: `createServer` stands where http.createServer stood. Needs: npm install socket.io
//
//   node examples/socket-io.js 3000
import { createServer } from 'epoll-server/node';
import { Server } from 'socket.io';

const server = createServer();

new Server(server).on('connection', (socket) => {
  socket.on('message', (text) => socket.emit('message', `echo ${text}`));
});

server.listen(Number(process.argv[2] ?? 3000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
