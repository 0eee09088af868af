// The responses of the comparison with node:http; files are streams, as its documentation recommends.
//   node node-http.js PORT FOLDER

import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { burn, sleep } from './work.ts';

const [port, folder = '.'] = process.argv.slice(2);
const FILES = new Map([
  ['/1k.txt', 1_024],
  ['/1m.txt', 1_048_576],
]);
const TEXT = { 'Content-Type': 'text/plain; charset=utf-8' };

const server = createServer(async (request, response) => {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const bytes = FILES.get(path);
  if (bytes !== undefined) {
    response.writeHead(200, { ...TEXT, 'Content-Length': bytes });
    createReadStream(join(folder, path)).pipe(response);
    return;
  }
  if (path === '/sleep') await sleep();
  const text = { '/text': query, '/sleep': 'slept\n', '/burn': path === '/burn' ? burn() : '' }[path];
  response.writeHead(text === undefined ? 404 : 200, { ...TEXT, 'Content-Length': Buffer.byteLength(text ?? '') });
  response.end(text);
});
server.keepAliveTimeout = 3_600_000;
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4_096 }, () => {
  const address = server.address();
  process.stdout.write(`PORT ${typeof address === 'object' && address !== null ? address.port : 0}\n`);
});
