// Echoes the query with node:http, with the same three fields and nothing else.
import { createServer } from 'node:http';
import { announce } from './control.js';

const server = createServer((request, response) => {
  const query = request.url.slice(request.url.indexOf('?') + 1);
  // No Connection and Keep-Alive fields: less to write.
  response.removeHeader('Connection');
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(query) });
  response.end(query);
});
server.keepAliveTimeout = 3_600_000;
server.listen(0, '127.0.0.1', () => announce(server.address().port));
