// Echoes the query with node:http, with the same three fields. With a folder, it serves its files from memory instead.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { announce } from './control.js';

const folder = process.argv[2];
const files = new Map();
for (const name of folder === undefined ? [] : readdirSync(folder)) {
  const file = join(folder, name);
  if (statSync(file).isFile()) files.set(`/${name}`, readFileSync(file));
}

const server = createServer((request, response) => {
  const [path, query = ''] = request.url.split('?');
  const content = files.get(path) ?? query;
  // Without Connection and Keep-Alive fields there is less to write.
  response.removeHeader('Connection');
  response.writeHead(200, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(content),
  });
  response.end(content);
});
server.keepAliveTimeout = 3_600_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => announce(server.address().port));
