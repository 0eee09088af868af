// The application for node:http of the soak.
import { createServer } from 'node:http';

export default createServer((request, response) => {
  let bytes = 0;
  request.on('data', (piece) => {
    bytes += piece.length;
  });
  request.on('end', () => response.writeHead(200, { 'X-Bytes': bytes }).end('from node'));
});
